//! What the client answers when the engine asks, and what it learns from being asked.

use std::sync::Arc;

use keyward_tls::{
    Answer, ClientCertificateNeed, ClientSession, Need, NeedError, PeerCertificateNeed, UnixTime,
};
use keyward_trust::{ChainReport, Trust, distinguished_name};
use keyward_wire::codec::Reader;
use rustls_pki_types::CertificateDer;
use serde::Serialize;

use super::identity::Identity;

/// Answers the needs of one connection.
pub(crate) struct Answers<'a> {
    trust: &'a Trust,
    /// The server is trusted whatever the report says.
    insecure: bool,
    identity: Option<&'a Identity>,
    /// To be resumed.
    session: Option<ClientSession>,
    pub(crate) seen: Seen,
}

/// What the needs told.
#[derive(Default)]
pub(crate) struct Seen {
    /// Nothing in a resumed handshake.
    pub(crate) presented: Option<Presented>,
    pub(crate) request: Option<CertificateRequest>,
}

/// What the server presented, and what was found out about it.
pub(crate) struct Presented {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) report: ChainReport,
    pub(crate) ocsp_stapled: bool,
    /// Signed certificate timestamps beside the certificate.
    pub(crate) timestamps: usize,
    /// The server signed with a delegated credential.
    pub(crate) delegated: bool,
}

/// The server asks for a certificate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CertificateRequest {
    /// Names of the authorities that it trusts; empty: it does not say.
    pub(crate) authorities: Vec<String>,
    pub(crate) signature_schemes: Vec<String>,
    /// Whether one is shown.
    pub(crate) answered: bool,
}

impl<'a> Answers<'a> {
    pub(crate) fn new(trust: &'a Trust, insecure: bool, identity: Option<&'a Identity>) -> Self {
        Self {
            trust,
            insecure,
            identity,
            session: None,
            seen: Seen::default(),
        }
    }

    /// Resumes this session.
    pub(crate) fn with_session(mut self, session: ClientSession) -> Self {
        self.session = Some(session);
        self
    }

    pub(crate) fn answer(&mut self, need: Need) -> Answer {
        match need {
            Need::PeerCertificate(need) => self.peer_certificate(need),
            Need::ClientCertificate(need) => self.client_certificate(need),
            Need::OfferSession(need) => need.answer(Ok(self.session.take())),
            Need::KeyOperation(need) => {
                let performed = match self.identity {
                    Some(identity) => identity.perform(need.operation()),
                    None => Err(NeedError::Unavailable),
                };
                match performed {
                    Ok(performed) => need.answer_performed(performed),
                    Err(error) => need.answer(Err(error)),
                }
            }
            // A server's.
            other => other.fail(NeedError::Internal),
        }
    }

    fn peer_certificate(&mut self, need: PeerCertificateNeed) -> Answer {
        let report = self.trust.report(&need, UnixTime::now());
        let verdict = match report.rejections.first() {
            Some(rejection) if !self.insecure => Err(rejection.into()),
            _ => Ok(()),
        };
        if need.is_resumed() {
            // The server has presented nothing yet; of a session that is not trusted nothing comes.
            return need.answer(verdict);
        }
        self.seen.presented = Some(Presented {
            chain: need.chain().to_vec(),
            report,
            ocsp_stapled: need.ocsp().is_some(),
            timestamps: need.scts().map_or(0, count_timestamps),
            delegated: need.delegated_credential().is_some(),
        });
        need.answer(verdict)
    }

    fn client_certificate(&mut self, need: ClientCertificateNeed) -> Answer {
        let texts = |values: &[keyward_wire::values::SignatureScheme]| {
            values.iter().map(ToString::to_string).collect()
        };
        self.seen.request = Some(CertificateRequest {
            authorities: need
                .authorities()
                .iter()
                .map(|name| distinguished_name(name).unwrap_or_else(|| "not a name".to_owned()))
                .collect(),
            signature_schemes: texts(need.signature_schemes()),
            answered: self.identity.is_some(),
        });
        let credentials = self
            .identity
            .map(|identity| vec![Arc::clone(&identity.credential)]);
        need.answer(Ok(credentials))
    }
}

/// The timestamps of a `SignedCertificateTimestampList` (RFC 6962 §3.3).
fn count_timestamps(list: &[u8]) -> usize {
    let mut reader = Reader::new(list);
    let Ok(list) = reader.opaque_u16("timestamps", 1..=usize::from(u16::MAX)) else {
        return 0;
    };
    let mut reader = Reader::new(list);
    let mut count = 0;
    while reader
        .opaque_u16("timestamp", 1..=usize::from(u16::MAX))
        .is_ok()
    {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::count_timestamps;

    #[test]
    fn timestamps_are_counted() {
        assert_eq!(count_timestamps(&[0, 7, 0, 1, 9, 0, 2, 9, 9]), 2);
        assert_eq!(count_timestamps(&[0, 9, 0, 1, 9]), 0);
        assert_eq!(count_timestamps(&[]), 0);
    }
}
