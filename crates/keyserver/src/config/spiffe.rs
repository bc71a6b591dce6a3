//! SPIFFE IDs: names of workloads in the URI of a certificate's subjectAltName.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "spiffe://";
/// SPIFFE-ID §2.3: "SPIFFE implementations MUST support SPIFFE URIs up to 2048 bytes in length and MUST NOT generate URIs of
/// length greater than 2048 bytes."
const MAX_LEN: usize = 2048;

/// A SPIFFE ID, such as `spiffe://example.org/edge/fra1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId(String);

impl SpiffeId {
    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SpiffeId {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, InvalidSpiffeId> {
        let rest = text.strip_prefix(SCHEME).ok_or(InvalidSpiffeId::Scheme)?;
        if text.len() > MAX_LEN {
            return Err(InvalidSpiffeId::TooLong);
        }
        let mut parts = rest.split('/');
        let domain = parts.next().unwrap_or_default();
        let punctuation = |byte: u8| matches!(byte, b'.' | b'-' | b'_');
        let in_domain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || punctuation(byte);
        if domain.is_empty() || domain.len() > 255 || !domain.bytes().all(in_domain) {
            return Err(InvalidSpiffeId::TrustDomain);
        }
        let in_segment = |byte: u8| byte.is_ascii_alphanumeric() || punctuation(byte);
        for segment in parts {
            if matches!(segment, "" | "." | "..") || !segment.bytes().all(in_segment) {
                return Err(InvalidSpiffeId::Path);
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One SPIFFE ID, or all below a path, in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpiffeSelector {
    /// This one.
    Exact(SpiffeId),
    /// Written with `/*` at its end: all that have at least one more segment than this.
    Below(SpiffeId),
}

impl SpiffeSelector {
    /// Whether it stands for this ID.
    pub fn matches(&self, id: &SpiffeId) -> bool {
        match self {
            Self::Exact(exact) => exact == id,
            Self::Below(parent) => id
                .as_str()
                .strip_prefix(parent.as_str())
                .is_some_and(|rest| rest.starts_with('/')),
        }
    }
}

impl FromStr for SpiffeSelector {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, InvalidSpiffeId> {
        match text.strip_suffix("/*") {
            Some(parent) => parent.parse().map(Self::Below),
            None => text.parse().map(Self::Exact),
        }
    }
}

impl fmt::Display for SpiffeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(id) => id.fmt(f),
            Self::Below(parent) => write!(f, "{parent}/*"),
        }
    }
}

/// Why a text is no SPIFFE ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidSpiffeId {
    /// It does not begin with `spiffe://`.
    Scheme,
    /// The trust domain is empty, or has a character that it cannot have.
    TrustDomain,
    /// A segment of the path is empty or `.` or `..`, or has a character that it cannot have.
    Path,
    /// It is longer than 2048 bytes.
    TooLong,
}

impl fmt::Display for InvalidSpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "this is no SPIFFE ID: it does not begin with `spiffe://`",
            Self::TrustDomain => {
                "this is no SPIFFE ID: a trust domain is lower-case letters, digits, `.`, `-` and `_`"
            }
            Self::Path => {
                "this is no SPIFFE ID: between slashes are letters, digits, `.`, `-` and `_`, and nothing is behind the \
                 last one; `/*` stands at the end only"
            }
            Self::TooLong => "this is no SPIFFE ID: it is longer than 2048 bytes",
        })
    }
}

impl Error for InvalidSpiffeId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_for_what_is_below_it() {
        for (selector, id, fits) in [
            (
                "spiffe://example.org/edge/a",
                "spiffe://example.org/edge/a",
                true,
            ),
            (
                "spiffe://example.org/edge/a",
                "spiffe://example.org/edge/a/b",
                false,
            ),
            (
                "spiffe://example.org/edge/*",
                "spiffe://example.org/edge/a",
                true,
            ),
            (
                "spiffe://example.org/edge/*",
                "spiffe://example.org/edge/a/b",
                true,
            ),
            (
                "spiffe://example.org/edge/*",
                "spiffe://example.org/edge",
                false,
            ),
            (
                "spiffe://example.org/edge/*",
                "spiffe://example.org/edges/a",
                false,
            ),
            (
                "spiffe://example.org/*",
                "spiffe://example.org.evil.example/edge",
                false,
            ),
            ("spiffe://example.org/*", "spiffe://example.org/edge", true),
        ] {
            let parsed: SpiffeSelector = selector.parse().unwrap();
            assert_eq!(
                parsed.matches(&id.parse().unwrap()),
                fits,
                "{selector} {id}"
            );
            assert_eq!(parsed.to_string(), selector);
        }
    }

    #[test]
    fn what_is_no_spiffe_id_is_refused() {
        for (text, why) in [
            ("https://example.org/edge", InvalidSpiffeId::Scheme),
            ("SPIFFE://example.org/edge", InvalidSpiffeId::Scheme),
            ("spiffe://", InvalidSpiffeId::TrustDomain),
            ("spiffe://Example.org/edge", InvalidSpiffeId::TrustDomain),
            (
                "spiffe://user@example.org/edge",
                InvalidSpiffeId::TrustDomain,
            ),
            (
                "spiffe://example.org:8443/edge",
                InvalidSpiffeId::TrustDomain,
            ),
            ("spiffe://example.org/", InvalidSpiffeId::Path),
            ("spiffe://example.org/a//b", InvalidSpiffeId::Path),
            ("spiffe://example.org/a/../b", InvalidSpiffeId::Path),
            ("spiffe://example.org/a?b", InvalidSpiffeId::Path),
            ("spiffe://example.org/a%62", InvalidSpiffeId::Path),
            ("spiffe://example.org/*/b", InvalidSpiffeId::Path),
        ] {
            assert_eq!(text.parse::<SpiffeId>(), Err(why), "{text}");
        }
        let long = format!("spiffe://example.org/{}", "a".repeat(2048));
        assert_eq!(long.parse::<SpiffeId>(), Err(InvalidSpiffeId::TooLong));
    }
}
