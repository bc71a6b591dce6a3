//! Answers to what the engine asks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_keyclient::{KeyClient, KeyClientError, Route};
use keyward_keyop::{OperationKind, OperationResult};
use keyward_tls::{
    Answer, CertificateNeed, EarlyDataNeed, KeyOperationNeed, Need, NeedError, NeedKind,
    NewSessionNeed, PeerCertificateNeed, SessionNeed, UnixTime,
};
use keyward_trust::Rejection;
use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{CipherSuite, ProtocolVersion};

use crate::chains::Wanted;
use crate::counters::Counters;
use crate::delegation::DelegatedKeys;
use crate::early_data::{Register, Verdict};
use crate::last_resort::LastResort;
use crate::measured::KeyAnswerKind;
use crate::resumption::Resumption;
use crate::sites::{Site, Sites};

/// Who knows the answers.
pub(crate) struct Resolver {
    pub(crate) sites: Arc<Sites>,
    pub(crate) resumption: Arc<Resumption>,
    pub(crate) keys: KeyClient,
    pub(crate) key_operation_timeout: Duration,
    pub(crate) early_data: Register,
    pub(crate) delegated: Arc<DelegatedKeys>,
    pub(crate) last_resort: Option<Arc<LastResort>>,
    pub(crate) counters: Arc<Counters>,
}

/// What came to light while a handshake asked.
#[derive(Default)]
pub(crate) struct Findings {
    /// The name that the client asked for.
    pub(crate) server_name: Option<String>,
    /// The site that this name leads to.
    pub(crate) site: Option<Arc<Site>>,
    /// The site is there, but none of its chains.
    pub(crate) no_certificate: bool,
    /// Why the client's certificate is not good.
    pub(crate) client_certificate: Option<Rejection>,
    /// Why the key server did not answer.
    pub(crate) key_server: Option<KeyClientError>,
    /// Operations asked for.
    pub(crate) key_operations: u32,
}

/// An answer, now or once the key server has spoken.
pub(crate) enum Resolution {
    Now(Answer),
    Later(Pending),
}

/// The key server's answer on its way. Dropping it cancels the operation.
pub(crate) type Pending = Pin<Box<dyn Future<Output = KeyAnswer> + Send>>;

/// What the key server said, for the engine and for the log.
pub(crate) struct KeyAnswer {
    pub(crate) answer: Answer,
    pub(crate) error: Option<KeyClientError>,
    /// What came back and its size in bytes, for the record,
    pub(crate) result: Option<(&'static str, usize)>,
    /// and who sent it.
    pub(crate) route: Option<Route>,
}

impl Resolver {
    pub(crate) fn resolve(&self, need: Need, findings: &mut Findings) -> Resolution {
        match need {
            Need::Certificate(need) => Resolution::Now(self.certificate(need, findings)),
            Need::Session(need) => Resolution::Now(self.session(need, findings)),
            Need::NewSession(need) => Resolution::Now(self.new_session(need, findings)),
            Need::KeyOperation(need) => {
                if let Some(performed) = self.delegated.perform(need.operation()) {
                    Counters::add(&self.counters.delegated_signatures);
                    return Resolution::Now(need.answer_performed(performed));
                }
                findings.key_operations += 1;
                Resolution::Later(self.key_operation(need))
            }
            Need::EarlyData(need) => Resolution::Now(self.early_data(need)),
            Need::PeerCertificate(need) => Resolution::Now(client_certificate(need, findings)),
            // A kind of need that a later engine raises and this edge does not know.
            other => Resolution::Now(other.fail(NeedError::Internal)),
        }
    }

    /// Notes what the key server said, and when.
    pub(crate) fn measure(&self, done: &KeyAnswer, took: Duration) {
        let measured = &self.counters.measured;
        measured.need(NeedKind::KeyOperation, took);
        measured.key_answer(KeyAnswerKind::of(done.error.as_ref()));
        if let Some(route) = &done.route {
            measured.key_server(&route.server, took);
        }
    }

    /// Whether it is for the key server, and not for a key that was delegated to this edge.
    pub(crate) fn asks_key_server(&self, need: &Need) -> bool {
        matches!(need, Need::KeyOperation(need) if !self.delegated.has(need.operation().key()))
    }

    fn certificate(&self, need: CertificateNeed, findings: &mut Findings) -> Answer {
        findings.server_name = need.server_name().map(str::to_owned);
        let name = findings.server_name.as_deref();
        findings.site = self.sites.find(name).cloned();
        let Some(site) = &findings.site else {
            return need.answer(Err(NeedError::UnrecognizedName));
        };
        let wanted = Wanted {
            server_name: name,
            operation: expected_operation(need.client_hello(), need.version()),
        };
        let answer = site.answer(wanted).ok_or(NeedError::Unavailable);
        findings.no_certificate = answer.is_err();
        need.answer(answer)
    }

    fn session(&self, need: SessionNeed, findings: &Findings) -> Answer {
        let site = findings.site.as_ref();
        let shared = site.and_then(|site| site.shared_names());
        let found = self.resumption.find(need.offered(), shared);
        need.answer(Ok(found))
    }

    fn new_session(&self, need: NewSessionNeed, findings: &Findings) -> Answer {
        let shared = findings.site.as_ref().and_then(|site| site.shared_names());
        let kept = self.resumption.keep(need.state(), need.kind(), shared);
        need.answer(Ok(kept))
    }

