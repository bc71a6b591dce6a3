//! Certificate and CompressedCertificate (RFC 9846 §4.5.1, RFC 8879), of either side.

use std::sync::{Arc, OnceLock};

use keyward_compression as compression;
use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::signature::PublicKey;
use keyward_wire::codec::{Decode, Encode};
use keyward_wire::extensions::CertificateEntryExtensions;
use keyward_wire::handshake::{
    self, CertificateEntry, CertificateTls13, ClientHello, CompressedCertificate,
};
use keyward_wire::values::{
    CertificateCompressionAlgorithm as Algorithm, ExtensionType, HandshakeType,
};
use rustls_pki_types::CertificateDer;

use crate::credential::Credential;
use crate::error::{Error, InvalidMessage, PeerMisbehaved};
use crate::handshake::{HandshakeMessage, Incoming};
use crate::needs::{PeerCertificate, Stapled};

// --- ours ---

/// What a peer takes of us beside the certificates.
pub(crate) struct Takes<'a> {
    pub(crate) ocsp: bool,
    pub(crate) scts: bool,
    /// The credential's delegated one is what signs.
    pub(crate) delegated: bool,
    /// `compress_certificate`.
    pub(crate) compression: &'a [Algorithm],
}

impl<'a> Takes<'a> {
    pub(crate) fn of_client(hello: &'a ClientHello, delegated: bool) -> Self {
        let extensions = &hello.extensions;
        Self {
            ocsp: extensions.status_request,
            scts: extensions.signed_certificate_timestamp,
            delegated,
            compression: extensions
                .compress_certificate
                .as_deref()
                .unwrap_or_default(),
        }
    }
}

/// The whole message for a credential in the handshake, compressed with the first of our `algorithms` that
/// the peer takes, if that makes it smaller.
pub(crate) fn message(
    credential: &Credential,
    takes: &Takes<'_>,
    algorithms: &[Algorithm],
) -> Arc<[u8]> {
    let content = || CertificateTls13 {
        // RFC 9846 §4.4.2: "This field SHALL be zero length unless used for the post-handshake
        // authentication exchanges".
        certificate_request_context: Vec::new(),
        certificate_list: entries(credential, takes),
    };
    let messages = &credential.messages;
    let compressed = || {
        let algorithm = algorithms
            .iter()
            .find(|algorithm| takes.compression.contains(algorithm))?;
        let slot = messages.compressed(*algorithm, takes)?;
        let message = slot.get_or_init(|| {
            let compressed = compression::compress(*algorithm, &content().to_bytes())?;
            Some(handshake::to_message(&compressed).into())
        });
        message.clone()
    };
    compressed().unwrap_or_else(|| {
        let plain = messages.plain[takes.index()].get_or_init(|| {
            let message = handshake::to_message(&content());
            message.into()
        });
        plain.clone()
    })
}

fn entries(credential: &Credential, takes: &Takes<'_>) -> Vec<CertificateEntry> {
    let mut entries: Vec<_> = credential
        .chain()
        .iter()
        .map(|certificate| CertificateEntry {
            cert_data: certificate.to_vec(),
            extensions: CertificateEntryExtensions::default(),
        })
        .collect();
    let ocsp = credential.ocsp().filter(|_| takes.ocsp);
    let scts = credential.scts().filter(|_| takes.scts);
    let delegated = credential.delegated().filter(|_| takes.delegated);
    if let Some(leaf) = entries.first_mut() {
        leaf.extensions.status_request = ocsp.map(|ocsp| ocsp.0.clone());
        leaf.extensions.signed_certificate_timestamp = scts.map(|scts| scts.0.clone());
        // RFC 9345 §4.1.1: "The server MUST send the delegated credential as an extension in the
        // CertificateEntry of its end-entity certificate".
        leaf.extensions.delegated_credential =
            delegated.map(|delegated| delegated.encoded().to_vec());
    }
    entries
}

/// The Certificate messages of a credential, each made at its first use, for they are the same in every
/// handshake; and to find the smallest compressed one takes milliseconds.
#[derive(Default)]
pub(crate) struct CertificateMessages {
    /// By what the peer takes.
    plain: [OnceLock<Arc<[u8]>>; FORMS],
    /// By algorithm, and by what the peer takes. `None` in a place: it would not be smaller.
    compressed: [[Compressed; FORMS]; compression::ALGORITHMS.len()],
    /// Of TLS 1.2, where nothing is beside the certificates.
    pub(crate) tls12: OnceLock<Arc<[u8]>>,
}

type Compressed = OnceLock<Option<Arc<[u8]>>>;

/// With and without each of three extensions.
const FORMS: usize = 8;

impl Takes<'_> {
    /// Which of the [`FORMS`] it is.
    fn index(&self) -> usize {
        let flags = [self.ocsp, self.scts, self.delegated];
        flags
            .iter()
            .fold(0, |index, flag| index << 1 | usize::from(*flag))
    }
}

impl CertificateMessages {
    /// Where the message with these extensions is.
    fn compressed(&self, algorithm: Algorithm, takes: &Takes<'_>) -> Option<&Compressed> {
        let row = compression::ALGORITHMS
            .iter()
            .position(|known| *known == algorithm)?;
        Some(&self.compressed[row][takes.index()])
    }
}

