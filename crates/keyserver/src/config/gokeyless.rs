//! `[gokeyless]`: the listener for clients of the older protocol.

use std::path::{Path, PathBuf};

use keyward_protocol::Address;

use super::file::Gokeyless;
use super::reading::Reading;

/// `[gokeyless]`. Without it, nobody can speak the older protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GokeylessConfig {
    /// Where to listen; at least one.
    pub listen: Vec<Address>,
    /// PEM file: the chain that clients are shown, if it is not the one that edges are shown.
    pub certificate: Option<PathBuf>,
    /// PEM file: that certificate's private key.
    pub key: Option<PathBuf>,
    /// PEM file: the authorities that clients' certificates must come from. What a client may do, the rules say, as for edges.
    pub client_ca: PathBuf,
    /// PEM or DER files: lists of clients' certificates that are revoked.
    pub client_crl: Vec<PathBuf>,
}

impl GokeylessConfig {
    /// All files that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let own = [
            Some(&self.client_ca),
            self.certificate.as_ref(),
            self.key.as_ref(),
        ];
        let files = own.into_iter().flatten().chain(&self.client_crl);
        files.map(PathBuf::as_path)
    }
}

impl Reading {
    pub(super) fn gokeyless(&mut self, table: Gokeyless) -> GokeylessConfig {
        let listen = match table.listen {
            Some(listen) if !listen.get_ref().is_empty() => {
                self.list("gokeyless.listen", listen, |text: &str| {
                    text.parse::<Address>()
                })
            }
            _ => {
                self.wrong(
                    "gokeyless.listen",
                    "nothing to listen on",
                    "write `listen = [\"0.0.0.0:2407\"]`, or remove [gokeyless]",
                );
                Vec::new()
            }
        };
        if table.certificate.is_some() != table.key.is_some() {
            self.wrong(
                "gokeyless",
                "`certificate` and `key` belong together",
                "name both, or none to show what edges are shown",
            );
        }
        let mut path = |field, text: Option<_>| text.map(|text| self.path(field, text));
        let certificate = path("gokeyless.certificate", table.certificate);
        let key = path("gokeyless.key", table.key);
        let client_ca = self.required_path(
            "gokeyless.client_ca",
            table.client_ca,
            "name the PEM file with the authority that gokeyless clients' certificates come from",
        );
        GokeylessConfig {
            listen,
            certificate,
            key,
            client_ca,
            client_crl: self.paths("gokeyless.client_crl", table.client_crl),
        }
    }
}
