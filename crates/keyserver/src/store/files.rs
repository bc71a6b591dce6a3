//! One file of keys or certificates: what it holds, and whether it is safe where it is.

use std::fmt::Write as _;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::private_key::{KeyError, Passphrase, PrivateKey};
use rustix::fs::OFlags;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

/// More than any key or chain has.
const MAX_LEN: u64 = 1024 * 1024;

/// The first byte of every key and certificate in DER: a SEQUENCE. No text begins with it, but for the digit 0.
const SEQUENCE: u8 = 0x30;

/// What is wrong, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) cause: String,
    pub(crate) remedy: String,
}

impl Trouble {
    pub(crate) fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }
}

/// A file that was read once, so that what was judged is what is used.
pub(super) struct Content {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    metadata: Metadata,
}

impl Content {
    /// Reads a file, whatever is done with its name meanwhile. `Err` is the cause, for people.
    ///
    /// Links are followed: `/etc/letsencrypt/live` and Kubernetes' secrets consist of them. Whom the file belongs to, and who may
    /// read it, is asked of what was opened, not of its name.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        // Opening a pipe would else wait for whoever writes into it.
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = file.map_err(|error| error.to_string())?;
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        let bytes = read_bounded(file, metadata.len()).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MAX_LEN {
            return Err(format!("it is larger than {MAX_LEN} bytes"));
        }
        Ok(Self { bytes, metadata })
    }

    /// The same content has the same digest.
    pub(super) fn digest(&self) -> Digest {
        HashAlgorithm::Sha256.digest(&self.bytes)
    }

    /// Why a secret must not be in this file.
    pub(super) fn exposed(&self, path: &Path, what: &str) -> Option<Trouble> {
        exposed(path, &self.metadata, what)
    }

    fn is_der(&self) -> bool {
        self.bytes.first() == Some(&SEQUENCE) && count(&self.bytes, b"-----BEGIN ") == 0
    }

    /// What is in it. With PEM there may be a key and its chain.
    pub(super) fn parse(&self) -> Parsed<'_> {
        if self.is_der() {
            return match is_certificate(&self.bytes) {
                true => Parsed {
                    key: None,
                    certificates: Ok(vec![self.bytes.to_vec()]),
                },
                false => Parsed {
                    key: Some(KeyBytes::Der(&self.bytes)),
                    certificates: Ok(Vec::new()),
                },
            };
        }
        // Its first line and its last; a file that was cut may have the first alone.
        let key = match count(&self.bytes, b"PRIVATE KEY-----").div_ceil(2) {
            0 => None,
            _ => Some(KeyBytes::Pem(&self.bytes)),
        };
        let certificates = CertificateDer::pem_slice_iter(&self.bytes)
            .map(|certificate| certificate.map(|der| der.to_vec()))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("its PEM is broken: {error}"));
        Parsed { key, certificates }
    }
}

/// What a file holds.
pub(super) struct Parsed<'a> {
    pub(super) key: Option<KeyBytes<'a>>,
    /// In their order, or why they cannot be read, for people.
    pub(super) certificates: Result<Vec<Vec<u8>>, String>,
}

/// A private key that has not been looked at.
pub(super) enum KeyBytes<'a> {
    Pem(&'a [u8]),
    Der(&'a [u8]),
}

impl KeyBytes<'_> {
    pub(super) fn open(&self, passphrase: Option<&Passphrase>) -> Result<PrivateKey, KeyError> {
        match self {
            Self::Pem(pem) => PrivateKey::from_pem_with(pem, passphrase),
            Self::Der(der) => PrivateKey::from_der_with(der, passphrase),
        }
    }
}

fn is_certificate(der: &[u8]) -> bool {
    matches!(PrivateKey::from_der(der), Err(KeyError::Certificate))
}

fn read_bounded(file: File, len: u64) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // One allocation of the final size: growing would leave copies of the key in freed memory.
    let capacity = usize::try_from(len.min(MAX_LEN)).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a file with a secret in it is not safe from others on this machine, with the command that mends it: they can get at it, or it
/// belongs to somebody who can change it at will.
pub(crate) fn exposed(path: &Path, metadata: &Metadata, what: &str) -> Option<Trouble> {
    let mode = metadata.permissions().mode() & 0o7777;
    let owner = metadata.uid();
    let us = rustix::process::geteuid().as_raw();
    let is_open = mode & 0o077 != 0;
    let is_ours = owner == us || owner == 0;
    let name = quoted(path);
    let cause = match (is_open, is_ours) {
        (false, true) => return None,
        (true, true) => format!("other users can get at this {what} (mode {mode:04o})"),
        (_, false) => format!(
            "this {what} belongs to another user ({owner}, and this is {us}; mode {mode:04o})"
        ),
    };
    let mut command = String::new();
    if !is_ours || owner != us {
        let _ = write!(command, "chown {us} {name} && ");
    }
    let _ = write!(command, "chmod 600 {name}");
    Some(Trouble::new(cause, format!("run `{command}`")))
}

/// Why others can put files into a directory of keys.
pub(super) fn open_directory(path: &Path) -> Option<Trouble> {
    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o022 != 0).then(|| {
        Trouble::new(
            format!("other users can put files into this directory of keys (mode {mode:04o})"),
            format!("run `chmod go-w {}`", quoted(path)),
        )
    })
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

fn count(text: &[u8], pattern: &[u8]) -> usize {
    text.windows(pattern.len())
        .filter(|window| *window == pattern)
        .count()
}
