//! `[admin]`: where a process is looked at, in both files.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::{Problem, Source, Spanned};

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminTable {
    listen: Spanned<String>,
    allow_remote: Option<Spanned<bool>>,
}

/// The address for metrics, readiness and the status page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// Where to listen; port 0 takes a free one. Whoever can connect sees the names of edges, keys and sites.
    pub listen: SocketAddr,
}

impl AdminTable {
    /// Checks it.
    ///
    /// # Errors
    /// It is no address, or one that others can reach although nobody said so.
    pub fn read(&self, source: &Source) -> Result<AdminConfig, Problem> {
        let text = self.listen.get_ref();
        let listen: SocketAddr = text.parse().map_err(|_| {
            source.problem(
                self.listen.span(),
                format!("\"{text}\" is no address and port"),
                "write an IP address and a port, as in \"127.0.0.1:2411\"",
            )
        })?;
        let remote = self
            .allow_remote
            .as_ref()
            .is_some_and(|said| *said.get_ref());
        if !listen.ip().is_loopback() && !remote {
            return Err(source.problem(
                self.listen.span(),
                format!(
                    "{listen} can be reached from other machines, and whoever connects sees the names of edges, keys and sites"
                ),
                "listen on 127.0.0.1 or [::1], or write `allow_remote = true` as well if a firewall lets only those connect who may",
            ));
        }
        Ok(AdminConfig { listen })
    }
}

impl AdminConfig {
    /// What is to be said of an address that others can reach.
    pub fn warning(&self) -> Option<String> {
        (!self.listen.ip().is_loopback()).then(|| {
            format!(
                "the admin address {} can be reached from other machines, and asks nobody who he is",
                self.listen
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AdminConfig, String> {
        let source = Source::new("a.toml", text, "examples/a.toml");
        let table: AdminTable = source.parse().map_err(|problem| problem.to_string())?;
        table.read(&source).map_err(|problem| problem.to_string())
    }

    #[test]
    fn others_are_let_in_only_if_somebody_says_so() {
        for text in ["127.0.0.1:2411", "127.9.9.9:0", "[::1]:2411"] {
            let config = read(&format!("listen = \"{text}\"")).unwrap();
            assert_eq!(config.warning(), None);
        }
        for text in ["0.0.0.0:2411", "[::]:2411", "10.0.0.1:2411"] {
            let error = read(&format!("listen = \"{text}\"")).unwrap_err();
            assert!(error.starts_with("a.toml:1:10: "), "{error}");
            assert!(error.contains("allow_remote = true"), "{error}");
            let config = read(&format!("listen = \"{text}\"\nallow_remote = true")).unwrap();
            assert!(config.warning().is_some());
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        for (text, cause) in [
            ("listen = \"localhost:1\"", "no address and port"),
            ("listen = 5", "invalid type"),
            ("", "missing field `listen`"),
            (
                "listen = \"127.0.0.1:1\"\nremote = true",
                "unknown field `remote`",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(cause), "{error}");
        }
    }
}
