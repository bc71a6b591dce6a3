//! What the command line asks for, with every file read.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyward_tls::{ClientConfig, PeerName};
use keyward_trust::{RevocationList, Roots, Trust};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::args::ConnectArgs;
use super::identity::Identity;
use super::offer;
use crate::failure::Failure;

/// What the command line asks for, with every file read.
pub(crate) struct Plan<'a> {
    pub(crate) args: &'a ConnectArgs,
    pub(crate) name: PeerName,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) trust: Trust,
    pub(crate) identity: Option<Identity>,
    pub(crate) early_data: Option<Vec<u8>>,
    key_log: Option<File>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(args: &'a ConnectArgs) -> Result<Self, Failure> {
        Ok(Self {
            name: args
                .target
                .peer_name(args.server_name.as_deref())
                .map_err(Failure::usage)?,
            config: Arc::new(offer::config(args)?),
            trust: trust(args)?,
            identity: Identity::load(args)?,
            early_data: args.early_data.as_deref().map(read).transpose()?,
            key_log: args.key_log.as_deref().map(open_key_log).transpose()?,
            args,
        })
    }

    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_secs(self.args.timeout)
    }

    /// Whether a second connection resumes the session of the first.
    pub(crate) const fn resumes(&self) -> bool {
        self.args.resume || self.args.early_data.is_some()
    }

    pub(crate) fn key_log(&self) -> Result<Option<File>, Failure> {
        self.key_log
            .as_ref()
            .map(File::try_clone)
            .transpose()
            .map_err(|cause| Failure::run_time(format!("the key log cannot be used: {cause}")))
    }
}

fn trust(args: &ConnectArgs) -> Result<Trust, Failure> {
    let mut lists = Vec::new();
    for file in &args.revocation_lists {
        let found = RevocationList::parse(&read(file)?)
            .map_err(|cause| Failure::configuration(format!("{}: {cause}", file.display())))?;
        lists.extend(found);
    }
    let trust = Trust::new(roots(args)?).with_revocation_lists(lists);
    Ok(match args.require_ocsp {
        true => trust.require_status(),
        false => trust,
    })
}

fn roots(args: &ConnectArgs) -> Result<Roots, Failure> {
    if args.authorities.is_empty() {
        return match Roots::system() {
            Ok(roots) => Ok(roots),
            Err(_) if args.insecure => Ok(Roots::default()),
            Err(cause) => Err(Failure::configuration(format!(
                "{cause}; name the CA to trust with --ca, or install ca-certificates"
            ))),
        };
    }
    let mut certificates: Vec<CertificateDer<'static>> = Vec::new();
    for file in &args.authorities {
        let content = read(file)?;
        let wrong = |cause: String| Failure::configuration(format!("{}: {cause}", file.display()));
        Roots::parse(&content).map_err(|cause| wrong(cause.to_string()))?;
        match CertificateDer::pem_slice_iter(&content).collect::<Result<Vec<_>, _>>() {
            Ok(found) if !found.is_empty() => certificates.extend(found),
            // It parsed, so it is one certificate as DER.
            _ => certificates.push(content.into()),
        }
    }
    Roots::new(certificates).map_err(Failure::configuration)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|cause| {
        Failure::configuration(format!("{} cannot be read: {cause}", file.display()))
    })
}

/// Only its owner may read it: whoever can, can read the connection.
fn open_key_log(file: &Path) -> Result<File, Failure> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)
        .map_err(|cause| {
            Failure::configuration(format!("{} cannot be written: {cause}", file.display()))
        })
}