// --- the peer's ---

/// What the peer was asked for: it sends nothing else.
pub(crate) struct Asked<'a> {
    pub(crate) ocsp: bool,
    pub(crate) scts: bool,
    pub(crate) delegated: bool,
    /// `compress_certificate`.
    pub(crate) compression: &'a [Algorithm],
}

/// Takes the peer's Certificate, in whichever of the two messages it comes: the message, and its
/// certificates. `limit` bounds the decompressed one, in bytes.
pub(crate) fn receive(
    incoming: Incoming,
    asked: &Asked<'_>,
    limit: usize,
) -> Result<(HandshakeMessage, CertificateTls13), Error> {
    let plain_alone = [HandshakeType::CERTIFICATE];
    let either = [
        HandshakeType::CERTIFICATE,
        HandshakeType::COMPRESSED_CERTIFICATE,
    ];
    let message = incoming.expect_one_of(if asked.compression.is_empty() {
        &plain_alone
    } else {
        &either
    })?;
    let certificate = if message.typ == HandshakeType::CERTIFICATE {
        message.decode()?
    } else {
        decompress(&message, asked, limit)?
    };
    check(&certificate, asked)?;
    Ok((message, certificate))
}

fn decompress(
    message: &HandshakeMessage,
    asked: &Asked<'_>,
    limit: usize,
) -> Result<CertificateTls13, Error> {
    let compressed: CompressedCertificate = message.decode()?;
    // RFC 8879 §4: "The algorithm MUST be one of the algorithms listed in the peer's
    // compress_certificate extension."
    if !asked.compression.contains(&compressed.algorithm) {
        return Err(PeerMisbehaved::UnofferedCompression(compressed.algorithm).into());
    }
    let certificate = compression::decompress(&compressed, limit)
        .map_err(PeerMisbehaved::CompressedCertificate)?;
    CertificateTls13::from_bytes(&certificate)
        .map_err(|error| InvalidMessage::Handshake(message.typ, error).into())
}

fn check(certificate: &CertificateTls13, asked: &Asked<'_>) -> Result<(), Error> {
    if !certificate.certificate_request_context.is_empty() {
        return Err(PeerMisbehaved::CertificateRequestContext.into());
    }
    for (i, entry) in certificate.certificate_list.iter().enumerate() {
        let extensions = &entry.extensions;
        // RFC 9846 §4.5.1: "Extensions in the Certificate message from the server MUST correspond to ones
        // from the ClientHello message. Extensions in the Certificate message from the client MUST
        // correspond to extensions in the CertificateRequest message from the server."
        let unsolicited = [
            (
                extensions.status_request.is_some() && !asked.ocsp,
                ExtensionType::STATUS_REQUEST,
            ),
            (
                extensions.signed_certificate_timestamp.is_some() && !asked.scts,
                ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP,
            ),
        ];
        let unknown = extensions.unknown.first().map(|(typ, _)| *typ);
        let unsolicited = unsolicited
            .into_iter()
            .find_map(|(found, typ)| found.then_some(typ))
            .or(unknown);
        if let Some(typ) = unsolicited {
            return Err(PeerMisbehaved::UnsolicitedExtension(typ).into());
        }
        // RFC 9345 §4.1.1: "If the client receives a delegated credential without having indicated
        // support in its ClientHello, then the client MUST abort the handshake with an
        // "unexpected_message" alert"; "the client SHOULD ignore delegated credentials sent as extensions
        // to any other certificate". §4.1.2 says the same of servers.
        if i == 0 && extensions.delegated_credential.is_some() && !asked.delegated {
            return Err(PeerMisbehaved::UnaskedDelegatedCredential.into());
        }
    }
    Ok(())
}

/// Who the peer says it is, and its leaf's key; `None` for a Certificate without a certificate.
pub(crate) fn peer(
    certificate: CertificateTls13,
) -> Result<Option<(PeerCertificate, PublicKey)>, Error> {
    let mut leaf = CertificateEntryExtensions::default();
    let mut chain = Vec::with_capacity(certificate.certificate_list.len());
    for entry in certificate.certificate_list {
        if chain.is_empty() {
            leaf = entry.extensions;
        }
        chain.push(CertificateDer::from(entry.cert_data));
    }
    let Some(first) = chain.first() else {
        return Ok(None);
    };
    let key = PublicKey::from_certificate_der(first).map_err(|_| PeerMisbehaved::BadCertificate)?;
    // RFC 9846 §4.5.1.2: "the digitalSignature bit MUST be set if the Key Usage extension is present".
    let info = CertificateInfo::parse(first).ok_or(PeerMisbehaved::BadCertificate)?;
    if !info.may_sign() {
        return Err(PeerMisbehaved::CertificateNotForSigning.into());
    }
    let peer = PeerCertificate {
        chain: chain.into(),
        stapled: Stapled::new(leaf.status_request, leaf.signed_certificate_timestamp),
        delegated_credential: leaf.delegated_credential,
    };
    Ok(Some((peer, key)))
}
