//! A chain of certificates for people.

use std::fmt::Write as _;

use keyward_tls::UnixTime;
use keyward_trust::{ChainReport, Link, Place, Signer};

use super::table::{Rows, day, days_left};

/// The links, and whether they are trusted.
pub(crate) fn chain(report: &ChainReport) -> String {
    let mut text = String::from("certificates\n");
    for (position, link) in report.links.iter().enumerate() {
        text.push_str(&one(position, link));
    }
    text
}

fn one(position: usize, link: &Link) -> String {
    let (mark, role) = match link.place {
        Place::Peer => (position.to_string(), ""),
        Place::Intermediate => (position.to_string(), ""),
        Place::Unused => (position.to_string(), ", sent but not needed"),
        Place::Root => ("*".to_owned(), ", trusted here"),
    };
    let mut rows = Rows::indented(5, 11);
    if link.place == Place::Peer {
        rows.add(
            "for",
            match link.names.is_empty() {
                true => "no name".to_owned(),
                false => shorten(&link.names),
            },
        );
        let usages: Vec<&str> = link
            .key_usages
            .iter()
            .copied()
            .chain(link.extended_key_usages.iter().map(String::as_str))
            .collect();
        if !usages.is_empty() {
            rows.add("usage", usages.join(", "));
        }
    }
    rows.add("key", link.key.clone());
    rows.add(
        "valid",
        format!(
            "{} to {}, {}",
            day(link.not_before),
            day(link.not_after),
            days_left(link.not_after, UnixTime::now())
        ),
    );
    if link.place != Place::Root {
        rows.add("signed by", signer(link));
    }
    rows.add("SHA-256", link.sha256.clone());
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {mark}  {}{role}", link.subject);
    text.push_str(&rows.to_string());
    text
}

fn signer(link: &Link) -> String {
    let with = format!(" ({})", link.signature_algorithm);
    match &link.signed_by {
        Signer::Sent(position) => format!("{position}, {}{with}", link.issuer),
        Signer::Root(_) => format!("*, {}{with}", link.issuer),
        Signer::Itself => format!("itself{with}"),
        Signer::Nobody => format!("not by {}, whatever it says{with}", link.issuer),
        Signer::Absent => format!("{}, which is not here{with}", link.issuer),
    }
}

/// Of many names the first.
fn shorten(names: &[String]) -> String {
    const SHOWN: usize = 6;
    match names.len() {
        0..=SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}
