//! The page of results.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    capabilities::{Reason, Reasons},
    case::Case,
    plan::Plan,
    values::{Certificate, Direction, Flow, GROUPS, Group, SUITES, Version},
};

/// The results of one peer in one direction.
pub struct Section {
    /// Who is the client.
    pub direction: Direction,
    /// What was to be run, and what could not be.
    pub plan: Plan,
    /// What came of [`Plan::cases`], in their order.
    pub results: Vec<Result<(), String>>,
}

/// The results of one peer.
pub struct Chapter {
    /// Its heading.
    pub title: String,
    /// Its name and version.
    pub product: String,
    /// One for each direction.
    pub sections: Vec<Section>,
}

const HEAD: &str = "\
# Interoperability matrix

Written by `cargo test -p keyward-peers --test matrix`; changes by hand are overwritten, and CI compares.

Each case is one combination of version, cipher suite, group, kind of server certificate, flow and client
authentication, between Keyward's engine (`crates/tls`, debug build, over loopback) and a peer. Both sides offer that
combination alone, as far as they can be told; data goes both ways; and each side's report of version, suite, group,
resumption, early data and the other's certificate has to be that of the case, as far as its program tells. A case with
resumption (“ticket”, “session id”) makes two connections, the second of which has to resume the session of the first; one with “early
data” sends data with the second ClientHello, which has to be accepted. With “HelloRetryRequest” the client begins with a share
of another group, which the server does not take. Every combination that both know is run; the client's certificate
goes through the kinds that both know, in turn.

Cells are “Keyward serves the peer's client / Keyward connects to the peer's server”. A number is how many cases passed.
A raised number stands for why there is none: see the list below the tables, which also says what else there is less of.
An empty cell is a combination that does not exist, or one of the two largest finite fields with a second suite: their
handshakes cost a hundred times the others, so they take part with one. RSASSA-PSS certificates (`rsa_pss_pss` schemes) take
part with `x25519`, `secp256r1` and `ffdhe2048`.
";

/// The whole page.
pub fn page(chapters: &[Chapter]) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Summary\n\n| Peer |");
    for direction in Direction::ALL {
        for version in Version::ALL {
            let _ = write!(text, " {}, {version} |", words(direction));
        }
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(Direction::ALL.len() * Version::ALL.len()));
    for chapter in chapters {
        let _ = write!(text, "\n| {} |", chapter.product);
        for section in &chapter.sections {
            for version in Version::ALL {
                let cell = Cell::of(section, |case| case.version() == version);
                let _ = write!(text, " {} |", cell.counts());
            }
        }
    }
    text.push('\n');
    for chapter in chapters {
        let _ = write!(text, "\n## {}\n", chapter.title);
        let impossible = chapter
            .sections
            .iter()
            .flat_map(|section| &section.plan.impossible);
        let reasons = Reasons::of(impossible.map(|(_, reason)| reason));
        for version in Version::ALL {
            let _ = write!(text, "\n{}\n", by_suite(chapter, &reasons, version));
            let _ = write!(text, "\n{}\n", by_certificate(chapter, &reasons, version));
        }
        if reasons.lines().next().is_some() {
            text.push_str("\nNot possible:\n\n");
        }
        for (index, reason) in reasons.lines().enumerate() {
            let _ = writeln!(text, "{}. {reason}", index + 1);
        }
    }
    text
}

fn words(direction: Direction) -> &'static str {
    match direction {
        Direction::KeywardServes => "Keyward serves",
        Direction::KeywardConnects => "Keyward connects",
    }
}

fn by_suite(chapter: &Chapter, reasons: &Reasons, version: Version) -> String {
    let suites: Vec<_> = SUITES
        .iter()
        .filter(|suite| suite.version() == version)
        .collect();
    let mut columns: Vec<Option<&Group>> = GROUPS
        .iter()
        .filter(|group| {
            suites
                .iter()
                .any(|suite| suite.group_kinds().contains(&group.kind))
        })
        .map(Some)
        .collect();
    if suites.iter().any(|suite| suite.group_kinds().is_empty()) {
        columns.push(None);
    }
    let mut text = format!("| {version} |");
    for group in &columns {
        let _ = write!(text, " {} |", group.map_or("no group", |group| group.name));
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(columns.len()));
    for suite in suites {
        let _ = write!(text, "\n| {} |", suite.name);
        for group in &columns {
            let cell = cell(chapter, reasons, |case| {
                case.suite == suite && case.group == *group
            });
            let _ = write!(text, " {cell} |");
        }
    }
    text
}