    /// Only for sites that take early data: for others the engine does not ask.
    fn early_data(&self, need: EarlyDataNeed) -> Answer {
        let verdict = self
            .early_data
            .admit(need.unique(), need.expires(), UnixTime::now());
        let counter = match verdict {
            Verdict::New => &self.counters.early_data_accepted,
            Verdict::Seen => &self.counters.early_data_replayed,
            Verdict::Full => &self.counters.early_data_turned_away,
        };
        Counters::add(counter);
        need.answer(match verdict {
            Verdict::New => Ok(true),
            Verdict::Seen => Ok(false),
            Verdict::Full => Err(NeedError::Overloaded),
        })
    }

    fn key_operation(&self, need: KeyOperationNeed) -> Pending {
        let (id, operation) = need.into_parts();
        let keys = self.keys.clone();
        let timeout = self.key_operation_timeout;
        let last_resort = self.last_resort.clone();
        let last_resort = last_resort.filter(|server| server.has(operation.key()));
        Box::pin(async move {
            let began = Instant::now();
            // Half of the time, where there is somebody else to ask: a key server that is silent must leave some.
            let first = if last_resort.is_some() {
                timeout / 2
            } else {
                timeout
            };
            let error = match keys.perform_borrowed(&operation, first).await {
                Ok(performed) => {
                    return KeyAnswer {
                        result: Some(describe(&performed.result)),
                        route: Some(performed.route),
                        answer: Answer::key_operation(id, Ok(performed.result)),
                        error: None,
                    };
                }
                Err(error) => error,
            };
            let rest = timeout.saturating_sub(began.elapsed());
            let done = match &last_resort {
                Some(server) => server.perform(&operation, &error, rest).await,
                None => None,
            };
            match done {
                Some(result) => KeyAnswer {
                    result: Some(describe_last_resort(&result)),
                    route: None,
                    answer: Answer::key_operation(id, Ok(result)),
                    error: None,
                },
                None => KeyAnswer {
                    answer: Answer::key_operation(id, Err(need_error(&error))),
                    error: Some(error),
                    result: None,
                    route: None,
                },
            }
        })
    }
}

/// Whether the client is to be believed, by its site's rules as they are now: also one whose session is to be
/// resumed, which otherwise would outlive the revocation of its certificate.
fn client_certificate(need: PeerCertificateNeed, findings: &mut Findings) -> Answer {
    let rules = findings.site.as_ref().and_then(|site| site.client_auth());
    let Some(rules) = rules else {
        // Nobody is asked for a certificate without them.
        return need.answer(Err(NeedError::Internal));
    };
    let verdict = rules.verify(&need, UnixTime::now());
    findings.client_certificate = verdict.as_ref().err().cloned();
    need.answer(verdict.map_err(NeedError::from))
}

/// What the key server will be asked for, as far as the ClientHello tells.
fn expected_operation(hello: &ClientHello, version: ProtocolVersion) -> OperationKind {
    if version == ProtocolVersion::TLS13 {
        OperationKind::Tls13ServerCertificateVerify
    } else if hello.cipher_suites.iter().any(|suite| is_signed(*suite)) {
        OperationKind::Tls12ServerKeyExchange
    } else {
        OperationKind::Tls12RsaMasterSecret
    }
}

/// Whether it is a TLS 1.2 suite whose key exchange the server's key signs. Which of a client's suites the
/// engine will take, the edge does not know; a client that has any of these is seldom one for RSA key
/// transport.
fn is_signed(suite: CipherSuite) -> bool {
    let signed = ["TLS_ECDHE_ECDSA_", "TLS_ECDHE_RSA_", "TLS_DHE_RSA_"];
    suite
        .name()
        .is_some_and(|name| signed.iter().any(|prefix| name.starts_with(prefix)))
}

fn describe(result: &OperationResult) -> (&'static str, usize) {
    match result {
        OperationResult::Signature(signature) => ("signature", signature.len()),
        OperationResult::MasterSecret(secret) => ("master secret", secret.len()),
    }
}

/// So that the record of the handshake shows it.
fn describe_last_resort(result: &OperationResult) -> (&'static str, usize) {
    let (_, len) = describe(result);
    match result {
        OperationResult::Signature(_) => ("signature by the gokeyless server", len),
        OperationResult::MasterSecret(_) => ("master secret by way of the gokeyless server", len),
    }
}

/// All of them are the edge's trouble, not the client's, who gets `internal_error`: which of our
/// machines refused what is not for strangers to know.
fn need_error(error: &KeyClientError) -> NeedError {
    match error {
        KeyClientError::Unreachable { .. }
        | KeyClientError::NoneReachable { .. }
        | KeyClientError::ConnectionLost { .. } => NeedError::Unavailable,
        KeyClientError::Overloaded => NeedError::Overloaded,
        KeyClientError::Expired => NeedError::Expired,
        _ => NeedError::Internal,
    }
}

#[cfg(test)]
mod forged_sessions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_any_suite_that_is_signed_is_for_rsa_key_transport() {
        for suite in [
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
            CipherSuite::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
        ] {
            assert!(is_signed(suite), "{suite}");
        }
        for suite in [
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
            CipherSuite::TLS_FALLBACK_SCSV,
            CipherSuite(0xfafa),
        ] {
            assert!(!is_signed(suite), "{suite}");
        }
    }
}
