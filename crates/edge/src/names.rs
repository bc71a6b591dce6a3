//! The names that a site answers to.

use std::fmt;
use std::str::FromStr;

/// A host name of a site: exact, or a wildcard for one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SiteName {
    /// `shop.example`, in lower case, without a trailing dot.
    Exact(String),
    /// `*.shop.example`, kept as `shop.example`. It stands for exactly one more label, as in
    /// certificates (RFC 9525 §6.3).
    Wildcard(String),
}

impl SiteName {
    /// Whether `host`, in lower case and without a trailing dot, is one of the names meant.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::Wildcard(parent) => parent_of(host) == Some(parent),
        }
    }

    /// Whether everything that `other` stands for is among the names that this one stands for.
    pub fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Exact(host) => self.matches(host),
            Self::Wildcard(_) => self == other,
        }
    }
}

/// The name without its first label, for the look-up of a wildcard.
pub(crate) fn parent_of(host: &str) -> Option<&str> {
    match host.split_once('.') {
        Some((label, parent)) if !label.is_empty() && !parent.is_empty() => Some(parent),
        _ => None,
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
        }
    }
}

impl FromStr for SiteName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_suffix('.').unwrap_or(&lower);
        let (wildcard, host) = match name.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, name),
        };
        check_host(host)?;
        if wildcard {
            Ok(Self::Wildcard(host.to_owned()))
        } else {
            Ok(Self::Exact(host.to_owned()))
        }
    }
}

fn check_host(host: &str) -> Result<(), InvalidName> {
    if host.is_empty() {
        return Err(InvalidName("it is empty"));
    }
    // RFC 1035 §2.3.4: 255 octets on the wire, which are 253 characters.
    if host.len() > 253 {
        return Err(InvalidName("it is longer than 253 characters"));
    }
    if !host.is_ascii() {
        return Err(InvalidName(
            "it is not ASCII; write internationalized names in their xn-- form",
        ));
    }
    if host.contains('*') {
        return Err(InvalidName(
            "a wildcard is only possible as the whole first label, as in *.example.com",
        ));
    }
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Err(InvalidName(
            "it is an address, which clients never send as server name (RFC 6066 section 3); \
             a default site serves those clients",
        ));
    }
    for label in host.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err(InvalidName("each label has 1 to 63 characters"));
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !label.bytes().all(legal) || label.starts_with('-') || label.ends_with('-') {
            return Err(InvalidName(
                "labels are letters, digits and inner hyphens; a name has no scheme, port or path",
            ));
        }
    }
    Ok(())
}

/// Why a text is no host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidName(&'static str);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidName {}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SiteName {
        text.parse().expect("a valid name")
    }

    #[test]
    fn a_wildcard_is_one_label() {
        let wildcard = name("*.Shop.Example");
        assert!(wildcard.matches("a.shop.example"));
        assert!(!wildcard.matches("shop.example"));
        assert!(!wildcard.matches("a.b.shop.example"));
        assert!(!wildcard.matches(".shop.example"));
        assert!(wildcard.covers(&name("a.shop.example")));
        assert!(wildcard.covers(&wildcard));
        assert!(!name("a.shop.example").covers(&wildcard));
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(
            name("WWW.Example.com."),
            SiteName::Exact("www.example.com".into())
        );
        assert_eq!(name("*.example.com").to_string(), "*.example.com");
        assert_eq!(
            name("xn--bcher-kva.example").to_string(),
            "xn--bcher-kva.example"
        );
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "",
            ".",
            "*",
            "*.",
            "a..b",
            "a.*.b",
            "*a.b",
            "bücher.example",
            "127.0.0.1",
            "::1",
            "https://a.example",
            "a.example:443",
            "a.example/x",
            "-a.example",
            "a b.example",
            &long,
        ] {
            assert!(text.parse::<SiteName>().is_err(), "{text:?}");
        }
    }
}
