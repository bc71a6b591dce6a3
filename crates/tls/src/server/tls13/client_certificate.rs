//! The client's Certificate (RFC 9846 §4.5.1).

use keyward_crypto::signature::PublicKey;

use super::State;
use super::certificate_request::Request;
use super::client_certificate_verify::ExpectCertificateVerify;
use super::finished::ExpectFinished;
use crate::error::{Error, PeerIncompatible};
use crate::handshake::Incoming;
use crate::needs::PeerCertificate;
use crate::server::Context;
use crate::tls13::certificate::{self, Asked};

pub(crate) struct ExpectCertificate {
    pub(super) request: Request,
    pub(super) then: ExpectFinished,
}

/// The client as it presents itself, without proof so far.
pub(super) struct Claim {
    pub(super) certificate: PeerCertificate,
    pub(super) key: PublicKey,
}

impl ExpectCertificate {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let asked = Asked {
            ocsp: false,
            scts: false,
            delegated: false,
            compression: &self.request.compression,
        };
        let limit = cx.config.limits.handshake_message;
        let (message, certificate) = certificate::receive(incoming, &asked, limit)?;
        self.then.transcript.add(&message.bytes);
        match certificate::peer(certificate)? {
            Some((certificate, key)) => Ok(State::ExpectCertificateVerify(Box::new(
                ExpectCertificateVerify {
                    claim: Claim { certificate, key },
                    schemes: self.request.schemes,
                    then: self.then,
                },
            ))),
            // RFC 9846 §4.5.1.3: "If the client does not send any certificates (i.e., it sends an empty
            // Certificate message), the server MAY at its discretion either continue the handshake
            // without client authentication, or abort the handshake with a "certificate_required" alert."
            None if self.request.required => Err(PeerIncompatible::NoClientCertificate.into()),
            None => Ok(State::ExpectFinished(Box::new(self.then))),
        }
    }
}
