//! What the client offers, from the command line.

use std::sync::Arc;

use keyward_tls::{ClientConfig, Policy};
use keyward_wire::values::{
    CertificateCompressionAlgorithm, CipherSuite, NamedGroup, ProtocolVersion,
};

use super::args::ConnectArgs;
use crate::failure::Failure;

pub(crate) fn config(args: &ConnectArgs) -> Result<ClientConfig, Failure> {
    Ok(ClientConfig {
        policy: Arc::new(policy(args)?),
        alpn: alpn(&args.alpn)?,
        request_ocsp: true,
        request_scts: true,
        certificate_compression: vec![
            CertificateCompressionAlgorithm::ZSTD,
            CertificateCompressionAlgorithm::BROTLI,
            CertificateCompressionAlgorithm::ZLIB,
        ],
        delegated_credentials: true,
        early_data: args.early_data.is_some(),
        resumption: true,
        key_log: args.key_log.is_some(),
        ..ClientConfig::default()
    })
}

fn policy(args: &ConnectArgs) -> Result<Policy, Failure> {
    let name = args.policy.name();
    let mut policy = Policy::by_name(name)
        .ok_or_else(|| Failure::usage(format!("there is no policy {name}")))?;
    let wanted = match (args.tls12, args.tls13) {
        (true, false) => Some(ProtocolVersion::TLS12),
        (false, true) => Some(ProtocolVersion::TLS13),
        // Both, or nothing said: what the policy has.
        _ => None,
    };
    if let Some(wanted) = wanted {
        if !policy.versions.contains(&wanted) {
            return Err(Failure::usage(format!(
                "--policy {name} has no TLS 1.2; choose --policy intermediate"
            )));
        }
        policy.versions = vec![wanted];
    }
    if !args.ciphers.is_empty() {
        policy.cipher_suites = suites(&args.ciphers, &policy)?;
    }
    if !args.groups.is_empty() {
        policy.groups = args
            .groups
            .iter()
            .map(|group| group_named(group))
            .collect::<Result<_, _>>()?;
    }
    Ok(policy)
}

fn suites(names: &[String], policy: &Policy) -> Result<Vec<CipherSuite>, Failure> {
    let legacy = Policy::legacy().cipher_suites;
    names
        .iter()
        .map(|name| {
            let Some(suite) = find(&legacy, name) else {
                return Err(Failure::usage(format!(
                    "{name:?} is no cipher suite that Keyward has; it has {}",
                    list(&legacy)
                )));
            };
            if !policy.legacy && !policy.cipher_suites.contains(&suite) {
                let remedy = match Policy::intermediate().cipher_suites.contains(&suite) {
                    true => "intermediate",
                    false => "legacy",
                };
                return Err(Failure::usage(format!(
                    "{suite} is not in the policy; add --policy {remedy}"
                )));
            }
            Ok(suite)
        })
        .collect()
}

fn group_named(name: &str) -> Result<NamedGroup, Failure> {
    let known: Vec<NamedGroup> = keyward_crypto::key_exchange::Group::ALL
        .iter()
        .map(|group| NamedGroup(group.code()))
        .collect();
    find(&known, name).ok_or_else(|| {
        Failure::usage(format!(
            "{name:?} is no group that Keyward has; it has {}",
            list(&known)
        ))
    })
}

/// By its IANA name, in upper or lower case.
fn find<T: Copy + ToString>(known: &[T], name: &str) -> Option<T> {
    known
        .iter()
        .copied()
        .find(|value| value.to_string().eq_ignore_ascii_case(name.trim()))
}

fn list<T: ToString>(values: &[T]) -> String {
    let names: Vec<String> = values.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn alpn(names: &[String]) -> Result<Vec<Vec<u8>>, Failure> {
    names
        .iter()
        .map(|name| match name.len() {
            1..=255 => Ok(name.clone().into_bytes()),
            length => Err(Failure::usage(format!(
                "an ALPN protocol has 1 to 255 bytes, not {length}"
            ))),
        })
        .collect()
}
