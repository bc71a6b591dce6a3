//! What is recorded of a use: one JSON object, and nothing in it that is secret.

use std::time::{Duration, SystemTime};

use keyward_audit::MAX_RECORD;
use keyward_keyop::{KeyId, Names, OperationKind};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::refusals::Untold;

/// Of an operation with more names than a record has room for.
const MAX_NAMES: usize = 100;
/// No longer than a DNS name.
const MAX_NAME: usize = 253;

/// One use, or what was refused.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) edge: &'a str,
    pub(crate) key: KeyId,
    pub(crate) label: Option<&'a str>,
    pub(crate) operation: OperationKind,
    /// As far as the operation got to be looked at.
    pub(crate) names: Option<&'a Names>,
    /// What it was about: see `CheckedOperation::fingerprint`.
    pub(crate) fingerprint: Option<&'a [u8]>,
    pub(crate) verdict: Verdict<'a>,
    pub(crate) work: Duration,
}

/// What came of it. For RSA key transport there is one outcome, whatever was in the ciphertext.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict<'a> {
    Performed,
    Refused(&'a str),
    Failed(&'a str),
}

#[derive(Serialize)]
struct Json<'a> {
    time: String,
    edge: &'a str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<JsonNames<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    work_us: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum JsonNames<'a> {
    /// The client's server name; none if it sent none.
    Client(Option<&'a str>),
    Each(&'a [String]),
    Any(&'static str),
}

/// Refusals that are not recorded one by one, since there are too many.
#[derive(Serialize)]
struct Refusals<'a> {
    time: String,
    edge: &'a str,
    verdict: &'static str,
    cause: String,
    refusals: u64,
}

/// How many more of an edge's requests were refused than are recorded, and why.
pub(crate) fn encode_untold(untold: &Untold) -> Vec<u8> {
    let reasons: Vec<String> = untold
        .classes
        .iter()
        .map(|(class, count)| format!("{count} times: {class}"))
        .collect();
    let json = Refusals {
        time: now(),
        edge: &untold.edge,
        verdict: "refused",
        cause: format!(
            "more refusals than are recorded one by one; {}",
            reasons.join("; ")
        ),
        refusals: untold.count(),
    };
    // Texts and numbers always serialize.
    serde_json::to_vec(&json).unwrap_or_default()
}

fn now() -> String {
    let now = OffsetDateTime::from(SystemTime::now());
    now.format(&Rfc3339).unwrap_or_default()
}

impl Entry<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let encoded = self.encode_with(self.names);
        // Only who asks decides how many names there are, and that must not be a way around the log.
        match (encoded.len() > MAX_RECORD, self.names) {
            (true, Some(Names::Each(names))) => {
                let mut few: Vec<String> = names
                    .iter()
                    .filter(|name| name.len() <= MAX_NAME)
                    .take(MAX_NAMES)
                    .cloned()
                    .collect();
                few.push(format!("... {} names", names.len()));
                self.encode_with(Some(&Names::Each(few)))
            }
            _ => encoded,
        }
    }

    fn encode_with(&self, names: Option<&Names>) -> Vec<u8> {
        let (verdict, cause) = match self.verdict {
            Verdict::Performed => ("performed", None),
            Verdict::Refused(cause) => ("refused", Some(cause)),
            Verdict::Failed(cause) => ("failed", Some(cause)),
        };
        let json = Json {
            time: now(),
            edge: self.edge,
            key: hex(self.key.as_bytes()),
            label: self.label,
            operation: self.operation.name(),
            names: names.map(|names| match names {
                Names::ServerName(name) => JsonNames::Client(name.as_deref()),
                Names::Each(names) => JsonNames::Each(names),
                Names::Any => JsonNames::Any("*"),
            }),
            transcript: self.fingerprint.map(hex),
            verdict,
            cause,
            work_us: u64::try_from(self.work.as_micros()).unwrap_or(u64::MAX),
        };
        // Most fit, and none is copied as it grows.
        let mut record = Vec::with_capacity(640);
        // Texts and numbers always serialize.
        let _ = serde_json::to_writer(&mut record, &json);
        record
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_names_is_too_much_for_a_record() {
        let names = Names::Each(vec!["a.example".to_owned(); 10_000]);
        let entry = Entry {
            edge: "edge",
            key: KeyId::of_spki(b"key"),
            label: None,
            operation: OperationKind::CertificateRequest,
            names: Some(&names),
            fingerprint: None,
            verdict: Verdict::Performed,
            work: Duration::ZERO,
        };
        let record = entry.encode();
        assert!(record.len() <= MAX_RECORD);
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        assert_eq!(record["names"][0], "a.example");
        assert_eq!(record["names"][100], "... 10000 names");
    }
}
