//! The server names that an edge may act for.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A DNS name (`shop.example`), a wildcard for exactly one label (`*.shop.example`), or `*` for every name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamePattern {
    /// `*`
    Any,
    /// `*.` and this suffix: one label more, no less.
    OneLabel(String),
    /// This name only.
    Exact(String),
}

impl NamePattern {
    /// Whether `name`, in lower case as `keyward-wire` parses it, is covered.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == name,
            Self::OneLabel(suffix) => name
                .split_once('.')
                .is_some_and(|(label, rest)| !label.is_empty() && rest == suffix),
        }
    }
}

impl FromStr for NamePattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, NamePatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let lower = text.to_ascii_lowercase();
        let (wildcard, name) = match lower.strip_prefix("*.") {
            Some(suffix) => (true, suffix),
            None => (false, lower.as_str()),
        };
        check_name(name)?;
        Ok(if wildcard {
            Self::OneLabel(name.to_owned())
        } else {
            Self::Exact(name.to_owned())
        })
    }
}

/// RFC 6066 §3: "The hostname is represented as a byte string using ASCII encoding without a trailing dot", and "Literal
/// IPv4 and IPv6 addresses are not permitted". A pattern that no server_name can match is a mistake to point out.
fn check_name(name: &str) -> Result<(), NamePatternError> {
    if name.is_empty() {
        return Err(NamePatternError::Empty);
    }
    if name.contains('*') {
        return Err(NamePatternError::Wildcard);
    }
    if !name.is_ascii() {
        return Err(NamePatternError::NotAscii);
    }
    if name.ends_with('.') {
        return Err(NamePatternError::TrailingDot);
    }
    let ipv4 = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if ipv4 || name.contains(':') {
        return Err(NamePatternError::IpAddress);
    }
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() > 253 || !name.split('.').all(label_fits) {
        return Err(NamePatternError::NotADnsName);
    }
    Ok(())
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::OneLabel(suffix) => write!(f, "*.{suffix}"),
            Self::Exact(name) => f.write_str(name),
        }
    }
}

/// Why a text is no [`NamePattern`]. `Display` says how to write it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamePatternError {
    /// Nothing there.
    Empty,
    /// A `*` elsewhere than as the whole first label.
    Wildcard,
    /// An internationalised name in Unicode.
    NotAscii,
    /// A dot at the end.
    TrailingDot,
    /// An IP address: TLS has no server_name for it.
    IpAddress,
    /// Something that is no DNS name for another reason.
    NotADnsName,
}

impl fmt::Display for NamePatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::Wildcard => "a `*` stands for the whole first label only: `*.shop.example`, or `*` for every name",
            Self::NotAscii => "write an internationalised name in its ASCII form, `xn--…`",
            Self::TrailingDot => "leave out the dot at the end",
            Self::IpAddress => {
                "TLS carries no server name for an IP address: use `allow_no_sni = true` for clients that connect to one"
            }
            Self::NotADnsName => "this is not a DNS name: labels of 1 to 63 letters, digits and hyphens, 253 in all",
        })
    }
}

impl Error for NamePatternError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcard_is_one_label() {
        let pattern: NamePattern = "*.Shop.example".parse().unwrap();
        assert!(pattern.matches("www.shop.example"));
        for name in [
            "shop.example",
            "a.www.shop.example",
            ".shop.example",
            "wwwshop.example",
            "www.shop.example.evil",
        ] {
            assert!(!pattern.matches(name), "{name}");
        }
    }

    #[test]
    fn exact_is_exact() {
        let pattern: NamePattern = "shop.example".parse().unwrap();
        assert!(pattern.matches("shop.example"));
        assert!(!pattern.matches("www.shop.example"));
        assert!(
            "*".parse::<NamePattern>()
                .unwrap()
                .matches("anything.at.all")
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, error) in [
            ("", NamePatternError::Empty),
            ("*.", NamePatternError::Empty),
            ("www.*.example", NamePatternError::Wildcard),
            ("w*.example", NamePatternError::Wildcard),
            ("bücher.example", NamePatternError::NotAscii),
            ("shop.example.", NamePatternError::TrailingDot),
            ("192.0.2.1", NamePatternError::IpAddress),
            ("::1", NamePatternError::IpAddress),
            ("a..example", NamePatternError::NotADnsName),
            ("a b.example", NamePatternError::NotADnsName),
        ] {
            assert_eq!(text.parse::<NamePattern>(), Err(error), "{text}");
        }
    }
}
