//! Certificate chains, matched to keys by the leaf's public key.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use keyward_crypto::signature::PublicKey;
use keyward_keyop::KeyId;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate chain from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The file.
    pub file: PathBuf,
    /// DER, leaf first.
    pub certificates: Vec<Vec<u8>>,
}

/// When a certificate (DER) ends, in seconds since 1970.
pub(crate) fn not_after(certificate: &[u8]) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

impl Chain {
    /// The key that the leaf certifies. `Err` says why the leaf cannot be used.
    pub(super) fn key(&self) -> Result<KeyId, String> {
        let leaf = self.certificates.first().ok_or("it has no certificate")?;
        PublicKey::from_certificate_der(leaf)
            .map(|key| KeyId::of_public_key(&key))
            .map_err(|error| {
                format!("the public key of its first certificate cannot be used: {error}")
            })
    }

    /// The keys of the certificates behind the leaf: one that matches a private key shows a chain in the wrong order.
    pub(super) fn other_keys(&self) -> impl Iterator<Item = KeyId> {
        let others = self.certificates.iter().skip(1);
        others
            .filter_map(|der| PublicKey::from_certificate_der(der).ok())
            .map(|key| KeyId::of_public_key(&key))
    }

    /// What is wrong with the certificates behind the leaf: each should have issued the one before.
    pub(super) fn out_of_order(&self) -> Result<(), String> {
        let parsed: Result<Vec<_>, _> = self
            .certificates
            .iter()
            .enumerate()
            .map(|(i, der)| match X509Certificate::from_der(der) {
                Ok((_, certificate)) => Ok(certificate),
                Err(_) => Err(format!(
                    "certificate {} of the chain cannot be parsed",
                    i + 1
                )),
            })
            .collect();
        let parsed = parsed?;
        let wrong = parsed
            .windows(2)
            .position(|pair| pair[0].issuer().as_raw() != pair[1].subject().as_raw());
        match wrong {
            None => Ok(()),
            Some(i) => Err(format!(
                "certificate {} of the chain, of {}, has not issued the one before, which names {}",
                i + 2,
                parsed[i + 1].subject(),
                parsed[i].issuer(),
            )),
        }
    }

    /// Why clients would not take the leaf at this time.
    pub(super) fn out_of_date(&self, now: SystemTime) -> Option<String> {
        let (_, leaf) = X509Certificate::from_der(self.certificates.first()?).ok()?;
        let now = i64::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
        let validity = leaf.validity();
        if now > validity.not_after.timestamp() {
            Some(format!("its certificate expired on {}", validity.not_after))
        } else if now < validity.not_before.timestamp() {
            Some(format!(
                "its certificate is not valid before {}",
                validity.not_before
            ))
        } else {
            None
        }
    }
}
