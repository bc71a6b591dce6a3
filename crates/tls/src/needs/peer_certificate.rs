use std::sync::Arc;

use keyward_wire::values::ProtocolVersion;
use rustls_pki_types::CertificateDer;

use super::{Answer, NeedError, NeedId};
use crate::peer_name::PeerName;
use crate::session::SessionState;
use crate::suites::{KeyExchange, Suite};
use crate::time::UnixTime;

/// Is this peer to be trusted? Raised when the engine has verified what the peer signed: the peer has the
/// private key of the leaf, or of the delegated credential that the leaf's key has signed. Only a server with
/// which TLS 1.2 does [RSA key transport](Self::is_key_transport) has signed nothing. Whether the leaf is whose
/// it should be is for the answer to say.
///
/// Raised again for each resumption of a session whose peer presented a certificate
/// ([`is_resumed`](Self::is_resumed)): since then it may have been revoked, or its authority distrusted. A
/// client is asked before it offers the session, and with it early data; a server when the client has
/// shown that it has the session's key, in TLS 1.3, or its name, in TLS 1.2. An error costs the session and not the
/// connection: there is a full handshake, in which the peer may present another certificate, and the question comes
/// once more. Who finds that too often looks the chain up in a cache of their own verdicts.
#[derive(Debug)]
pub struct PeerCertificateNeed {
    pub(crate) id: NeedId,
    pub(crate) role: PeerRole,
    pub(crate) version: ProtocolVersion,
    pub(crate) name: Option<PeerName>,
    pub(crate) key_transport: bool,
    pub(crate) certificate: PeerCertificate,
    /// When the session began that is to be resumed; `None` in a full handshake.
    pub(crate) session_began: Option<UnixTime>,
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
    /// `None` if nothing came beside it.
    pub(crate) stapled: Option<Arc<Stapled>>,
    pub(crate) delegated_credential: Option<Vec<u8>>,
}

/// What came beside a leaf. Not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stapled {
    pub(crate) ocsp: Option<Vec<u8>>,
    pub(crate) scts: Option<Vec<u8>>,
}

impl Stapled {
    pub(crate) fn new(ocsp: Option<Vec<u8>>, scts: Option<Vec<u8>>) -> Option<Arc<Self>> {
        (ocsp.is_some() || scts.is_some()).then(|| Arc::new(Self { ocsp, scts }))
    }

    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.ocsp.as_ref().map_or(0, Vec::len) + self.scts.as_ref().map_or(0, Vec::len)
    }
}

impl PeerCertificateNeed {
    /// Asks about the peer of a session that is to be resumed.
    pub(crate) fn of_session(id: NeedId, session: &SessionState, name: Option<PeerName>) -> Self {
        let key_transport = Suite::of(session.cipher_suite)
            .is_some_and(|suite| suite.key_exchange == KeyExchange::Rsa);
        let role = match name {
            Some(_) => PeerRole::Server,
            None => PeerRole::Client,
        };
        Self {
            id,
            role,
            version: session.version,
            name,
            // A client's key signs in every handshake.
            key_transport: key_transport && role == PeerRole::Server,
            certificate: PeerCertificate {
                chain: session.peer_certificates.clone(),
                stapled: session.stapled.clone(),
                delegated_credential: None,
            },
            session_began: Some(session.created),
        }
    }

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

    /// The OCSP response that was stapled to the leaf, DER, unchecked. A session keeps it, so that it may
    /// be out of date when that is resumed.
    pub fn ocsp(&self) -> Option<&[u8]> {
        self.certificate.stapled.as_ref()?.ocsp.as_deref()
    }

    /// The `SignedCertificateTimestampList` (RFC 6962 §3.3) that came beside the leaf, unchecked.
    pub fn scts(&self) -> Option<&[u8]> {
        self.certificate.stapled.as_ref()?.scts.as_deref()
    }

    /// The `DelegatedCredential` (RFC 9345 §4) that the peer signed with in place of the leaf's key. Its
    /// signature, its validity period and the leaf's right to issue it have been checked.
    pub fn delegated_credential(&self) -> Option<&[u8]> {
        self.certificate.delegated_credential.as_deref()
    }

    /// Whether a session is to be resumed. The peer presented what is asked about when the session
    /// [began](Self::session_began), and the answer decides about the session alone.
    pub fn is_resumed(&self) -> bool {
        self.session_began.is_some()
    }

    /// When the full handshake was in which the peer presented its certificate, if it was an earlier one. An
    /// answer given then is as old as that.
    pub fn session_began(&self) -> Option<UnixTime> {
        self.session_began
    }

    /// Answers it: `Ok` to go on, [`NeedError::Certificate`] to say what is wrong with it. For a session to be
    /// resumed, any error leads to a full handshake, and shows in the trace.
    pub fn answer(self, result: Result<(), NeedError>) -> Answer {
        Answer::peer_certificate(self.id, result)
    }
}
