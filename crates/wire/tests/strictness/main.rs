//! Every rule that the RFCs give about a structure taken alone, broken once: what the error says, and where.
//!
//! The rules stand in tables of `rule | bytes | what | kind | offset`. In `bytes`, `{0001 61}*3` is its content three
//! times.

mod blocks;
mod client_hello;
mod messages;
mod server_hello;

#[path = "../common/mod.rs"]
mod common;

use std::fmt::Debug;

use common::hex;
use keyward_wire::*;

/// Each row's bytes, made an input by `wrap`, do not decode as a `T`, with the row's error.
#[track_caller]
fn check<T: for<'a> Decode<'a> + Debug>(table: &str, wrap: impl Fn(&str) -> String) {
    let mut rows = 0;
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [rule, bytes, what, kind, offset] = columns[..] else {
            panic!("not five columns: {line}");
        };
        let input = hex(&wrap(&repeated(bytes)));
        let error = T::from_bytes(&input).expect_err(rule);
        assert_eq!(
            (error.what, format!("{:?}", error.kind), error.offset),
            (what, kind.to_owned(), offset.parse().expect("an offset")),
            "{rule}"
        );
        rows += 1;
    }
    assert!(rows > 0, "an empty table proves nothing");
}

/// The bytes as they are.
fn plain(bytes: &str) -> String {
    bytes.to_owned()
}

/// Writes the repetitions out.
fn repeated(bytes: &str) -> String {
    let Some((before, rest)) = bytes.split_once('{') else {
        return bytes.to_owned();
    };
    let (content, rest) = rest.split_once("}*").expect("a repetition ends with }*");
    let (times, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let times = times.parse().expect("how many times");
    format!("{before}{}{}", content.repeat(times), repeated(after))
}

#[test]
fn every_kind_has_its_alert() {
    use DecodeErrorKind::*;
    for (kind, alert) in [
        (Truncated, AlertDescription::DECODE_ERROR),
        (Trailing, AlertDescription::DECODE_ERROR),
        (IllegalLength, AlertDescription::DECODE_ERROR),
        (DuplicateExtension, AlertDescription::DECODE_ERROR),
        (IllegalValue, AlertDescription::ILLEGAL_PARAMETER),
        (Duplicate, AlertDescription::ILLEGAL_PARAMETER),
        (NotLast, AlertDescription::ILLEGAL_PARAMETER),
        (Forbidden, AlertDescription::ILLEGAL_PARAMETER),
        (TooMany, AlertDescription::ILLEGAL_PARAMETER),
        (Missing, AlertDescription::MISSING_EXTENSION),
    ] {
        let error = DecodeError {
            what: "field",
            kind,
            offset: 7,
        };
        assert_eq!(error.alert(), alert, "{kind:?}");
        assert_eq!(error.to_string(), format!("field: {kind} at byte 7"));
    }
}
