use std::sync::Arc;

use keyward_wire::values::ProtocolVersion;
use rustls_pki_types::CertificateDer;

use super::{Answer, NeedError, NeedId};
use crate::peer_name::PeerName;

/// Is this peer to be trusted? Raised when the engine has verified what the peer signed: the peer has the
/// private key of the leaf, or of the delegated credential that the leaf's key has signed. Only a server with
/// which TLS 1.2 does [RSA key transport](Self::is_key_transport) has signed nothing. Whether the leaf is whose
/// it should be is for the answer to say.
#[derive(Debug)]
pub struct PeerCertificateNeed {
    pub(crate) id: NeedId,
    pub(crate) role: PeerRole,
    pub(crate) version: ProtocolVersion,
    pub(crate) name: Option<PeerName>,
    pub(crate) key_transport: bool,
    pub(crate) certificate: PeerCertificate,
}

/// What the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerRole {
    /// The peer is the server, and the answer is a client's.
    Server,
    /// The peer is a client that presents a certificate, and the answer is a server's.
    Client,
}

/// What a peer presented to show who it is.
#[derive(Clone, Debug)]
pub(crate) struct PeerCertificate {
    /// The leaf first; never empty.
    pub(crate) chain: Arc<[CertificateDer<'static>]>,
    pub(crate) ocsp: Option<Vec<u8>>,
    pub(crate) scts: Option<Vec<u8>>,
    pub(crate) delegated_credential: Option<Vec<u8>>,
}

impl PeerCertificateNeed {
    /// The id that its answer must have.
    pub fn id(&self) -> NeedId {
        self.id
    }

    /// What the peer is: the certificate must be good for that.
    pub fn role(&self) -> PeerRole {
        self.role
    }

    /// The protocol version.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The name that the certificate must have; `None` for a client's certificate.
    pub fn name(&self) -> Option<&PeerName> {
        self.name.as_ref()
    }

    /// Whether the leaf's key decrypts in this handshake in place of signing (TLS 1.2 RSA key transport). The
    /// peer, a server, has then shown nothing yet: its Finished will, before any data is sent or taken.
    ///
    /// Either way the engine has checked that the leaf's Key Usage, if it has one, allows the use: RFC 5246
    /// §7.4.2 has "the keyEncipherment bit MUST be set if the key usage extension is present" for key
    /// transport, and `digitalSignature` for signatures.
    pub fn is_key_transport(&self) -> bool {
        self.key_transport
    }

    /// The certificates, the leaf first; at least one. Of the leaf the engine has checked that it parses and
    /// what its key may do; of the others nothing.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certificate.chain
    }

    /// The OCSP response that was stapled to the leaf, DER, unchecked.
    pub fn ocsp(&self) -> Option<&[u8]> {
        self.certificate.ocsp.as_deref()
    }

    /// The `SignedCertificateTimestampList` (RFC 6962 §3.3) that came beside the leaf, unchecked.
    pub fn scts(&self) -> Option<&[u8]> {
        self.certificate.scts.as_deref()
    }

    /// The `DelegatedCredential` (RFC 9345 §4) that the peer signed with in place of the leaf's key. Its
    /// signature, its validity period and the leaf's right to issue it have been checked.
    pub fn delegated_credential(&self) -> Option<&[u8]> {
        self.certificate.delegated_credential.as_deref()
    }

    /// Answers it: `Ok` to go on, [`NeedError::Certificate`] to say what is wrong with it.
    pub fn answer(self, result: Result<(), NeedError>) -> Answer {
        Answer::peer_certificate(self.id, result)
    }
}
