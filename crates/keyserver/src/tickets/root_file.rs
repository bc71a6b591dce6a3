//! The file with the root of the session ticket keys.
//!
//! Text, so that it can be looked at and copied:
//!
//! ```text
//! keyward ticket root 1
//! epoch_s 3600
//! epoch 498649
//! root 3q2+7wABAgM…
//! ```

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_crypto::hkdf::Secret;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{Root, seconds};

const FIRST_LINE: &str = "keyward ticket root 1";
const ROOT_LEN: usize = 32;
/// Shorter ones would have edges ask without end, longer ones are no protection.
const EPOCH_S: std::ops::RangeInclusive<u32> = 60..=86_400;
/// Ten years of hours. Much more is a file that was tampered with.
const MAX_CATCH_UP: u64 = 100_000;

/// Why a root cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum RootFileError {
    /// The file cannot be read or written.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others can read it.
    Readable(PathBuf),
    /// It is no root.
    Malformed(PathBuf),
    /// It is of an epoch that has not come.
    Ahead {
        /// Which.
        path: PathBuf,
        /// Its epoch.
        epoch: u64,
        /// The clock's.
        now: u64,
    },
    /// There is no randomness, or the epochs have an impossible length.
    Init(String),
}

impl fmt::Display for RootFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, cause } => write!(f, "{}: {cause}", path.display()),
            Self::Readable(path) => write!(
                f,
                "{0} can be read by others than its owner: `chmod 600 {0}`, and, if somebody may have read it, make a new \
                 one with `keyward tickets init`",
                path.display()
            ),
            Self::Malformed(path) => write!(
                f,
                "{} is no root of session ticket keys; `keyward tickets init` makes one",
                path.display()
            ),
            Self::Ahead { path, epoch, now } => write!(
                f,
                "{} is of epoch {epoch}, and it is epoch {now} by this machine's clock: one of the two is wrong",
                path.display()
            ),
            Self::Init(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for RootFileError {}

/// Makes a root, in a file that must not be there yet, for epochs of this length in seconds.
///
/// # Errors
/// There is a file already, or it cannot be written.
pub fn init(path: &Path, epoch_s: u32, now: SystemTime) -> Result<(), RootFileError> {
    if !EPOCH_S.contains(&epoch_s) {
        let (min, max) = (EPOCH_S.start(), EPOCH_S.end());
        return Err(RootFileError::Init(format!(
            "an epoch has from {min} to {max} seconds, not {epoch_s}"
        )));
    }
    let mut secret = Zeroizing::new([0; ROOT_LEN]);
    SystemRandom
        .fill(&mut secret[..])
        .map_err(|error| RootFileError::Init(error.to_string()))?;
    let root = Root::new(0, epoch_s, Secret::from_slice(&secret[..]));
    let epoch = root.epoch_at(seconds(now)).saturating_sub(1);
    let root = Root::new(epoch, epoch_s, Secret::from_slice(&secret[..]));
    let io = |cause| RootFileError::Io {
        path: path.to_owned(),
        cause,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    file.write_all(text(&root).as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)
}

pub(super) fn read(path: &Path) -> Result<Root, RootFileError> {
    let io = |cause| RootFileError::Io {
        path: path.to_owned(),
        cause,
    };
    let mode = fs::metadata(path).map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(RootFileError::Readable(path.to_owned()));
    }
    let content = Zeroizing::new(fs::read_to_string(path).map_err(io)?);
    parse(&content).ok_or_else(|| RootFileError::Malformed(path.to_owned()))
}

fn parse(content: &str) -> Option<Root> {
    let mut lines = content.lines();
    let first = lines.next()?;
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let epoch_s = field("epoch_s")?
        .parse()
        .ok()
        .filter(|s| EPOCH_S.contains(s))?;
    let epoch: u64 = field("epoch")?.parse().ok()?;
    let root = Zeroizing::new(STANDARD.decode(field("root")?).ok()?);
    let recent = SystemTime::now();
    let root = Root::new(
        epoch,
        epoch_s,
        (root.len() == ROOT_LEN).then(|| Secret::from_slice(&root))?,
    );
    let behind = root.epoch_at(seconds(recent)).saturating_sub(epoch);
    (first == FIRST_LINE && lines.next().is_none() && behind <= MAX_CATCH_UP).then_some(root)
}

fn text(root: &Root) -> Zeroizing<String> {
    let secret = Zeroizing::new(STANDARD.encode(root.secret().as_bytes()));
    let (epoch_s, epoch) = (root.epoch_s(), root.epoch());
    Zeroizing::new(format!(
        "{FIRST_LINE}\nepoch_s {epoch_s}\nepoch {epoch}\nroot {}\n",
        *secret
    ))
}

/// Puts a later root in the place of an earlier one, whose bytes are overwritten first: what a file system keeps of them
/// elsewhere is out of reach.
pub(super) fn replace(path: &Path, root: &Root) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text(root).as_bytes())?;
    file.sync_all()?;
    let mut old = OpenOptions::new().write(true).open(path)?;
    let len = usize::try_from(old.metadata()?.len().min(4096)).unwrap_or(0);
    fs::rename(&new, path)?;
    old.write_all(&vec![0; len])?;
    old.sync_data()?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
