//! Whether the handshake turned out as the test says.

use std::sync::Arc;

use keyward_tls::{EarlyDataStatus, Negotiated};

use crate::credentials;
use crate::driver::Driver;
use crate::failure::{Failure, unmet};
use crate::options::{Alpn, Options};
use crate::sessions::Sessions;
use crate::side::Side;

pub(crate) fn check<S: Side>(
    options: &Options,
    driver: &Driver<'_, S>,
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
    let alpn = match &options.negotiation.alpn {
        _ if !S::IS_SERVER => Some(&expect.alpn).filter(|protocol| !protocol.is_empty()),
        Alpn::Select(protocol) => Some(protocol),
        Alpn::Decline | Alpn::Reject => None,
    };
    same("ALPN protocol", Some(alpn), negotiated.alpn.as_ref())?;
    peer::<S>(options, driver, negotiated)?;
    early_data_is_as_expected(options, negotiated)?;
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

/// What became of early data.
pub(crate) fn early_data<S: Side>(driver: &Driver<'_, S>) -> EarlyDataStatus {
    let negotiated = driver.tls.negotiated();
    negotiated.map_or(EarlyDataStatus::NotOffered, |it| it.early_data)
}

/// What the session that a client was given allows.
pub(crate) fn session(early_data: bool, sessions: &Sessions) -> Result<(), Failure> {
    match sessions.received() {
        Some(session) => same(
            "early data with the session",
            Some(early_data),
            session.max_early_data() > 0,
        ),
        None => Ok(()),
    }
}

fn early_data_is_as_expected(options: &Options, negotiated: &Negotiated) -> Result<(), Failure> {
    let accepted = negotiated.early_data == EarlyDataStatus::Accepted;
    let expect = &options.early_data;
    if expect.expect_accept && !accepted || expect.expect_reject && accepted {
        return Err(unmet(format!("early data: {:?}", negotiated.early_data)));
    }
    Ok(())
}

/// Who the peer is, and what it showed.
fn peer<S: Side>(
    options: &Options,
    driver: &Driver<'_, S>,
    negotiated: &Negotiated,
) -> Result<(), Failure> {
    let expect = &options.peer;
    let scheme = if S::IS_SERVER {
        negotiated.client_signature_scheme
    } else {
        negotiated.signature_scheme
    };
    // BoringSSL remembers the scheme of a session's first handshake.
    if !negotiated.resumed {
        same(
            "the peer's signature scheme",
            expect.expect_signature_scheme,
            scheme.map_or(0, |scheme| scheme.0),
        )?;
    }
    let chain = driver.tls.peer_certificates();
    let must_be_there = !S::IS_SERVER || expect.require;
    if expect.expect_none != chain.is_empty() && (expect.expect_none || must_be_there) {
        return Err(unmet(format!("the peer has {} certificates", chain.len())));
    }
    if let Some(file) = &expect.expect_file {
        same("the peer's chain", Some(&*credentials::chain(file)?), chain)?;
    }
    let presented = driver.desk.presented();
    if !negotiated.resumed {
        same(
            "OCSP response",
            options.expect.ocsp_response.clone().map(Some),
            presented.ocsp.clone(),
        )?;
        same(
            "certificate timestamps",
            options.expect.scts.clone().map(Some),
            presented.scts.clone(),
        )?;
    }
    Ok(())
}

/// The number of the credential that was shown.
fn credential<S: Side>(driver: &Driver<'_, S>, negotiated: &Negotiated) -> i32 {
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
