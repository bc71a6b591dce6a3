//! All cases, and which of them two sides can do.

use super::{
    capabilities::{Capabilities, Reason},
    case::Case,
    values::{Certificate, GROUPS, Group, SUITES, Suite, Version},
};

/// The cases between Keyward in one role and a peer in the other.
#[derive(Debug)]
pub struct Plan {
    /// What is to be run.
    pub cases: Vec<Case>,
    /// What cannot be run, and why.
    pub impossible: Vec<(Case, Reason)>,
}

impl Plan {
    /// Every combination of what there is: those that both can do, and the others with their reasons.
    pub fn new(keyward: &Capabilities, peer: &Capabilities) -> Self {
        let mut plan = Self {
            cases: Vec::new(),
            impossible: Vec::new(),
        };
        for case in all(keyward, peer) {
            let lack = [keyward, peer].into_iter().find_map(|side| {
                let (kind, name) = side.lacks(&case)?;
                Some(Reason {
                    product: side.product.clone(),
                    kind,
                    name,
                })
            });
            match lack {
                None => plan.cases.push(case),
                Some(reason) => plan.impossible.push((case, reason)),
            }
        }
        plan
    }
}

fn all(keyward: &Capabilities, peer: &Capabilities) -> Vec<Case> {
    let mut cases = Vec::new();
    for (suite_turn, suite) in SUITES.iter().enumerate() {
        let version = suite.version();
        let clients = client_certificates(version, keyward, peer);
        for (group_turn, group) in groups(suite).into_iter().enumerate() {
            for (certificate_turn, certificate) in Certificate::of(version).enumerate() {
                if !suite.fits(certificate) || !meets(certificate, group) {
                    continue;
                }
                for (flow_turn, flow) in version.flows().iter().enumerate() {
                    let case = Case {
                        suite,
                        group,
                        certificate,
                        flow: *flow,
                        client_certificate: None,
                    };
                    cases.push(case);
                    // The kinds of client certificates go round: each meets every version, every kind of server
                    // certificate and every flow, but not every combination of all the rest.
                    let turn = suite_turn + group_turn + certificate_turn + flow_turn;
                    cases.push(Case {
                        client_certificate: Some(clients[turn % clients.len()]),
                        ..case
                    });
                }
            }
        }
    }
    cases
}

/// Those that both know; one that they do not, if there is none, so that it is told.
fn client_certificates(
    version: Version,
    keyward: &Capabilities,
    peer: &Capabilities,
) -> Vec<Certificate> {
    let known: Vec<_> = Certificate::of(version)
        .filter(|certificate| {
            [keyward, peer]
                .iter()
                .all(|side| side.client_certificates.contains(&(version, *certificate)))
        })
        .collect();
    if known.is_empty() {
        vec![Certificate::P256]
    } else {
        known
    }
}

/// RSASSA-PSS keys differ from other RSA keys in what they sign, which no group changes: one group of each kind is enough.
fn meets(certificate: Certificate, group: Option<&Group>) -> bool {
    let one = |group: &Group| matches!(group.name, "x25519" | "secp256r1" | "ffdhe2048");
    certificate != Certificate::RsaPss || group.is_none_or(one)
}

/// Groups that cost a hundred times what others cost, and with each further suite prove nothing new.
pub const LARGE_FIELDS: [&str; 2] = ["ffdhe6144", "ffdhe8192"];

/// The suite that they are used with, `TLS_DHE_RSA_WITH_AES_128_GCM_SHA256`.
const LARGE_FIELDS_SUITE: u16 = 0x009e;

/// The groups that a suite can be used with, or none once.
fn groups(suite: &'static Suite) -> Vec<Option<&'static Group>> {
    let kinds = suite.group_kinds();
    if kinds.is_empty() {
        return vec![None];
    }
    GROUPS
        .iter()
        .filter(|group| kinds.contains(&group.kind))
        .filter(|group| !LARGE_FIELDS.contains(&group.name) || suite.code == LARGE_FIELDS_SUITE)
        .map(Some)
        .collect()
}
