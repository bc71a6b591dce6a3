//! Files that change while the key server runs: rules, revocation lists, the channel's certificates. All that changed is taken
//! together, or nothing if something is wrong with it. Open connections are then asked again ([`crate::access`]).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_config::{ConfigError, Problem, Problems};
use keyward_protocol::Address;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::access::Access;
use crate::channel;
use crate::config::{Config, GokeylessConfig};
use crate::gokeyless;
use crate::policy::Policy;
use crate::server::Shared;

/// How often the files are looked at. An edge is cut within a second, so twice in one.
const POLL: Duration = Duration::from_millis(500);

/// What a file was when it was read: inode, length, and the times of its content and of its inode. `None` if it is not there.
type Fingerprint = Option<(u64, u64, (i64, i64), (i64, i64))>;

/// The files, as they were before they were read.
pub(crate) struct Files {
    config: Config,
    seen: Vec<Fingerprint>,
}

impl Files {
    /// To be made before the files are read: what changes in between is then seen.
    pub(crate) fn new(config: Config) -> Self {
        let seen = fingerprints(&config);
        Self { config, seen }
    }
}

fn fingerprints(config: &Config) -> Vec<Fingerprint> {
    let fixed = [&config.certificate, &config.key, &config.client_ca];
    let fixed = fixed.into_iter().map(PathBuf::as_path);
    let files = config.file().into_iter().chain(fixed);
    let older = config.gokeyless.iter().flat_map(GokeylessConfig::files);
    files
        .chain(config.client_crl.iter().map(PathBuf::as_path))
        .chain(older)
        .map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((
                metadata.ino(),
                metadata.len(),
                (metadata.mtime(), metadata.mtime_nsec()),
                (metadata.ctime(), metadata.ctime_nsec()),
            ))
        })
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
        if now == self.seen && !asked {
            return;
        }
        // One attempt for each change: a file that is still being written changes again.
        self.seen = now;
        match self.load(shared) {
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

    fn load(&self, shared: &Shared) -> Result<Self, ConfigError> {
        let config = match self.config.file() {
            Some(path) => Config::load(path)?,
            None => self.config.clone(),
        };
        let fresh = Self::new(config);
        let config = &fresh.config;
        let old = Arc::clone(&shared.access.borrow());
        let mut problems = Problems::default();
        // A rule that is not about what it seems to be about is not taken over by mistake.
        problems.extend(config.unknown_keys(&old.keys));
        problems.check()?;
        let channel = channel::open(config)?;
        for problem in channel.warnings.iter().chain(&config.no_rule()) {
            warn!("{problem}");
        }
        for problem in self.needs_restart(config) {
            warn!("{problem}");
        }
        let same = config.edges == self.config.edges && config.keys == self.config.keys;
        let policy = match same {
            // With its token buckets as they are.
            true => Arc::clone(&old.policy),
            false => Arc::new(Policy::new(config, &old.keys)),
        };
        for problem in gokeyless::warnings(config, &policy, &old.keys) {
            warn!("{problem}");
        }
        shared.access.send_replace(Arc::new(Access {
            tls: channel.tls,
            verifier: channel.verifier,
            policy,
            gokeyless: channel.gokeyless,
            certificate_not_after: channel.not_after,
            keys: Arc::clone(&old.keys),
        }));
        Ok(fresh)
    }

    /// Settings that have changed and are not taken over.
    fn needs_restart(&self, config: &Config) -> Vec<Problem> {
        let old = &self.config;
        let changed = [
            ("listen", config.listen != old.listen),
            (
                "keys.directory",
                config.keys.directory != old.keys.directory,
            ),
            ("keys.files", config.keys.files != old.keys.files),
            ("audit", config.audit != old.audit),
            ("gokeyless.listen", listen(config) != listen(old)),
            ("tickets", config.ticket_root != old.ticket_root),
            ("limits", config.limits != old.limits),
            ("admin", config.admin != old.admin),
            ("log", config.log != old.log),
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

fn listen(config: &Config) -> Option<&[Address]> {
    let gokeyless = config.gokeyless.as_ref();
    gokeyless.map(|gokeyless| gokeyless.listen.as_slice())
}

impl Shared {
    /// Tells how many refusals were not told one by one.
    pub(crate) fn tell_untold(&self, now: Instant) {
        for untold in self.refusals.close(now) {
            warn!(edge = untold.edge, refusals = untold.count(), reasons = ?untold.reasons, "more refusals");
            self.audit.note_untold(&untold);
        }
    }
}
