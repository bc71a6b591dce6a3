//! `certificates`: from a written file or table to a chain with what is shown beside it.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_config::{Source, Spanned};

use super::CertificateFile;
use super::raw::RawCertificate;
use super::read::Checked;
use crate::certificates;
use crate::own_chain::OwnChain;

/// Reads a chain and its files.
pub(super) fn read(source: &Source, written: &Spanned<RawCertificate>) -> Checked<CertificateFile> {
    let raw = written.get_ref();
    let file = source.path(&raw.chain);
    let plain = certificates::read_server_certificate(&file)
        .map_err(|error| source.problem(written.span(), error.to_string(), error.remedy()))?;
    let mut own = OwnChain::bare(Arc::new(plain));
    let path = |path: &Spanned<PathBuf>| source.path(path.get_ref());
    if let Some(written) = &raw.ocsp {
        own.ocsp = certificates::read_ocsp(&path(written), &own)
            .map(|ocsp| ocsp.map(Arc::new))
            .map_err(|error| source.problem(written.span(), error.to_string(), error.remedy()))?;
    }
    if let Some(written) = &raw.scts {
        let scts = certificates::read_scts(&path(written), &own)
            .map_err(|error| source.problem(written.span(), error.to_string(), error.remedy()))?;
        own.scts = Some(Arc::new(scts));
    }
    Ok(CertificateFile {
        file,
        certificate: own.plain.clone(),
        ocsp: raw.ocsp.as_ref().map(path),
        scts: raw.scts.as_ref().map(path),
        own,
    })
}
