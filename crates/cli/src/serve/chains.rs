//! The certificates that `serve` shows, which are public, and the keys that they need, which this
//! process does not look at.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keyward_crypto::signature::{KeyKind, PublicKey};
use keyward_keyop::KeyId;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::failure::Failure;

/// Chains and where their keys are.
pub(crate) struct Chains {
    all: Vec<Chain>,
    /// Absolute paths, existing files, never opened here.
    pub(crate) keys: Vec<PathBuf>,
}

struct Chain {
    file: PathBuf,
    key: KeyId,
    kind: KeyKind,
}

impl Chains {
    /// Reads the chains; of the keys, only that the files are there.
    pub(crate) fn read(certificates: &[PathBuf], keys: &[PathBuf]) -> Result<Self, Failure> {
        let mut key_files = HashSet::new();
        let mut absolute = Vec::new();
        for path in keys {
            // Looks the file up without opening it.
            let metadata = fs::metadata(path)
                .map_err(|cause| at(path, format!("cannot find the private key: {cause}")))?;
            if !metadata.is_file() {
                return Err(at(path, "is not a file"));
            }
            key_files.insert((metadata.dev(), metadata.ino()));
            absolute.push(std::path::absolute(path).map_err(|cause| at(path, cause))?);
        }
        let all = certificates
            .iter()
            .map(|path| {
                let metadata = fs::metadata(path)
                    .map_err(|cause| at(path, format!("cannot read the certificate: {cause}")))?;
                if key_files.contains(&(metadata.dev(), metadata.ino())) {
                    return Err(at(path, COMBINED));
                }
                Chain::read(path)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            all,
            keys: absolute,
        })
    }

    /// The chains' files, absolute.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.all.iter().map(|chain| chain.file.clone()).collect()
    }

    /// All keys.
    pub(crate) fn all_keys(&self) -> Vec<String> {
        self.all.iter().map(|chain| chain.key.to_string()).collect()
    }

    /// The RSA keys.
    pub(crate) fn rsa_keys(&self) -> Vec<String> {
        self.all
            .iter()
            .filter(|chain| matches!(chain.kind, KeyKind::Rsa { .. }))
            .map(|chain| chain.key.to_string())
            .collect()
    }

    /// Whether the key server has each chain's key.
    pub(crate) fn check_keys(&self, served: &HashSet<KeyId>) -> Result<(), Failure> {
        match self.all.iter().find(|chain| !served.contains(&chain.key)) {
            None => Ok(()),
            Some(chain) => Err(at(
                &chain.file,
                "no --key file has the private key of this certificate",
            )),
        }
    }
}

const COMBINED: &str = "holds a private key, and the process that faces the network must not read \
                        it; put certificate and key in files of their own";

impl Chain {
    fn read(path: &Path) -> Result<Self, Failure> {
        let file = std::path::absolute(path).map_err(|cause| at(path, cause))?;
        let pem = fs::read(path)
            .map_err(|cause| at(path, format!("cannot read the certificate: {cause}")))?;
        if pem
            .windows(b"PRIVATE KEY-----".len())
            .any(|window| window == b"PRIVATE KEY-----")
        {
            return Err(at(path, COMBINED));
        }
        let leaf = CertificateDer::from_pem_slice(&pem)
            .map_err(|cause| at(path, format!("no certificate in PEM: {cause}")))?;
        let public = PublicKey::from_certificate_der(&leaf)
            .map_err(|cause| at(path, format!("cannot use the certificate: {cause}")))?;
        Ok(Self {
            file,
            key: KeyId::of_public_key(&public),
            kind: public.kind(),
        })
    }
}

fn at(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::configuration(format!("{}: {why}", path.display()))
}
