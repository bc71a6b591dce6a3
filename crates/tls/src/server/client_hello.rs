//! The first ClientHello, up to where the versions part.

use std::sync::Arc;

use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{HandshakeType, ProtocolVersion};

use super::{Context, State, negotiation, tls12, tls13};
use crate::error::Error;
use crate::handshake::Incoming;
use crate::needs::{CertificateAnswer, CertificateNeed, Need, NeedError, NeedKind};
use crate::record::ChangeCipherSpecs;

pub(crate) struct ExpectClientHello;

impl ExpectClientHello {
    pub(crate) fn handle(self, incoming: Incoming, cx: &mut Context<'_>) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::CLIENT_HELLO)?;
        let hello: Arc<ClientHello> = Arc::new(message.decode()?);
        let version = negotiation::best_version(&hello)?;
        cx.common.ask(|id| {
            Need::Certificate(CertificateNeed {
                id,
                client_hello: hello.clone(),
                version,
            })
        });
        Ok(State::AwaitCertificate(Box::new(AwaitCertificate {
            hello,
            message: message.bytes,
        })))
    }
}

pub(crate) struct AwaitCertificate {
    hello: Arc<ClientHello>,
    message: Vec<u8>,
}

impl AwaitCertificate {
    pub(crate) fn answered(
        self,
        answer: Result<Box<CertificateAnswer>, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let site = answer.map_err(|error| Error::Need(NeedKind::Certificate, error))?;
        if site.session_context.len() > 255 {
            return Err(Error::Config("session_context has 255 bytes at most"));
        }
        let opening = Opening {
            hello: self.hello,
            message: self.message,
            site,
        };
        let version = negotiation::version(&opening.hello, &opening.site.policy)?;
        if version == ProtocolVersion::TLS13 {
            cx.common
                .set_change_cipher_specs(ChangeCipherSpecs::Ignored);
            tls13::start(opening, cx).map(State::Tls13)
        } else {
            cx.common
                .set_change_cipher_specs(ChangeCipherSpecs::Delivered);
            tls12::start(opening, cx).map(State::Tls12)
        }
    }
}

/// What both versions start with: what the client offers, and what the site it wants has.
pub(crate) struct Opening {
    pub(crate) hello: Arc<ClientHello>,
    /// The ClientHello as a whole message, for the transcript.
    pub(crate) message: Vec<u8>,
    pub(crate) site: Box<CertificateAnswer>,
}

impl Opening {
    /// The name that the client asks for.
    pub(crate) fn server_name(&self) -> Option<String> {
        let name = self.hello.extensions.server_name.as_ref()?;
        Some(name.as_str().to_owned())
    }
}
