//! Keyward's side: the engine alone, over a socket, with every need answered by files of the test.

use keyward_crypto::key_exchange;
use keyward_tls::{ClientConfig, EarlyDataStatus, Negotiated, Policy};
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};
use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

use super::{
    capabilities::Capabilities,
    case::Case,
    credentials::Credentials,
    report::Report,
    values::{Certificate, GROUPS, Group, GroupKind, Suite, Version},
};

mod client;
mod keys;
mod link;
mod server;

pub use client::connect;
pub use server::Server;

/// What the client says. Every peer's server answers a request for a page, or echoes it.
pub const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// All signatures that the engine can verify: those with ML-DSA it has to be told to offer.
fn signature_schemes() -> Vec<SignatureScheme> {
    let mut schemes = ClientConfig::default().signature_schemes;
    schemes.extend([
        SignatureScheme::MLDSA44,
        SignatureScheme::MLDSA65,
        SignatureScheme::MLDSA87,
    ]);
    schemes
}

/// What our server says, and the peers' own programs.
pub const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nserved\n";

/// What the engine can do in either role: asked of itself, so that what is added to it is tested at once.
pub fn capabilities(credentials: &Credentials) -> Capabilities {
    let policy = Policy::legacy();
    let suites = policy.cipher_suites.iter();
    let suites = suites
        .filter_map(|suite| Suite::of(suite.0))
        .map(|suite| suite.name);
    let mut capabilities = Capabilities::new("Keyward").with_suites(suites);
    let lacking = Certificate::ALL.into_iter();
    let lacking: Vec<_> = lacking.filter(|kind| !credentials.has(*kind)).collect();
    for version in Version::ALL {
        capabilities = capabilities.without_certificates(version, &lacking);
    }
    let groups = GROUPS.iter();
    let groups = groups.filter(|group| key_exchange::Group::from_code(group.code).is_some());
    for group in groups {
        // Finite fields are for old clients, hybrids for new ones.
        if group.kind != GroupKind::FiniteField {
            capabilities = capabilities.with_groups(Version::Tls13, [group.name]);
        }
        if group.kind != GroupKind::Hybrid {
            capabilities = capabilities.with_groups(Version::Tls12, [group.name]);
        }
    }
    capabilities
}

/// A policy that allows the case's version and suite, and these groups.
fn policy(case: &Case, groups: &[&Group]) -> Policy {
    let mut policy = Policy {
        versions: vec![match case.version() {
            Version::Tls13 => ProtocolVersion::TLS13,
            Version::Tls12 => ProtocolVersion::TLS12,
        }],
        cipher_suites: vec![CipherSuite(case.suite.code)],
        ..Policy::legacy()
    };
    if !groups.is_empty() {
        policy.groups = groups.iter().map(|group| NamedGroup(group.code)).collect();
    }
    policy
}

/// The engine's report of a connection.
fn report(
    negotiated: Option<&Negotiated>,
    peer: &[CertificateDer<'static>],
) -> Result<Report, String> {
    let negotiated = negotiated.ok_or("the engine says nothing of what was negotiated")?;
    let suite = Suite::of(negotiated.cipher_suite.0).ok_or("the suite is none of ours")?;
    let group = negotiated.group.and_then(|group| Group::of(group.0));
    Ok(Report {
        version: match negotiated.version {
            ProtocolVersion::TLS13 => Some(Version::Tls13),
            _ => Some(Version::Tls12),
        },
        suite: Some(suite),
        group,
        resumed: negotiated.resumed,
        retried: Some(negotiated.hello_retry_request),
        early: Some(negotiated.early_data == EarlyDataStatus::Accepted),
        peer: Some(peer.first().map(|leaf| common_name(leaf)).transpose()?),
    })
}

/// The common name of a certificate's subject.
pub fn common_name(certificate: &[u8]) -> Result<String, String> {
    let (_, parsed) =
        parse_x509_certificate(certificate).map_err(|error| format!("a certificate: {error}"))?;
    let mut names = parsed.subject().iter_common_name();
    names
        .next()
        .and_then(|name| name.as_str().ok())
        .map(str::to_owned)
        .ok_or_else(|| "a certificate without a common name".to_owned())
}

/// The engine tells of every group where there is a key exchange, which peers may not.
fn expect_group(case: &Case, report: &Report) -> Result<(), String> {
    let exchanged = case.version() == Version::Tls13 || !report.resumed;
    let expected = case.group.filter(|_| exchanged);
    if report.group == expected {
        Ok(())
    } else {
        Err(format!(
            "the group is {:?}",
            report.group.map(|group| group.name)
        ))
    }
}
