//! `[[keys.store]]`, and where passphrases are.

use keyward_config::Spanned;

use super::file::{DirectoryTable, Store, Text};
use super::reading::Reading;
use super::{DirectoryConfig, PassphraseSource, StoreConfig};

impl Reading {
    /// The stores besides `directory` and `files`.
    pub(super) fn stores(&mut self, stores: Vec<Spanned<Store>>) -> Vec<StoreConfig> {
        let mut read = Vec::new();
        for (i, store) in stores.into_iter().enumerate() {
            let at = format!("keys.store[{i}]");
            self.mark(&at, store.span());
            let Store { directory } = store.into_inner();
            match directory {
                Some(directory) => read.extend(
                    self.directory(&format!("{at}.directory"), directory)
                        .map(StoreConfig::Directory),
                ),
                None => self.wrong(
                    &at,
                    "the store does not say of which kind it is",
                    "write `directory = { path = \"more-keys\" }` below `[[keys.store]]`",
                ),
            }
        }
        read
    }

    fn directory(&mut self, at: &str, table: Spanned<DirectoryTable>) -> Option<DirectoryConfig> {
        self.mark(at, table.span());
        let table = table.into_inner();
        let passphrase = self.passphrase(at, table.passphrase_file, table.passphrase_credential);
        let Some(path) = table.path else {
            self.wrong(
                at,
                "the store does not say which directory it is",
                "write `path = \"…\"`",
            );
            return None;
        };
        Some(DirectoryConfig {
            path: self.path(&format!("{at}.path"), path),
            passphrase,
        })
    }

    /// `passphrase_file` or `passphrase_credential` of the table at `at`.
    pub(super) fn passphrase(
        &mut self,
        at: &str,
        file: Option<Text>,
        credential: Option<Text>,
    ) -> Option<PassphraseSource> {
        let file_field = format!("{at}.passphrase_file");
        let credential_field = format!("{at}.passphrase_credential");
        match (file, credential) {
            (None, None) => None,
            (Some(file), None) => Some(PassphraseSource::File(self.path(&file_field, file))),
            (None, Some(name)) => self
                .value(&credential_field, &name, credential_name)
                .map(PassphraseSource::Credential),
            (Some(_), Some(credential)) => {
                self.mark(&credential_field, credential.span());
                self.wrong(
                    &credential_field,
                    "the passphrase is in one place: a file or a credential",
                    "remove one of the two",
                );
                None
            }
        }
    }
}

/// systemd takes a file name, and nothing else must be reached by it.
fn credential_name(text: &str) -> Result<String, &'static str> {
    let is_name = !text.is_empty() && text.len() <= 255 && text != "." && text != "..";
    if is_name && !text.contains(['/', '\0']) {
        Ok(text.to_owned())
    } else {
        Err("this is no name of a credential: it is that of a file, without `/`")
    }
}
