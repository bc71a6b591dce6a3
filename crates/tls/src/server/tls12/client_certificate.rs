//! The client's Certificate (RFC 5246 §7.4.6).

use std::sync::Arc;

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::signature::PublicKey;
use keyward_wire::handshake::CertificateTls12;
use keyward_wire::values::HandshakeType;
use rustls_pki_types::CertificateDer;

use super::State;
use super::client_key_exchange::{ExpectClientKeyExchange, KeyExchange};
use super::server_hello::Flight;
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::server::Context;

/// A client's certificates, whose key it has yet to prove that it has.
pub(super) struct Claimed {
    pub(super) chain: Arc<[CertificateDer<'static>]>,
    pub(super) key: PublicKey,
}

pub(crate) struct ExpectCertificate {
    pub(super) key_exchange: KeyExchange,
    pub(super) flight: Flight,
}

impl ExpectCertificate {
    /// RFC 5246 §7.4.6: "If no suitable certificate is available, the client MUST send a certificate
    /// message containing no certificates. ... If the client does not send any certificates, the server
    /// MAY at its discretion either continue the handshake without client authentication, or respond
    /// with a fatal handshake_failure alert."
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        _cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CERTIFICATE)?;
        let certificate: CertificateTls12 = message.decode()?;
        let required = self.flight.requested.as_ref();
        if certificate.certificate_list.is_empty() && required.is_some_and(|asked| asked.required) {
            return Err(PeerIncompatible::NoTls12ClientCertificate.into());
        }
        self.flight.claimed = match certificate.certificate_list.first() {
            None => None,
            Some(leaf) => {
                let key = PublicKey::from_certificate_der(leaf)
                    .map_err(|_| PeerMisbehaved::BadCertificate)?;
                let info = CertificateInfo::parse(leaf).ok_or(PeerMisbehaved::BadCertificate)?;
                // RFC 5246 §7.4.6: for rsa_sign and ecdsa_sign "the certificate MUST allow the key to be used for
                // signing".
                if !info.may_sign() {
                    return Err(PeerMisbehaved::CertificateNotForSigning.into());
                }
                Some(Claimed {
                    key,
                    chain: certificate
                        .certificate_list
                        .into_iter()
                        .map(CertificateDer::from)
                        .collect(),
                })
            }
        };
        self.flight.transcript.add(&message.bytes);
        Ok(State::ExpectClientKeyExchange(Box::new(
            ExpectClientKeyExchange {
                key_exchange: self.key_exchange,
                flight: self.flight,
            },
        )))
    }
}
