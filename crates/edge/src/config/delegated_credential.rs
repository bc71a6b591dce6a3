//! `delegated_credential`: from the written setting to the checked one.

use std::time::Duration;

use keyward_config::{Source, Spanned};
use keyward_crypto::certificate::CertificateInfo;

use super::CertificateFile;
use super::raw::RawDelegatedCredential;
use super::read::Checked;

/// A working day: the key server may be away for a third of it, and a thief has it for no longer.
const DEFAULT_HOURS: u64 = 8;

/// How long a site's delegated credentials are good for, if it wants any.
pub(super) fn read(
    source: &Source,
    raw: Option<&Spanned<RawDelegatedCredential>>,
    certificates: &[CertificateFile],
) -> Checked<Option<Duration>> {
    let Some(raw) = raw else {
        return Ok(None);
    };
    let may_delegate = |file: &CertificateFile| {
        let leaf = &file.certificate.chain()[0];
        CertificateInfo::parse(leaf).is_some_and(|info| info.may_delegate())
    };
    // Of chains from the key server the log says so.
    if !certificates.is_empty() && !certificates.iter().any(may_delegate) {
        return Err(source.problem(
            raw.span(),
            "none of the site's certificates may delegate: they lack the extension DelegationUsage or the \
             key usage digitalSignature (RFC 9345 §4.2)",
            "have one issued with the extension 1.3.6.1.4.1.44363.44, or remove delegated_credential",
        ));
    }
    let hours: u64 = source.number(raw.get_ref().hours.as_ref(), 1..=24, DEFAULT_HOURS)?;
    Ok(Some(Duration::from_secs(hours * 3600)))
}
