//! Clients' certificates: whom a site asks, and whom it believes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use keyward_crypto::hash::HashAlgorithm;
use keyward_tls::{ClientAuthentication, ClientCertificateRequest, PeerCertificateNeed, UnixTime};
use keyward_trust::{Rejection, RevocationList, Roots, RootsError, Trust};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::certificates::{self, CertificateFileError};
use crate::config::ClientAuthMode;

/// The rules of one site, from the files as they were read.
#[derive(Debug)]
pub(crate) struct ClientAuth {
    trust: Trust,
    asked: ClientAuthentication,
    digest: Vec<u8>,
    session_digest: Vec<u8>,
}

impl ClientAuth {
    /// Reads the CAs and their revocation lists.
    ///
    /// # Errors
    ///
    /// Any of the files cannot be used.
    pub(crate) fn load(
        mode: ClientAuthMode,
        ca: &Path,
        crls: &[PathBuf],
    ) -> Result<Self, ClientAuthError> {
        let authorities = certificates::read_chain(ca).map_err(|cause| ClientAuthError {
            file: ca.to_owned(),
            kind: Kind::Certificates(cause),
        })?;
        let mut hash = HashAlgorithm::Sha256.start();
        hash.update(format!("{mode:?}\n").as_bytes());
        for authority in &authorities {
            hash.update(
                &u64::try_from(authority.len())
                    .unwrap_or(u64::MAX)
                    .to_be_bytes(),
            );
            hash.update(authority);
        }
        let request = ClientCertificateRequest {
            authorities: names(&authorities),
            signature_schemes: Vec::new(),
        };
        let roots = Roots::new(authorities).map_err(|cause| ClientAuthError {
            file: ca.to_owned(),
            kind: Kind::Roots(cause),
        })?;
        let session_digest = hash.clone().finish().to_vec();
        let mut lists = Vec::new();
        for file in crls {
            let fail = |kind| ClientAuthError {
                file: file.clone(),
                kind,
            };
            let content = std::fs::read(file).map_err(|cause| fail(Kind::Unreadable(cause)))?;
            hash.update(
                &u64::try_from(content.len())
                    .unwrap_or(u64::MAX)
                    .to_be_bytes(),
            );
            hash.update(&content);
            lists.extend(
                RevocationList::parse(&content)
                    .map_err(|cause| fail(Kind::List(Box::new(cause))))?,
            );
        }
        Ok(Self {
            trust: Trust::new(roots).with_revocation_lists(lists),
            asked: match mode {
                ClientAuthMode::Optional => ClientAuthentication::Optional(request),
                ClientAuthMode::Required => ClientAuthentication::Required(request),
            },
            digest: hash.finish().to_vec(),
            session_digest,
        })
    }

    /// What the engine tells the client.
    pub(crate) fn asked(&self) -> ClientAuthentication {
        self.asked.clone()
    }

    /// Of everything that was read.
    pub(crate) fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Of what a session is bound to: whether clients are asked, and which CAs they are told of. Revocation
    /// lists are not among it: the engine asks about a session's client again when it is resumed.
    pub(crate) fn session_digest(&self) -> &[u8] {
        &self.session_digest
    }

    /// Whether a client is to be believed.
    pub(crate) fn verify(
        &self,
        need: &PeerCertificateNeed,
        now: UnixTime,
    ) -> Result<(), Rejection> {
        self.trust.verify(need, now)
    }
}

/// The most bytes of names that clients are told. With more, the request would outgrow what some clients
/// take in one message; without any, a client picks a certificate by itself (RFC 9846 §4.3.4 makes the
/// list optional, as does RFC 5246 §7.4.4 its equivalent).
const MAX_NAMES_LEN: usize = 8 * 1024;

/// The CAs' distinguished names, by which a client with several certificates picks one.
fn names(authorities: &[CertificateDer<'_>]) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    for authority in authorities {
        if let Ok((_, parsed)) = X509Certificate::from_der(authority) {
            let name = parsed.subject().as_raw();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_vec());
            }
        }
    }
    if names.iter().map(Vec::len).sum::<usize>() > MAX_NAMES_LEN {
        names.clear();
    }
    names
}

/// Why the files of a site's client authentication cannot be used.
#[derive(Debug)]
pub(crate) struct ClientAuthError {
    file: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Certificates(CertificateFileError),
    Roots(RootsError),
    Unreadable(io::Error),
    List(Box<Rejection>),
}

impl ClientAuthError {
    /// Which file it is.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match &self.kind {
            Kind::Certificates(_) | Kind::Roots(_) => {
                "give a PEM file with the certificates of the CAs that issue clients' certificates, and \
                 nothing else"
            }
            Kind::Unreadable(_) => {
                "paths are relative to the folder of this file; check the path and its permissions"
            }
            Kind::List(_) => {
                "give the whole revocation list of one of the CAs, as PEM or DER; \
                 `openssl crl -in FILE -noout -text` shows what is in it"
            }
        }
    }
}

impl fmt::Display for ClientAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.kind {
            Kind::Certificates(cause) => cause.fmt(f),
            Kind::Roots(cause) => write!(f, "{file} cannot be used: {cause}"),
            Kind::Unreadable(cause) => write!(f, "cannot read {file}: {cause}"),
            Kind::List(cause) => write!(f, "{file} cannot be used: {cause}"),
        }
    }
}

impl std::error::Error for ClientAuthError {}
