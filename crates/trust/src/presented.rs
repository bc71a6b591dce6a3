//! What a peer presented, and what is asked of it.

use rustls_pki_types::{CertificateDer, ServerName};

/// What a peer presented, and what is asked of it.
#[derive(Clone, Debug)]
pub struct Presented<'a> {
    /// The chain as it came, the peer's own certificate first.
    pub chain: &'a [CertificateDer<'a>],
    /// The OCSP response that came with it, as DER.
    pub ocsp: Option<&'a [u8]>,
    /// Who presents it.
    pub peer: Peer<'a>,
    /// What the handshake does with the certificate's key.
    pub key_use: KeyUse,
}

/// Who presents a certificate.
#[derive(Clone, Debug)]
pub enum Peer<'a> {
    /// A server, asked for by this name or address.
    Server(ServerName<'a>),
    /// A client: its certificate has to be for clients; who it is, the application reads from it.
    Client,
}

/// What a handshake does with the key of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyUse {
    /// It signs: every TLS 1.3 handshake, and TLS 1.2 with (EC)DHE.
    #[default]
    Signs,
    /// The client encrypts the premaster secret to it: TLS 1.2 RSA key transport.
    Decrypts,
}

impl<'a> Presented<'a> {
    /// A server's chain, for a name or address.
    pub const fn by_server(chain: &'a [CertificateDer<'a>], name: ServerName<'a>) -> Self {
        Self {
            chain,
            ocsp: None,
            peer: Peer::Server(name),
            key_use: KeyUse::Signs,
        }
    }

    /// A client's chain.
    pub const fn by_client(chain: &'a [CertificateDer<'a>]) -> Self {
        Self {
            chain,
            ocsp: None,
            peer: Peer::Client,
            key_use: KeyUse::Signs,
        }
    }

    /// With the OCSP response that was stapled.
    #[must_use]
    pub const fn with_ocsp(mut self, response: Option<&'a [u8]>) -> Self {
        self.ocsp = response;
        self
    }

    /// In a handshake that uses the key in this way.
    #[must_use]
    pub const fn with_key_use(mut self, key_use: KeyUse) -> Self {
        self.key_use = key_use;
        self
    }
}

impl Peer<'_> {
    /// The extended key usage that its certificate needs, if it has any.
    pub(crate) const fn extended_key_usage(&self) -> &'static str {
        match self {
            Self::Server(_) => "serverAuth",
            Self::Client => "clientAuth",
        }
    }
}
