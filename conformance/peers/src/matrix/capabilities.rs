//! What a side can do, and why a case cannot be.

use std::{collections::BTreeMap, fmt};

use super::{
    case::Case,
    values::{Certificate, Flow, Group, Suite, Version},
};

/// What one side can do in one role.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Name and version, such as `Go 1.26`.
    pub product: String,
    /// The suites.
    pub suites: Vec<&'static Suite>,
    /// The groups of each version.
    pub groups: Vec<(Version, &'static Group)>,
    /// The kinds of certificates that a server may have.
    pub certificates: Vec<(Version, Certificate)>,
    /// The kinds of certificates that a client may have; empty: no client authentication.
    pub client_certificates: Vec<(Version, Certificate)>,
    /// The ways that handshakes may go.
    pub flows: Vec<(Version, Flow)>,
    /// What else cannot be, each with a reason that continues "`product` …".
    pub exceptions: Vec<Exception>,
}

/// A combination that one side cannot do though it can do each part.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// Whether it is about this case.
    pub applies: fn(&Case) -> bool,
    /// Why; a sentence that begins with a verb.
    pub reason: &'static str,
}

/// What is missing for a case, so that cases with the same lack are told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LackKind {
    /// A suite.
    Suite,
    /// A group in this version.
    Group(Version),
    /// A kind of server certificate in this version.
    Certificate(Version),
    /// A kind of client certificate in this version.
    ClientCertificate(Version),
    /// A way that a handshake may go in this version.
    Flow(Version),
    /// Something else.
    Exception(&'static str),
}

impl Capabilities {
    /// Everything of these suites and groups.
    pub fn new(product: impl Into<String>) -> Self {
        let one = |version| Certificate::of(version).map(move |kind| (version, kind));
        let certificates: Vec<_> = Version::ALL.into_iter().flat_map(one).collect();
        Self {
            product: product.into(),
            suites: Vec::new(),
            groups: Vec::new(),
            client_certificates: certificates.clone(),
            certificates,
            flows: Version::ALL
                .into_iter()
                .flat_map(|version| version.flows().iter().map(move |how| (version, *how)))
                .collect(),
            exceptions: Vec::new(),
        }
    }

    /// Adds the suites that it knows by IANA's or OpenSSL's name; others are none of ours.
    pub fn with_suites<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let known = names
            .into_iter()
            .filter_map(|name| Suite::named(name.as_ref()));
        for suite in known {
            if !self.suites.contains(&suite) {
                self.suites.push(suite);
            }
        }
        self
    }

    /// Adds groups by name to one version.
    pub fn with_groups<N: AsRef<str>>(
        mut self,
        version: Version,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let known = names
            .into_iter()
            .filter_map(|name| Group::named(name.as_ref()));
        self.groups.extend(known.map(|group| (version, group)));
        self
    }

    /// Takes away kinds of certificates, of servers and of clients.
    pub fn without_certificates(mut self, version: Version, kinds: &[Certificate]) -> Self {
        let stays = |(of, kind): &(Version, Certificate)| *of != version || !kinds.contains(kind);
        self.certificates.retain(stays);
        self.client_certificates.retain(stays);
        self
    }

    /// Takes away a way that handshakes may go.
    pub fn without(mut self, version: Version, how: Flow) -> Self {
        self.flows.retain(|known| *known != (version, how));
        self
    }

    /// Adds an exception.
    pub fn except(mut self, applies: fn(&Case) -> bool, reason: &'static str) -> Self {
        self.exceptions.push(Exception { applies, reason });
        self
    }

    /// The first thing that it lacks for a case, and its name.
    pub fn lacks(&self, case: &Case) -> Option<(LackKind, String)> {
        let version = case.version();
        if !self.suites.contains(&case.suite) {
            return Some((LackKind::Suite, case.suite.name.to_owned()));
        }
        if let Some(group) = case.group
            && !self.groups.contains(&(version, group))
        {
            return Some((LackKind::Group(version), group.name.to_owned()));
        }
        if !self.certificates.contains(&(version, case.certificate)) {
            return Some((LackKind::Certificate(version), case.certificate.to_string()));
        }
        if let Some(certificate) = case.client_certificate
            && !self.client_certificates.contains(&(version, certificate))
        {
            return Some((
                LackKind::ClientCertificate(version),
                certificate.to_string(),
            ));
        }
        if !self.flows.contains(&(version, case.flow)) {
            return Some((LackKind::Flow(version), case.flow.to_string()));
        }
        self.exceptions
            .iter()
            .find(|exception| (exception.applies)(case))
            .map(|exception| (LackKind::Exception(exception.reason), String::new()))
    }
}

/// Why a case cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Who lacks something.
    pub product: String,
    /// Of what kind it is.
    pub kind: LackKind,
    /// What it is.
    pub name: String,
}

/// Reasons, those of the same kind together.
#[derive(Debug, Default)]
pub struct Reasons {
    /// By who lacks what: the names of it, in the order of their first case.
    found: BTreeMap<(String, LackKind), Vec<String>>,
}

impl Reasons {
    /// Collects them.
    pub fn of<'a>(reasons: impl IntoIterator<Item = &'a Reason>) -> Self {
        let mut all = Self::default();
        for reason in reasons {
            let names = all
                .found
                .entry((reason.product.clone(), reason.kind))
                .or_default();
            if !names.contains(&reason.name) {
                names.push(reason.name.clone());
            }
        }
        all
    }

    /// Which of [`Self::lines`] tells of it, from 1.
    pub fn number(&self, reason: &Reason) -> Option<usize> {
        let position = self
            .found
            .keys()
            .position(|(product, kind)| *product == reason.product && *kind == reason.kind);
        position.map(|position| position + 1)
    }

    /// The reasons as sentences.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.found
            .iter()
            .map(|((product, kind), names)| format!("{product} {}", Sentence(*kind, names)))
    }
}

struct Sentence<'a>(LackKind, &'a [String]);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.1.join(", ");
        match self.0 {
            LackKind::Suite => write!(f, "has not: {names}."),
            LackKind::Group(version) => write!(f, "has no such group in {version}: {names}."),
            LackKind::Certificate(version) => {
                write!(f, "has no such server certificates in {version}: {names}.")
            }
            LackKind::ClientCertificate(version) => {
                write!(f, "has no such client certificates in {version}: {names}.")
            }
            LackKind::Flow(version) => write!(f, "cannot be asked for this in {version}: {names}."),
            LackKind::Exception(reason) => write!(f, "{reason}."),
        }
    }
}
