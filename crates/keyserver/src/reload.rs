//! Files that change while the key server runs: rules, revocation lists, the channel's certificates. All that changed is taken
//! together, or nothing if something is wrong with it. Open connections are then asked again ([`crate::access`]).
//!
//! Keys and their certificates change one by one: each as a whole, or not at all ([`store::open`]). Operations that have begun
//! end with the key that they began with, and edges get the new catalog.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_config::{ConfigError, Problem, Problems};
use keyward_protocol::Address;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::access::Access;
use crate::channel;
use crate::config::{Config, GokeylessConfig, StoreConfig};
use crate::gokeyless;
use crate::policy::Policy;
use crate::server::Shared;
use crate::store::{self, Gate};

/// How often the files are looked at. An edge is cut within a second, so twice in one.
const POLL: Duration = Duration::from_millis(500);

/// What a file was when it was read: inode, length, and the times of its content and of its inode. `None` if it is not there.
type Fingerprint = Option<(u64, u64, (i64, i64), (i64, i64))>;

/// The files, as they were before they were read.
pub(crate) struct Files {
    config: Config,
    seen: Vec<Fingerprint>,
    keys: Vec<(PathBuf, Fingerprint)>,
    /// The keys' files as they were the last time, if that is not how they were read.
    settling: Option<Vec<(PathBuf, Fingerprint)>>,
    /// The stores besides files.
    stores: Vec<Gate>,
}

impl Files {
    /// To be made before the files are read: what changes in between is then seen.
    pub(crate) fn new(config: Config, stores: Vec<Gate>) -> Self {
        Self {
            seen: fingerprints(&config),
            keys: key_files(&config),
            settling: None,
            stores,
            config,
        }
    }
}

fn key_files(config: &Config) -> Vec<(PathBuf, Fingerprint)> {
    let paths = store::paths(&config.keys).into_iter();
    paths
        .map(|path| {
            let fingerprint = fingerprint(&path);
            (path, fingerprint)
        })
        .collect()
}

fn fingerprint(path: &Path) -> Fingerprint {
    let metadata = fs::metadata(path).ok()?;
    Some((
        metadata.ino(),
        metadata.len(),
        (metadata.mtime(), metadata.mtime_nsec()),
        (metadata.ctime(), metadata.ctime_nsec()),
    ))
}

fn fingerprints(config: &Config) -> Vec<Fingerprint> {
    let fixed = [&config.certificate, &config.key, &config.client_ca];
    let fixed = fixed.into_iter().map(PathBuf::as_path);
    let files = config.file().into_iter().chain(fixed);
    let older = config.gokeyless.iter().flat_map(GokeylessConfig::files);
    files
        .chain(config.client_crl.iter().map(PathBuf::as_path))
        .chain(older)
        .map(fingerprint)
        .collect()
}

/// Looks at the files until the key server stops; `asked` makes it read them whether they have changed or not.
pub(crate) async fn watch(shared: Arc<Shared>, mut files: Files, asked: Arc<Notify>) {
    loop {
        let asked = tokio::select! {
            () = shared.draining.cancelled() => return,
            () = shared.killed.cancelled() => return,
            () = asked.notified() => true,
            () = sleep(POLL) => false,
        };
        let shared = Arc::clone(&shared);
        // Files can be slow.
        let looked = tokio::task::spawn_blocking(move || {
            files.look(&shared, asked);
            shared.tell_untold(Instant::now());
            files
        });
        files = match looked.await {
            Ok(files) => files,
            Err(panic) => {
                return error!(%panic, "FILES ARE NOT RELOADED ANY MORE; restart the key server");
            }
        };
    }
}

impl Files {
    fn look(&mut self, shared: &Shared, asked: bool) {
        let now = fingerprints(&self.config);
        let keys = key_files(&self.config);
        let changed = keys != self.keys;
        // A key and its certificate are two files, and a file is not written at once: they are read when all has been quiet.
        let settled = changed && self.settling.as_ref() == Some(&keys);
        self.settling = (changed && !settled).then(|| keys.clone());
        if now == self.seen && !settled && !asked {
            return;
        }
        // One attempt for each change: a file that is still being written changes again.
        self.seen = now;
        if settled || asked {
            self.keys = keys;
            self.settling = None;
        }
        match self.load(shared, settled || asked) {
            Ok(fresh) => {
                shared.metrics.reloads.add();
                info!(
                    rules = fresh.config.edges.len(),
                    lists = fresh.config.client_crl.len(),
                    "reloaded"
                );
                *self = fresh;
            }
            Err(problems) => {
                shared.metrics.reloads_failed.add();
                for problem in problems.problems.iter() {
                    error!("{problem}");
                }
                error!("NOTHING IS RELOADED: the key server goes on with what it had");
            }
        }
    }

