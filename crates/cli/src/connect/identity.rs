//! The client's own certificate, and its key in this process.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::{KeyId, KeyRules, Operation, Performed};
use keyward_tls::{Credential, NeedError};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::args::ConnectArgs;
use crate::failure::Failure;

/// A certificate chain and its private key.
pub(crate) struct Identity {
    pub(crate) credential: Arc<Credential>,
    key: PrivateKey,
}

impl Identity {
    /// What `--cert` and `--key` name; `None` without them.
    pub(crate) fn load(args: &ConnectArgs) -> Result<Option<Self>, Failure> {
        match (&args.certificate, &args.key) {
            (Some(certificate), Some(key)) => Self::read(certificate, key).map(Some),
            _ => Ok(None),
        }
    }

    fn read(certificate: &Path, key_file: &Path) -> Result<Self, Failure> {
        let wrong = |file: &Path, cause: &dyn std::fmt::Display| {
            Failure::configuration(format!("{}: {cause}", file.display()))
        };
        let pem = fs::read(certificate).map_err(|cause| wrong(certificate, &cause))?;
        let chain = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|cause| wrong(certificate, &cause))?;
        let credential = Credential::new(chain).map_err(|cause| wrong(certificate, &cause))?;
        let pem = Zeroizing::new(fs::read(key_file).map_err(|cause| wrong(key_file, &cause))?);
        let key = PrivateKey::from_pem(&pem).map_err(|cause| wrong(key_file, &cause))?;
        if KeyId::of_public_key(key.public_key()) != credential.key() {
            return Err(Failure::configuration(format!(
                "{} is not the key of {}; name the key that the certificate was issued for",
                key_file.display(),
                certificate.display()
            )));
        }
        Ok(Self {
            credential: Arc::new(credential),
            key,
        })
    }

    /// The private-key step, as a key server performs it.
    pub(crate) fn perform(&self, operation: &Operation) -> Result<Performed, NeedError> {
        let rules = KeyRules {
            client: true,
            legacy: true,
            ..KeyRules::signing(self.key.public_key())
        };
        let checked = operation.check(&rules).map_err(|cause| {
            tracing::error!(%cause, "the key operation is not as it should be");
            NeedError::Refused
        })?;
        checked.perform_here(&self.key).map_err(|cause| {
            tracing::error!(%cause, "the private key cannot be used");
            NeedError::Internal
        })
    }
}
