//! One PEM file: what it holds, and whether others can read it.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keyward_config::Problem;
use keyward_crypto::private_key::PrivateKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

/// More than any key or chain has.
const MAX_LEN: u64 = 1024 * 1024;

/// What a PEM file holds.
pub(super) struct PemFile {
    /// Its private key, or why that cannot be used.
    pub(super) key: Option<Result<PrivateKey, String>>,
    /// Its certificates, in their order.
    pub(super) certificates: Vec<Vec<u8>>,
    /// The permission bits that let others than the owner read it.
    pub(super) open_to_others: Option<u32>,
}

/// Reads a file once, so that what was judged is what is used. `Err` is the cause, for people.
pub(super) fn read(path: &Path) -> Result<PemFile, String> {
    // Before it is opened: opening a pipe waits for whoever writes into it.
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    // One allocation of the final size: growing would leave copies of the key in freed memory.
    let capacity = usize::try_from(metadata.len().min(MAX_LEN)).unwrap_or(0) + 1;
    let mut text = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(MAX_LEN + 1)
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_LEN {
        return Err(format!("it is larger than {MAX_LEN} bytes"));
    }
    // Its first line and its last; a file that was cut may have the first alone.
    let key = match count(&text, b"PRIVATE KEY-----").div_ceil(2) {
        0 => None,
        1 => Some(PrivateKey::from_pem(&text).map_err(|error| error.to_string())),
        keys => Some(Err(format!(
            "it has {keys} private keys; put each in a file of its own"
        ))),
    };
    let certificates = CertificateDer::pem_slice_iter(&text)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("its PEM is broken: {error}"))?;
    Ok(PemFile {
        key,
        certificates,
        open_to_others: open_to_others(&metadata),
    })
}

/// The permission bits of a file, if they let others than its owner get at it.
pub(crate) fn open_to_others(metadata: &Metadata) -> Option<u32> {
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// What to say about a private key that others can get at.
pub(crate) fn permission_warning(path: &Path, mode: u32) -> Problem {
    Problem::in_file(
        path,
        format!("other users can get at this private key (mode {mode:04o})"),
        format!("run `chmod 600 {}`", path.display()),
    )
    .warning()
}

fn count(text: &[u8], pattern: &[u8]) -> usize {
    text.windows(pattern.len())
        .filter(|window| *window == pattern)
        .count()
}
