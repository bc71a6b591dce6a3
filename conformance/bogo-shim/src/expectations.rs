//! Whether the handshake turned out as the test says.

use std::sync::Arc;

use keyward_tls::{ClientCertificateNeed, EarlyDataStatus, Negotiated, NoEarlyData};
use keyward_wire::values::{ProtocolVersion, SignatureScheme};

use crate::credentials;
use crate::driver::Driver;
use crate::failure::{Failure, unmet};
use crate::options::{Alpn, Options};
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
    same(
        "secure renegotiation",
        expect.secure_renegotiation,
        negotiated.secure_renegotiation,
    )?;
    if expect.extended_master_secret {
        same(
            "extended master secret",
            Some(true),
            negotiated.extended_master_secret,
        )?;
    }
    if resumption {
        let skew_ms = negotiated.ticket_age_skew_ms.unwrap_or_default();
        same("ticket age skew", expect.ticket_age_skew_s, skew_ms / 1000)?;
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

/// Whether a client was given a session in a connection that went well, and what that allows.
pub(crate) fn session<S: Side>(options: &Options, driver: &Driver<'_, S>) -> Result<(), Failure> {
    let Some(negotiated) = driver.tls.negotiated().filter(|_| !S::IS_SERVER) else {
        return Ok(());
    };
    let expected = match negotiated.version {
        // Tickets come when the handshake is over, for which nobody waits then.
        ProtocolVersion::TLS13 if options.script.shuts_down => None,
        ProtocolVersion::TLS13 => Some(!options.expect.no_session),
        _ if options.expect.no_session => Some(false),
        _ => Some(!negotiated.resumed || options.expect.ticket_renewal),
    };
    let session = driver.desk.sessions().received();
    same("was given a session", expected, session.is_some())?;
    same(
        "early data with the session",
        session.map(|_| options.early_data.expect_ticket),
        session.is_some_and(|session| session.max_early_data() > 0),
    )
}

fn early_data_is_as_expected(options: &Options, negotiated: &Negotiated) -> Result<(), Failure> {
    let accepted = negotiated.early_data == EarlyDataStatus::Accepted;
    let expect = &options.early_data;
    if expect.expect_accept && !accepted || expect.expect_reject && accepted {
        return Err(unmet(format!("early data: {:?}", negotiated.early_data)));
    }
    let reason = expect.expect_reason.as_deref();
    same("early data", reason, reason_word(negotiated.no_early_data))
}

/// What BoringSSL calls the outcome of early data.
fn reason_word(reason: Option<NoEarlyData>) -> &'static str {
    match reason {
        None => "accept",
        Some(NoEarlyData::Off) => "disabled",
        Some(NoEarlyData::OldVersion) => "protocol_version",
        Some(NoEarlyData::NoSession) => "no_session_offered",
        Some(NoEarlyData::SessionNotResumed) => "session_not_resumed",
        Some(NoEarlyData::NotWithSession) => "unsupported_for_session",
        Some(NoEarlyData::HelloRetryRequest) => "hello_retry_request",
        Some(NoEarlyData::NotFresh) => "ticket_age_skew",
        Some(NoEarlyData::Declined) => "peer_declined",
        // It has no word for them.
        Some(_) => "unknown",
    }
}

/// What a server that asks for a certificate says of it.
pub(crate) fn certificate_request(
    options: &Options,
    need: &ClientCertificateNeed,
) -> Result<(), Failure> {
    let expect = &options.peer;
    let types = expect.expect_certificate_types.clone();
    let given = need.certificate_types().iter().map(|typ| typ.0).collect();
    same("certificate types", types, given)?;
    let authorities = expect.expect_authorities.as_deref();
    same("authorities", authorities, need.authorities())?;
    verify_schemes(options, need.signature_schemes())
}

/// What the peer says that it verifies.
pub(crate) fn verify_schemes(options: &Options, given: &[SignatureScheme]) -> Result<(), Failure> {
    let expected = &options.peer.expect_verify_schemes;
    let expected = Some(&expected[..]).filter(|schemes| !schemes.is_empty());
    same("schemes that the peer verifies", expected, given)
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
    let mut certificates = driver.desk.loaded().certificates.iter();
    certificates
        .find(|it| shown.is_some_and(|shown| Arc::ptr_eq(shown, &it.credential)))
        .map_or(-1, |it| it.number)
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
