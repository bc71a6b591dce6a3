//! ServerKeyExchange (RFC 8422 §5.4, RFC 5246 §7.4.3): the server's ephemeral share, and its signature.

use keyward_crypto::key_exchange::Group;
use keyward_keyop::tls12;
use keyward_wire::values::{HandshakeType, NamedGroup, ProtocolVersion};

use super::State;
use super::certificate::Presented;
use super::certificate_request::ExpectCertificateRequest;
use super::client_key_exchange::KeyExchange;
use super::server_hello::Flight;
use crate::client::Context;
use crate::error::{Error, PeerIncompatible, PeerMisbehaved};
use crate::handshake::Incoming;
use crate::signature_schemes::PeerSignature;
use crate::tls12::{ServerParams, SignedParams, is_tls12_group};

pub(crate) struct ExpectServerKeyExchange {
    pub(super) flight: Flight,
    pub(super) presented: Presented,
}

impl ExpectServerKeyExchange {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::SERVER_KEY_EXCHANGE)?;
        let signed = SignedParams::decode(self.flight.suite.key_exchange, &message)?;
        self.check_signature(&signed)?;
        let group = self.check_group(&signed.params)?;
        if let Some(negotiated) = &mut cx.common.negotiated {
            negotiated.group = Some(NamedGroup(group.code()));
            negotiated.signature_scheme = Some(signed.scheme);
        }
        self.flight.received(&message);
        Ok(State::ExpectCertificateRequest(Box::new(
            ExpectCertificateRequest {
                flight: self.flight,
                presented: self.presented,
                key_exchange: KeyExchange::Ephemeral {
                    group,
                    public: signed.params.public().to_vec(),
                },
            },
        )))
    }

    /// RFC 5246 §7.4.3: "If the client has offered the "signature_algorithms" extension, the signature
    /// algorithm and hash algorithm MUST be a pair listed in that extension."
    fn check_signature(&self, signed: &SignedParams) -> Result<(), Error> {
        let extensions = &self.flight.hello.hello.extensions;
        let offered = extensions.signature_algorithms.as_deref();
        let randoms = &self.flight.randoms;
        let content = tls12::server_key_exchange_message(
            &randoms.client,
            &randoms.server,
            &signed.params.to_bytes(),
        );
        let signature = PeerSignature {
            scheme: signed.scheme,
            signature: &signed.signature,
        };
        signature.verify(
            ProtocolVersion::TLS12,
            offered.unwrap_or_default(),
            &self.presented.key,
            &content,
        )
    }

    /// RFC 7919 §3: "If the signature over ServerDHParams is valid, compare the selected dh_p and dh_g with
    /// the FFDHE groups offered by the client. If none of the offered groups match, ... it MAY decide to
    /// terminate the connection with a fatal insufficient_security(71) alert." We know no good of a field
    /// without a name.
    fn check_group(&self, params: &ServerParams) -> Result<Group, Error> {
        let exchange = self.flight.suite.key_exchange;
        let extensions = &self.flight.hello.hello.extensions;
        let offered = extensions.supported_groups.as_deref().unwrap_or_default();
        params
            .group()
            .filter(|group| is_tls12_group(exchange, *group))
            .filter(|group| offered.contains(&NamedGroup(group.code())))
            .ok_or_else(|| match params {
                ServerParams::Ecdh(_) => PeerMisbehaved::UnofferedGroup.into(),
                ServerParams::Dh(_) => PeerIncompatible::NoFiniteField.into(),
            })
    }
}
