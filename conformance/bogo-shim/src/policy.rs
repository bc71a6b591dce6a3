//! The engine's policy for a test.

use keyward_crypto::key_exchange::Group;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_tls::Policy;
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use crate::failure::{Failure, unimplemented};
use crate::options::{Negotiation, Options, Renegotiation};

/// Everything that the engine has, legacy included, within what the test says.
pub(crate) fn policy(options: &Options) -> Result<Policy, Failure> {
    let policy = negotiable(&options.negotiation)?;
    let is_unknown = |scheme: &&SignatureScheme| SignatureAlgorithm::from_code(scheme.0).is_none();
    let mut accepted = options.negotiation.verify_schemes.iter();
    if let Some(unknown) = accepted.find(is_unknown) {
        return Err(unimplemented(format!("the signature scheme {unknown}")));
    }
    Ok(policy)
}

fn negotiable(negotiation: &Negotiation) -> Result<Policy, Failure> {
    let mut policy = match negotiation.compliance {
        Some(compliance) => compliance.policy(),
        None => Policy::legacy(),
    };
    policy
        .versions
        .retain(|version| allows(negotiation, *version));
    if policy.versions.is_empty() {
        return Err(unimplemented("versions below TLS 1.2"));
    }
    if let Some(suites) = &negotiation.cipher_suites {
        policy.cipher_suites.retain(is_tls13);
        policy.cipher_suites.extend(suites);
    }
    if !negotiation.groups.is_empty() {
        let is_known = |group: &NamedGroup| Group::from_code(group.0).is_some();
        if let Some(unknown) = negotiation.groups.iter().find(|group| !is_known(group)) {
            return Err(unimplemented(format!("the group {unknown}")));
        }
        policy.groups.clone_from(&negotiation.groups);
    }
    policy.renegotiation = negotiation.renegotiation == Renegotiation::Freely;
    Ok(policy)
}

fn allows(negotiation: &Negotiation, version: ProtocolVersion) -> bool {
    let max = match negotiation.max_version {
        0 => u16::MAX,
        max => max,
    };
    let off = match version {
        ProtocolVersion::TLS13 => negotiation.no_tls13,
        _ => negotiation.no_tls12,
    };
    (negotiation.min_version..=max).contains(&version.0) && !off
}

fn is_tls13(suite: &CipherSuite) -> bool {
    suite.0 >> 8 == 0x13
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_between_the_bounds() {
        let negotiation = |min_version, max_version| Negotiation {
            min_version,
            max_version,
            ..Negotiation::default()
        };
        let versions = |min, max| negotiable(&negotiation(min, max)).map(|policy| policy.versions);
        let (tls12, tls13) = (ProtocolVersion::TLS12, ProtocolVersion::TLS13);
        assert!(versions(0, 0).is_ok_and(|them| them == [tls13, tls12]));
        assert!(versions(0x304, 0).is_ok_and(|them| them == [tls13]));
        assert!(versions(0x301, 0x303).is_ok_and(|them| them == [tls12]));
        assert!(matches!(versions(0, 0x302), Err(Failure::Unimplemented(_))));
    }

    #[test]
    fn a_cipher_list_leaves_those_of_tls13() {
        let negotiation = Negotiation {
            cipher_suites: Some(vec![CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256]),
            ..Negotiation::default()
        };
        let suites = negotiable(&negotiation).map(|policy| policy.cipher_suites);
        assert!(suites.is_ok_and(|suites| suites.len() == 4));
    }
}
