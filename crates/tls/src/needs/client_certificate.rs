use std::sync::Arc;

use keyward_wire::values::{ClientCertificateType, ProtocolVersion, SignatureScheme};

use super::{Answer, NeedError, NeedId};
use crate::credential::Credential;

/// The server asks for a certificate: which ones could be presented?
#[derive(Debug)]
pub struct ClientCertificateNeed {
    pub(crate) id: NeedId,
    pub(crate) version: ProtocolVersion,
    pub(crate) authorities: Vec<Vec<u8>>,
    pub(crate) signature_schemes: Vec<SignatureScheme>,
    pub(crate) certificate_types: Vec<ClientCertificateType>,
}

impl ClientCertificateNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// The protocol version.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Distinguished names (DER) of the authorities that the server trusts; empty: it does not say.
    pub fn authorities(&self) -> &[Vec<u8>] {
        &self.authorities
    }

    /// The signature schemes that the server can verify, its favourites first.
    pub fn signature_schemes(&self) -> &[SignatureScheme] {
        &self.signature_schemes
    }

    /// TLS 1.2: the kinds of certificate that the server takes (RFC 5246 §7.4.4). Empty in TLS 1.3.
    pub fn certificate_types(&self) -> &[ClientCertificateType] {
        &self.certificate_types
    }

    /// Answers it with certificates in order of preference: the engine takes the first whose key can
    /// sign with one of the server's schemes. `None`, or none that can: the client has no certificate,
    /// and the server decides whether it goes on.
    pub fn answer(self, result: Result<Option<Vec<Arc<Credential>>>, NeedError>) -> Answer {
        Answer::client_certificate(self.id, result)
    }
}