    fn load(&self, shared: &Shared, read_keys: bool) -> Result<Self, ConfigError> {
        let config = match self.config.file() {
            Some(path) => Config::load(path)?,
            None => self.config.clone(),
        };
        let read_keys = read_keys || config.keys != self.config.keys;
        let mut fresh = Self::new(config, self.stores.clone());
        if !read_keys {
            fresh.keys.clone_from(&self.keys);
            fresh.settling.clone_from(&self.settling);
        }
        let config = &fresh.config;
        let old = Arc::clone(&shared.access.borrow());
        let same_rules = config.edges == self.config.edges && config.keys == self.config.keys;
        let mut problems = Problems::default();
        let (keys, key_problems) = match read_keys {
            true => {
                let opened = store::open(&config.keys, &fresh.stores, Some(&old.keys));
                let opened = opened.map_err(|problem| config.keys_problem(&problem))?;
                (Arc::new(opened.keys), opened.problems)
            }
            false => (Arc::clone(&old.keys), Problems::default()),
        };
        if keys.keys().is_empty() {
            problems.push(config.no_key());
        }
        let unknown = config.unknown_keys(&keys);
        // A rule that is not about what it seems to be about is not taken over by mistake. That a key is gone is another matter.
        match same_rules {
            true => unknown.iter().for_each(|problem| warn!("{problem}")),
            false => problems.extend(unknown),
        }
        problems.check()?;
        let channel = channel::open(config)?;
        for problem in channel.warnings.iter().chain(&config.no_rule()) {
            warn!("{problem}");
        }
        for problem in self.needs_restart(config) {
            warn!("{problem}");
        }
        for problem in key_problems.iter() {
            warn!("{problem}");
        }
        let keys = match keys.changes(&old.keys) {
            changes if changes.is_empty() => Arc::clone(&old.keys),
            changes => {
                info!(%changes, "keys have changed");
                keys
            }
        };
        let policy = match same_rules && Arc::ptr_eq(&keys, &old.keys) {
            // With its token buckets as they are.
            true => Arc::clone(&old.policy),
            false => Arc::new(Policy::new(config, &keys)),
        };
        for problem in gokeyless::warnings(config, &policy, &keys) {
            warn!("{problem}");
        }
        shared.access.send_replace(Arc::new(Access {
            tls: channel.tls,
            verifier: channel.verifier,
            policy,
            gokeyless: channel.gokeyless,
            certificate_not_after: channel.not_after,
            keys,
        }));
        Ok(fresh)
    }

    /// Settings that have changed and are not taken over.
    fn needs_restart(&self, config: &Config) -> Vec<Problem> {
        let old = &self.config;
        let changed = [
            ("listen", config.listen != old.listen),
            ("audit", config.audit != old.audit),
            ("gokeyless.listen", listen(config) != listen(old)),
            ("tickets", config.ticket_root != old.ticket_root),
            ("limits", config.limits != old.limits),
            ("admin", config.admin != old.admin),
            ("log", config.log != old.log),
            ("keys.store", !tokens(config).eq(tokens(old))),
        ];
        let changed = changed.into_iter().filter(|(_, changed)| *changed);
        changed
            .map(|(field, _)| {
                let cause = format!("`{field}` has changed, which counts after a restart");
                config.problem(field, cause, "").warning()
            })
            .collect()
    }
}

fn tokens(config: &Config) -> impl Iterator<Item = &StoreConfig> {
    let stores = config.keys.stores.iter();
    stores.filter(|store| matches!(store, StoreConfig::Pkcs11(_)))
}

fn listen(config: &Config) -> Option<&[Address]> {
    let gokeyless = config.gokeyless.as_ref();
    gokeyless.map(|gokeyless| gokeyless.listen.as_slice())
}

impl Shared {
    /// Tells how many refusals were not told one by one.
    pub(crate) fn tell_untold(&self, now: Instant) {
        for untold in self.refusals.close(now) {
            warn!(edge = untold.edge, refusals = untold.count(), classes = ?untold.classes, "more refusals");
            self.audit.note_untold(&untold);
        }
    }
}
