//! Certificate (RFC 5246 §7.4.2) and CertificateStatus (RFC 6066 §8).

use std::sync::Arc;

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::signature::{KeyKind, PublicKey};
use keyward_wire::handshake::{CertificateStatus, CertificateTls12};
use keyward_wire::values::HandshakeType;
use rustls_pki_types::CertificateDer;

use super::State;
use super::certificate_request::ExpectCertificateRequest;
use super::client_key_exchange::KeyExchange;
use super::server_hello::Flight;
use super::server_key_exchange::ExpectServerKeyExchange;
use crate::client::Context;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::needs::{PeerCertificate, Stapled};
use crate::tls12::curve;

/// What the server presented.
pub(super) struct Presented {
    pub(super) certificate: PeerCertificate,
    /// The leaf's key.
    pub(super) key: PublicKey,
}

pub(crate) struct ExpectCertificate {
    pub(super) flight: Flight,
}

impl ExpectCertificate {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CERTIFICATE)?;
        let certificate: CertificateTls12 = message.decode()?;
        let chain: Arc<[CertificateDer<'static>]> = certificate
            .certificate_list
            .into_iter()
            .map(CertificateDer::from)
            .collect();
        let leaf = chain.first().ok_or(PeerMisbehaved::NoCertificate)?;
        let key =
            PublicKey::from_certificate_der(leaf).map_err(|_| PeerMisbehaved::BadCertificate)?;
        // RFC 5246 §7.4.2: "The end entity certificate's public key (and associated restrictions) MUST be
        // compatible with the selected key exchange algorithm."
        let ephemeral = self.flight.suite.key_exchange.is_ephemeral();
        if !self.flight.suite.fits(key.kind()) || !self.offers_curve(key.kind()) {
            return Err(PeerMisbehaved::CertificateDoesNotFitSuite.into());
        }
        let info = CertificateInfo::parse(leaf).ok_or(PeerMisbehaved::BadCertificate)?;
        if !is_for(&info, ephemeral) {
            return Err(PeerMisbehaved::CertificateNotForSuite.into());
        }
        if let Some(earlier) = &self.flight.renegotiated {
            earlier.check_leaf(leaf)?;
        }
        self.flight.received(&message);
        let extensions = &mut self.flight.server_hello.extensions;
        let presented = Presented {
            certificate: PeerCertificate {
                chain,
                stapled: Stapled::new(None, extensions.signed_certificate_timestamp.take()),
                delegated_credential: None,
            },
            key,
        };
        if extensions.status_request {
            Ok(State::ExpectCertificateStatus(Box::new(
                ExpectCertificateStatus {
                    flight: self.flight,
                    presented,
                },
            )))
        } else {
            go_on(self.flight, presented, cx)
        }
    }
}

impl ExpectCertificate {
    /// RFC 5246 §7.4.2: in ECDHE_ECDSA, "The public key MUST use a curve and point format supported by the
    /// client".
    fn offers_curve(&self, key: KeyKind) -> bool {
        let extensions = &self.flight.hello.hello.extensions;
        let offered = extensions.supported_groups.as_deref().unwrap_or_default();
        curve(key).is_none_or(|curve| offered.contains(&curve))
    }
}

/// RFC 5246 §7.4.2: for RSA key transport "the certificate MUST allow the key to be used for encryption (the
/// keyEncipherment bit MUST be set if the key usage extension is present)", for DHE_RSA and ECDHE "for
/// signing (the digitalSignature bit MUST be set ...)".
fn is_for(info: &CertificateInfo<'_>, ephemeral: bool) -> bool {
    if ephemeral {
        info.may_sign()
    } else {
        info.may_encipher_keys()
    }
}

/// The server said that it would staple an OCSP response.
pub(crate) struct ExpectCertificateStatus {
    flight: Flight,
    presented: Presented,
}

impl ExpectCertificateStatus {
    /// RFC 6066 §8: "a server MAY also choose not to send a "CertificateStatus" message, even if has
    /// received a "status_request" extension in the client hello message and has sent a "status_request"
    /// extension in the server hello message."
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        match incoming {
            Incoming::Handshake(message) if message.typ == HandshakeType::CERTIFICATE_STATUS => {
                let status: CertificateStatus = message.decode()?;
                let certificate = &mut self.presented.certificate;
                let scts = certificate.stapled.take();
                let scts = scts.and_then(|stapled| stapled.scts.clone());
                certificate.stapled = Stapled::new(Some(status.ocsp_response), scts);
                self.flight.received(&message);
                go_on(self.flight, self.presented, cx)
            }
            other => go_on(self.flight, self.presented, cx)?.handle(other, cx),
        }
    }
}

fn go_on(flight: Flight, presented: Presented, _cx: &mut Context<'_>) -> Result<State, Error> {
    if flight.suite.key_exchange.is_ephemeral() {
        Ok(State::ExpectServerKeyExchange(Box::new(
            ExpectServerKeyExchange { flight, presented },
        )))
    } else {
        Ok(State::ExpectCertificateRequest(Box::new(
            ExpectCertificateRequest {
                flight,
                presented,
                key_exchange: KeyExchange::Rsa,
            },
        )))
    }
}
