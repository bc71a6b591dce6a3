//! Whether a certificate is for the name that was asked for.

use rustls_pki_types::ServerName;
use webpki::EndEntityCert;

use crate::certificate::Certificate;
use crate::rejection::Rejection;

/// The name must be among the subject alternative names, by RFC 9525: a wildcard stands for the
/// whole first label and for nothing else, addresses match addresses only, and the subject's
/// common name never counts.
pub(crate) fn check(
    leaf: &EndEntityCert<'_>,
    content: &Certificate<'_>,
    asked: &ServerName<'_>,
) -> Result<(), Rejection> {
    if leaf.verify_is_valid_for_subject_name(asked).is_ok() {
        return Ok(());
    }
    let names = content.names();
    let asked = asked.to_str().into_owned();
    Err(match content.common_name() {
        Some(common_name) if names.is_empty() => Rejection::CommonNameOnly { asked, common_name },
        _ => Rejection::NameMismatch { asked, names },
    })
}
