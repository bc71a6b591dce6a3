//! `client_auth` and what belongs to it: from the written settings to the checked ones.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_config::{Source, Spanned};

use super::raw::RawSite;
use super::read::Checked;
use crate::client_auth::{ClientAuth, ClientAuthError};

/// How a site asks its clients for certificates.
#[derive(Debug, Clone)]
pub struct ClientAuthConfig {
    /// Whether a client needs one.
    pub mode: ClientAuthMode,
    /// The file with the CAs that clients' certificates come from.
    pub ca: PathBuf,
    /// The files with these CAs' revocation lists.
    pub crls: Vec<PathBuf>,
    pub(crate) loaded: Arc<ClientAuth>,
}

/// Whether a client needs a certificate. One that is presented has to be good in both modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthMode {
    /// A client without one is served as well.
    Optional,
    /// A client without one is refused.
    Required,
}

impl ClientAuthConfig {
    /// Reads the files again.
    pub(crate) fn load(&self) -> Result<ClientAuth, ClientAuthError> {
        ClientAuth::load(self.mode, &self.ca, &self.crls)
    }
}

/// What a site says about clients' certificates.
pub(super) fn read(source: &Source, raw: &RawSite) -> Checked<Option<ClientAuthConfig>> {
    let Some(mode) = mode(source, raw.client_auth.as_ref())? else {
        let unused = [("client_ca", raw.client_ca.as_ref())].into_iter();
        let unused = unused.chain([("client_crl", raw.client_crl.first())]);
        return match unused.filter_map(|(name, path)| Some((name, path?))).next() {
            None => Ok(None),
            Some((name, path)) => Err(source.problem(
                path.span(),
                format!("{name} is of no use where clients are asked for no certificate"),
                "remove it, or write client_auth = \"required\" or \"optional\"",
            )),
        };
    };
    let Some(written_ca) = &raw.client_ca else {
        let written = raw.client_auth.as_ref().map(Spanned::span);
        return Err(source.problem(
            written.unwrap_or_default(),
            "nothing says which clients' certificates are good",
            "add client_ca = \"clients-ca.pem\", a PEM file with the CAs that issue them",
        ));
    };
    let ca = source.path(written_ca.get_ref());
    let crls: Vec<PathBuf> = raw
        .client_crl
        .iter()
        .map(|path| source.path(path.get_ref()))
        .collect();
    let loaded = ClientAuth::load(mode, &ca, &crls).map_err(|error| {
        let written = raw.client_crl.iter().zip(&crls);
        let span = written
            .filter(|(_, path)| error.file() == path.as_path())
            .map(|(written, _)| written.span())
            .next()
            .unwrap_or_else(|| written_ca.span());
        source.problem(span, error.to_string(), error.remedy())
    })?;
    Ok(Some(ClientAuthConfig {
        mode,
        ca,
        crls,
        loaded: Arc::new(loaded),
    }))
}

fn mode(source: &Source, raw: Option<&Spanned<String>>) -> Checked<Option<ClientAuthMode>> {
    let Some(raw) = raw else {
        return Ok(None);
    };
    match raw.get_ref().as_str() {
        "off" => Ok(None),
        "optional" => Ok(Some(ClientAuthMode::Optional)),
        "required" => Ok(Some(ClientAuthMode::Required)),
        other => Err(source.problem(
            raw.span(),
            format!("client_auth cannot be \"{other}\""),
            "write \"off\", \"optional\" or \"required\"",
        )),
    }
}