fn by_certificate(chapter: &Chapter, reasons: &Reasons, version: Version) -> String {
    let columns: Vec<(Flow, bool)> = version
        .flows()
        .iter()
        .flat_map(|how| [(*how, false), (*how, true)])
        .collect();
    let mut text = format!("| {version}, server's certificate |");
    for (how, client) in &columns {
        let client = if *client { ", client certificate" } else { "" };
        let _ = write!(text, " {how}{client} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(columns.len()));
    for certificate in Certificate::of(version) {
        let _ = write!(text, "\n| {certificate} |");
        for (how, client) in &columns {
            let cell = cell(chapter, reasons, |case| {
                case.version() == version
                    && case.certificate == certificate
                    && case.flow == *how
                    && case.client_certificate.is_some() == *client
            });
            let _ = write!(text, " {cell} |");
        }
    }
    text
}

/// What came of some of the cases in both directions.
fn cell(chapter: &Chapter, reasons: &Reasons, belongs: impl Fn(&Case) -> bool) -> String {
    let sections = chapter.sections.iter();
    let mut cells: Vec<String> = sections
        .map(|section| Cell::of(section, &belongs).show(reasons))
        .collect();
    // One word for both where there is nothing to tell apart.
    if cells
        .iter()
        .all(|cell| cell.starts_with('–') || cell.is_empty())
    {
        cells.dedup();
    }
    cells.join(" / ")
}

/// What came of some of the cases in one direction.
struct Cell<'a> {
    passed: usize,
    failed: usize,
    /// Why those that cannot be run cannot.
    impossible: Vec<&'a Reason>,
}

impl<'a> Cell<'a> {
    fn of(section: &'a Section, belongs: impl Fn(&Case) -> bool) -> Self {
        let mut cell = Self {
            passed: 0,
            failed: 0,
            impossible: Vec::new(),
        };
        for (case, result) in section.plan.cases.iter().zip(&section.results) {
            if belongs(case) {
                match result {
                    Ok(()) => cell.passed += 1,
                    Err(_) => cell.failed += 1,
                }
            }
        }
        let impossible = section.plan.impossible.iter();
        cell.impossible = impossible
            .filter(|(case, _)| belongs(case))
            .map(|(_, reason)| reason)
            .collect();
        cell
    }

    fn counts(&self) -> String {
        match (self.passed, self.failed) {
            (passed, 0) => passed.to_string(),
            (passed, failed) => format!("**{failed} of {} fail**", passed + failed),
        }
    }

    fn show(&self, reasons: &Reasons) -> String {
        if self.passed + self.failed > 0 {
            return self.counts();
        }
        if self.impossible.is_empty() {
            return String::new();
        }
        let numbers: BTreeSet<usize> = self
            .impossible
            .iter()
            .filter_map(|reason| reasons.number(reason))
            .collect();
        let numbers: Vec<String> = numbers.into_iter().map(raised).collect();
        format!("–{}", numbers.join("\u{2009}"))
    }
}

/// A number in superscript.
fn raised(number: usize) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digits = number.to_string().into_bytes();
    digits
        .iter()
        .map(|digit| DIGITS[usize::from(digit - b'0')])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{capabilities::Capabilities, values::SUITES};

    #[test]
    fn failures_and_reasons_show() {
        let all = SUITES.iter().map(|suite| suite.name);
        let keyward = Capabilities::new("Keyward")
            .with_suites(all)
            .with_groups(Version::Tls13, ["x25519", "secp256r1"]);
        let peer = Capabilities::new("Peer 1.0")
            .with_suites(["TLS_AES_128_GCM_SHA256"])
            .with_groups(Version::Tls13, ["x25519"])
            .without_certificates(Version::Tls13, &[Certificate::Ed25519]);
        let plan = Plan::new(&keyward, &peer);
        let cases = plan.cases.len();
        let mut results = vec![Ok(()); cases];
        results[0] = Err("broken".to_owned());
        let section = Section {
            direction: Direction::KeywardServes,
            plan,
            results,
        };
        let text = page(&[Chapter {
            title: "Peer 1.0, in a test".to_owned(),
            product: "Peer 1.0".to_owned(),
            sections: vec![section],
        }]);
        assert!(text.contains(&format!("**1 of {cases} fail**")), "{text}");
        assert!(
            text.contains("Peer 1.0 has no such group in TLS 1.3: secp256r1."),
            "{text}"
        );
        assert!(
            text.contains("Peer 1.0 has no such server certificates in TLS 1.3: Ed25519."),
            "{text}"
        );
    }
}
