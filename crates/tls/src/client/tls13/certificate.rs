//! The server's CertificateRequest (RFC 9846 §4.4.2) and Certificate (§4.5.1).

use keyward_crypto::signature::PublicKey;
use keyward_wire::handshake::CertificateRequestTls13;
use keyward_wire::values::HandshakeType;

use super::State;
use super::certificate_verify::ExpectCertificateVerify;
use super::server_hello::Flight;
use crate::client::Context;
use crate::error::{Error, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Incoming};
use crate::needs::PeerCertificate;
use crate::tls13::certificate::{self, Asked};

pub(crate) struct ExpectCertificate {
    pub(super) flight: Flight,
    /// What the server wants of our certificate, if it has asked for one.
    pub(super) request: Option<Box<CertificateRequestTls13>>,
}

/// What the server presented, with the leaf's key.
pub(super) type Presented = (PeerCertificate, PublicKey);

impl ExpectCertificate {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        match incoming {
            // RFC 9846 §4.4.2: "This message, if sent, MUST follow EncryptedExtensions."
            Incoming::Handshake(message)
                if message.typ == HandshakeType::CERTIFICATE_REQUEST && self.request.is_none() =>
            {
                self.request = Some(Box::new(request(&message)?));
                self.flight.transcript.add(&message.bytes);
                Ok(State::ExpectCertificate(Box::new(self)))
            }
            incoming => self.certificate(incoming, cx),
        }
    }

    fn certificate(mut self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let offered = &self.flight.hello.hello.extensions;
        let asked = Asked {
            ocsp: offered.status_request,
            scts: offered.signed_certificate_timestamp,
            delegated: offered.delegated_credential.is_some(),
            compression: offered.compress_certificate.as_deref().unwrap_or_default(),
        };
        let limit = cx.config.limits.handshake_message;
        let (message, certificate) = certificate::receive(incoming, &asked, limit)?;
        // RFC 9846 §4.5.1.3: "If the server supplies an empty Certificate message, the client MUST abort the
        // handshake with a "decode_error" alert."
        let presented = certificate::peer(certificate)?.ok_or(PeerMisbehaved::NoCertificate)?;
        if self.request.is_none() {
            // We shall have nothing to sign.
            self.flight.transcript.forget_messages();
        }
        self.flight.transcript.add(&message.bytes);
        Ok(State::ExpectCertificateVerify(Box::new(
            ExpectCertificateVerify {
                flight: self.flight,
                request: self.request,
                presented,
            },
        )))
    }
}

fn request(message: &HandshakeMessage) -> Result<CertificateRequestTls13, Error> {
    let request: CertificateRequestTls13 = message.decode()?;
    // RFC 9846 §4.4.2: "This field SHALL be zero length unless used for the post-handshake authentication
    // exchanges".
    if request.certificate_request_context.is_empty() {
        Ok(request)
    } else {
        Err(PeerMisbehaved::CertificateRequestContext.into())
    }
}
