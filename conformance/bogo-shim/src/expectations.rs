//! Whether the handshake turned out as the test says.

use std::sync::Arc;

use keyward_tls::Negotiated;

use crate::driver::Driver;
use crate::failure::{Failure, unmet};
use crate::options::{Alpn, Options};

pub(crate) fn check(
    options: &Options,
    driver: &Driver<'_>,
    resumption: bool,
) -> Result<(), Failure> {
    let negotiated = driver
        .tls
        .negotiated()
        .ok_or_else(|| unmet("complete, and nothing negotiated"))?;
    let expect = &options.expect;

    same("version", expect.version, negotiated.version.0)?;
    same(
        "cipher suite",
        expect.cipher_suite,
        negotiated.cipher_suite.0,
    )?;
    let group = negotiated.group.map_or(0, |group| group.0);
    same("group", expect.group, group)?;
    same(
        "HelloRetryRequest",
        expect.hello_retry_request,
        negotiated.hello_retry_request,
    )?;
    same(
        "resumed",
        Some(resumption && !expect.session_miss),
        negotiated.resumed,
    )?;
    same(
        "ALPN protocol",
        Some(match &options.negotiation.alpn {
            Alpn::Select(protocol) => Some(protocol),
            Alpn::Decline | Alpn::Reject => None,
        }),
        negotiated.alpn.as_ref(),
    )?;
    if let Some(name) = &expect.server_name {
        same(
            "server name",
            Some(Some(name)),
            negotiated.server_name.as_ref(),
        )?;
    }
    if expect.extended_master_secret {
        same(
            "extended master secret",
            Some(true),
            negotiated.extended_master_secret,
        )?;
    }
    if !resumption {
        same(
            "stored by id",
            expect.session_id,
            driver.desk.stored_by_id(),
        )?;
    }
    same(
        "credential",
        expect.credential,
        credential(driver, negotiated),
    )
}

/// The number of the credential that was shown.
fn credential(driver: &Driver<'_>, negotiated: &Negotiated) -> i32 {
    let shown = negotiated.certificate.as_ref();
    let certificates = driver.desk.loaded().certificates.iter();
    certificates
        .filter(|(_, certificate)| shown.is_some_and(|shown| Arc::ptr_eq(shown, certificate)))
        .map(|(number, _)| *number)
        .next()
        .unwrap_or(-1)
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: Option<T>,
    actual: T,
) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != actual => {
            Err(unmet(format!("{what}: {actual:?}, expected {expected:?}")))
        }
        _ => Ok(()),
    }
}
