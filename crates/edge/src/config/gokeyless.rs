//! `[gokeyless]`: the key server of last resort.

use std::path::PathBuf;

use keyward_config::{Source, Spanned};
use keyward_crypto::signature::PublicKey;
use keyward_keyclient::{GokeylessConfig, KeyClientConfigError};
use serde::Deserialize;

use super::read::Checked;
use crate::certificates;

/// A server of the older protocol, and the keys that it is asked for when no key server has an answer.
#[derive(Debug, Clone)]
pub struct LastResortConfig {
    /// How to reach it.
    pub server: GokeylessConfig,
    /// The public halves of the keys.
    pub keys: Vec<PublicKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGokeyless {
    address: Spanned<String>,
    name: Spanned<String>,
    ca: Spanned<PathBuf>,
    certificate: Spanned<PathBuf>,
    key: Spanned<PathBuf>,
    keys: Spanned<Vec<Spanned<PathBuf>>>,
}

pub(super) fn read(source: &Source, raw: &RawGokeyless) -> Checked<LastResortConfig> {
    let address = raw.address.get_ref();
    let port = address
        .rsplit_once(':')
        .map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(1..))) {
        return Err(source.problem(
            raw.address.span(),
            format!("\"{address}\" is no address of a gokeyless server"),
            "write \"host:port\"; its port is 2407 unless somebody changed it",
        ));
    }
    let file = |path: &Spanned<PathBuf>| source.path(path.get_ref());
    let (ca, certificate, key) = (file(&raw.ca), file(&raw.certificate), file(&raw.key));
    let server = GokeylessConfig::from_files(address, raw.name.get_ref(), &ca, &certificate, &key);
    let server = server.map_err(|error| {
        let of = [
            (&ca, &raw.ca),
            (&certificate, &raw.certificate),
            (&key, &raw.key),
        ];
        let span = of.into_iter().find_map(|(path, written)| match &error {
            KeyClientConfigError::File { path: wrong, .. } if wrong == path => Some(written.span()),
            _ => None,
        });
        source.problem(
            span.unwrap_or_else(|| raw.address.span()),
            format!("the channel to the gokeyless server cannot be set up: {error}"),
            "its authority, and a certificate and key that it lets in; paths are relative to the folder of this file",
        )
    })?;
    if raw.keys.get_ref().is_empty() {
        return Err(source.problem(
            raw.keys.span(),
            "for no key, the gokeyless server is never asked",
            "name the certificate files of the keys that it has, or remove [gokeyless]",
        ));
    }
    let key = |written: &Spanned<PathBuf>| {
        certificates::read_server_certificate(&file(written))
            .map(|certificate| certificate.public_key().clone())
            .map_err(|error| source.problem(written.span(), error.to_string(), error.remedy()))
    };
    let keys = raw.keys.get_ref().iter().map(key);
    Ok(LastResortConfig {
        server,
        keys: keys.collect::<Checked<_>>()?,
    })
}
