use std::sync::Arc;

use keyward_wire::handshake::ClientHello;
use keyward_wire::values::{ProtocolVersion, SignatureScheme};

use super::{Answer, NeedError, NeedId};
use crate::config::DEFAULT_SIGNATURE_SCHEMES;
use crate::credential::Credential;
use crate::policy::Policy;

/// Which certificates, policy and protocols are for this client? Raised once, after the (first)
/// ClientHello.
#[derive(Debug)]
pub struct CertificateNeed {
    pub(crate) id: NeedId,
    pub(crate) client_hello: Arc<ClientHello>,
    pub(crate) version: ProtocolVersion,
}

impl CertificateNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// The ClientHello, as it was parsed.
    pub fn client_hello(&self) -> &Arc<ClientHello> {
        &self.client_hello
    }

    /// The host name that the client asks for (SNI), in lower case.
    pub fn server_name(&self) -> Option<&str> {
        self.client_hello
            .extensions
            .server_name
            .as_ref()
            .map(|name| name.as_str())
    }

    /// The highest version that both the client and the engine speak. The policy in the answer may
    /// lower it.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Answers it.
    pub fn answer(self, result: Result<CertificateAnswer, NeedError>) -> Answer {
        Answer::certificate(self.id, result)
    }
}

/// What is for this client.
#[derive(Clone, Debug)]
pub struct CertificateAnswer {
    /// The certificates in order of preference. The engine takes the first that fits the client's
    /// signature schemes, the version and the cipher suites.
    pub candidates: Vec<Arc<Credential>>,
    /// What may be negotiated.
    pub policy: Arc<Policy>,
    /// ALPN protocols in order of preference; empty: no ALPN is done.
    pub alpn: Vec<Vec<u8>>,
    /// What a session is bound to besides its name: a session made with another context is not
    /// resumed. At most 255 bytes; for example a digest of the site's authentication settings.
    pub session_context: Vec<u8>,
    /// Whether the client is asked for a certificate.
    pub client_authentication: ClientAuthentication,
    /// The most early data that is taken here, in bytes, where it is less than
    /// [`ServerConfig::early_data`](crate::ServerConfig::early_data), with sessions that were made under the
    /// same limit or a lower one; 0: none is.
    pub max_early_data: u32,
}

/// Whether a server asks its clients for a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// It does not.
    #[default]
    Off,
    /// It does, and goes on with a client that has none.
    Optional(ClientCertificateRequest),
    /// It does, and goes on with no client that has none.
    Required(ClientCertificateRequest),
}

impl ClientAuthentication {
    /// What the client is asked for, if it is.
    pub fn request(&self) -> Option<&ClientCertificateRequest> {
        match self {
            Self::Off => None,
            Self::Optional(request) | Self::Required(request) => Some(request),
        }
    }
}

/// What a client is told about the certificate that it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificateRequest {
    /// Distinguished names (DER) of the authorities that are trusted; empty: the client is not told.
    pub authorities: Vec<Vec<u8>>,
    /// The signature schemes that are accepted, the favourites first; empty: all that the engine can
    /// verify.
    pub signature_schemes: Vec<SignatureScheme>,
}

impl ClientCertificateRequest {
    /// The schemes that the client is told.
    pub(crate) fn schemes(&self) -> Vec<SignatureScheme> {
        if self.signature_schemes.is_empty() {
            DEFAULT_SIGNATURE_SCHEMES.to_vec()
        } else {
            self.signature_schemes.clone()
        }
    }
}

impl Default for CertificateAnswer {
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            policy: Arc::new(Policy::default()),
            alpn: Vec::new(),
            session_context: Vec::new(),
            client_authentication: ClientAuthentication::Off,
            max_early_data: u32::MAX,
        }
    }
}
