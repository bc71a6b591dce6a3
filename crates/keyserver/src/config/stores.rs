//! `[[keys.store]]`, and where passphrases are.

use keyward_config::Spanned;

use super::file::{DirectoryTable, Pkcs11Table, Store, Text};
use super::reading::Reading;
use super::{DirectoryConfig, PassphraseSource, Pkcs11Config, Pkcs11Uri, StoreConfig};

/// Sessions with a token, unless it is said how many.
const DEFAULT_SESSIONS: usize = 4;

/// More than any token has.
const MAX_SESSIONS: usize = 256;

impl Reading {
    /// The stores besides `directory` and `files`.
    pub(super) fn stores(&mut self, stores: Vec<Spanned<Store>>) -> Vec<StoreConfig> {
        let mut read = Vec::new();
        for (i, store) in stores.into_iter().enumerate() {
            let at = format!("keys.store[{i}]");
            self.mark(&at, store.span());
            let Store { directory, pkcs11 } = store.into_inner();
            match (directory, pkcs11) {
                (Some(directory), None) => read.extend(
                    self.directory(&format!("{at}.directory"), directory)
                        .map(StoreConfig::Directory),
                ),
                (None, Some(token)) => read.extend(
                    self.pkcs11(&format!("{at}.pkcs11"), token)
                        .map(|token| StoreConfig::Pkcs11(Box::new(token))),
                ),
                (None, None) => self.wrong(
                    &at,
                    "the store does not say of which kind it is",
                    "write `directory = { path = \"more-keys\" }` or `pkcs11 = { uri = \"pkcs11:token=…\", … }` below \
                     `[[keys.store]]`",
                ),
                (Some(_), Some(_)) => self.wrong(
                    &at,
                    "one store is of two kinds",
                    "give each a `[[keys.store]]` of its own",
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

    fn pkcs11(&mut self, at: &str, table: Spanned<Pkcs11Table>) -> Option<Pkcs11Config> {
        self.mark(at, table.span());
        let table = table.into_inner();
        let pin = self.secret(at, "pin", table.pin_file, table.pin_credential);
        let Some(uri) = table.uri else {
            self.wrong(
                at,
                "the store does not say which token it is",
                "write `uri = \"pkcs11:token=…\"` with the token's label",
            );
            return None;
        };
        let uri = self.value(&format!("{at}.uri"), &uri, |text: &str| {
            text.parse::<Pkcs11Uri>()
        })?;
        let module = match (table.module, &uri.module_path) {
            (Some(module), _) => self.path(&format!("{at}.module"), module),
            (None, Some(module)) => module.clone(),
            (None, None) => {
                self.wrong(
                    at,
                    "the store does not say which library speaks to its token",
                    "write `module = \"/usr/lib/….so\"` with the PKCS #11 library of the token's maker",
                );
                return None;
            }
        };
        let sessions = match table.sessions {
            None => DEFAULT_SESSIONS,
            Some(sessions) => {
                let at = format!("{at}.sessions");
                self.mark(&at, sessions.span());
                match usize::try_from(sessions.into_inner()) {
                    Ok(number @ 1..=MAX_SESSIONS) => number,
                    _ => {
                        let cause = format!("`sessions` is a number from 1 to {MAX_SESSIONS}");
                        self.wrong(&at, cause, "each has a thread of its own");
                        return None;
                    }
                }
            }
        };
        Some(Pkcs11Config {
            pin: pin.or_else(|| uri.pin_source.clone().map(PassphraseSource::File)),
            uri,
            module,
            sessions,
        })
    }

    /// `passphrase_file` or `passphrase_credential` of the table at `at`.
    pub(super) fn passphrase(
        &mut self,
        at: &str,
        file: Option<Text>,
        credential: Option<Text>,
    ) -> Option<PassphraseSource> {
        self.secret(at, "passphrase", file, credential)
    }

    /// What is in a file or a credential: `NAME_file` or `NAME_credential`.
    fn secret(
        &mut self,
        at: &str,
        name: &str,
        file: Option<Text>,
        credential: Option<Text>,
    ) -> Option<PassphraseSource> {
        let file_field = format!("{at}.{name}_file");
        let credential_field = format!("{at}.{name}_credential");
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
                    format!("the {name} is in one place: a file or a credential"),
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
