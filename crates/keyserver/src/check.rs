//! `keyward check`: everything that is wrong, before anything is started.

use std::path::Path;

use keyward_config::{Problem, Problems};
use keyward_crypto::signature::KeyKind;
use keyward_keyop::{KeyId, OperationKind};

use crate::channel;
use crate::config::{Config, KeySelector};
use crate::gokeyless;
use crate::policy::Policy;
use crate::store::{self, KeySet};

/// What [`Config::check`] found.
#[derive(Debug, Default)]
pub struct Report {
    /// With an error among them, the key server would not start, or would not serve what the configuration says.
    pub problems: Problems,
    /// The keys that would be served.
    pub keys: Vec<KeySummary>,
}

/// A key that is served, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// What the configuration calls it.
    pub label: String,
    /// The SHA-256 of its SubjectPublicKeyInfo.
    pub id: KeyId,
    /// Algorithm and size.
    pub kind: KeyKind,
    /// How many certificate chains there are for it.
    pub chains: usize,
    /// What it may be used for.
    pub operations: Vec<OperationKind>,
}

impl Config {
    /// Reads all files that the configuration names and resolves its rules, without listening.
    pub fn check(&self) -> Report {
        let mut report = Report::default();
        match channel::open(self) {
            Ok(channel) => report.problems.extend(channel.warnings),
            Err(error) => report.problems.extend(error.problems),
        }
        report.problems.extend(channel::permission_warnings(self));
        report.problems.extend(self.check_audit());
        report.problems.extend(self.check_tickets());
        report.problems.extend(self.admin_warning());
        let gates = store::gates(&self.keys).unwrap_or_else(|error| {
            let cause = format!("a thread for a token cannot be started: {error}");
            report.problems.push(self.problem("keys.store", cause, ""));
            Vec::new()
        });
        match store::open(&self.keys, &gates, None) {
            Ok(opened) => {
                report.problems.extend(opened.problems);
                self.check_rules(&opened.keys, &mut report);
            }
            Err(problem) => report.problems.push(self.keys_problem(&problem)),
        }
        report
    }

    /// No directory, no keys: the setting is what has to be looked at.
    pub(crate) fn keys_problem(&self, problem: &Problem) -> Problem {
        let path = problem.file.as_deref().unwrap_or(Path::new("")).display();
        let field = match self.keys.directory {
            Some(_) => "keys.directory",
            None => "keys",
        };
        self.problem(
            field,
            format!("{path}: {}", problem.cause),
            problem.remedy.clone(),
        )
    }

    fn check_rules(&self, keys: &KeySet, report: &mut Report) {
        let policy = Policy::new(self, keys);
        report.keys = summaries(&policy, keys);
        if report.keys.is_empty() {
            report.problems.push(self.no_key());
        }
        report.problems.extend(self.unknown_keys(keys));
        report.problems.extend(self.no_rule());
        report
            .problems
            .extend(gokeyless::warnings(self, &policy, keys));
    }

    /// A warning if others can reach the admin address.
    pub(crate) fn admin_warning(&self) -> Option<Problem> {
        let warning = self.admin.and_then(|admin| admin.warning())?;
        Some(
            self.problem("", warning, "see that a firewall does")
                .warning(),
        )
    }

    /// A key server without keys is none.
    pub(crate) fn no_key(&self) -> Problem {
        self.problem(
            "keys",
            "no key can be served",
            "put the sites' private keys, as PEM files, into the directory",
        )
    }

    /// A warning if there is no rule.
    pub(crate) fn no_rule(&self) -> Option<Problem> {
        let problem = self.problem(
            "",
            "no [[edge]] rule: every edge is refused",
            "add an [[edge]] with `name` or `spiffe`, `keys`, `operations` and `names`",
        );
        self.edges.is_empty().then(|| problem.warning())
    }

    /// Names of keys, in rules and switches, that no key has.
    pub(crate) fn unknown_keys(&self, keys: &KeySet) -> Vec<Problem> {
        let keys = keys.keys();
        let labels: Vec<&str> = keys.iter().map(|key| key.label()).collect();
        let mut named: Vec<(String, &str)> = Vec::new();
        for (i, edge) in self.edges.iter().enumerate() {
            for (j, selector) in edge.keys.iter().enumerate() {
                if let KeySelector::Named(name) = selector {
                    named.push((format!("edge[{i}].keys[{j}]"), name));
                }
            }
        }
        let switches = [
            (
                "allow_rsa_key_transport",
                &self.keys.allow_rsa_key_transport,
            ),
            (
                "rsa_key_transport_also_signs",
                &self.keys.rsa_key_transport_also_signs,
            ),
            ("client", &self.keys.client),
            ("allow_legacy", &self.keys.allow_legacy),
            ("allow_transcript_hash", &self.keys.allow_transcript_hash),
            ("allow_raw_digest", &self.keys.allow_raw_digest),
            (
                "allow_raw_rsa_decryption",
                &self.keys.allow_raw_rsa_decryption,
            ),
        ];
        for (i, (name, _)) in self.keys.rates.iter().enumerate() {
            named.push((format!("keys.rate[{i}].key"), name));
        }
        let mut problems = Vec::new();
        for (switch, names) in switches {
            for (i, name) in names.iter().enumerate() {
                let field = format!("keys.{switch}[{i}]");
                let key = keys.iter().find(|key| key.is_called(name));
                let wants_rsa = switch.contains("rsa");
                if wants_rsa
                    && key
                        .is_some_and(|key| !matches!(key.public_key().kind(), KeyKind::Rsa { .. }))
                {
                    problems.push(self.problem(
                        &field,
                        format!("key `{name}` is not an RSA key"),
                        "remove it here",
                    ));
                }
                named.push((field, name));
            }
        }
        for (field, name) in named {
            if !keys.iter().any(|key| key.is_called(name)) {
                let remedy = if labels.is_empty() {
                    "there are no keys".to_owned()
                } else {
                    format!("there are: {}", labels.join(", "))
                };
                problems.push(self.problem(&field, format!("there is no key `{name}`"), remedy));
            }
        }
        problems
    }
}

/// What is served, for people.
pub(crate) fn summaries(policy: &Policy, keys: &KeySet) -> Vec<KeySummary> {
    keys.keys()
        .iter()
        .map(|key| KeySummary {
            label: key.label().to_owned(),
            id: key.id(),
            kind: key.public_key().kind(),
            chains: key.chains().len(),
            operations: policy.key_operations(key),
        })
        .collect()
}
