//! A host name, or a wildcard for one label.

use std::fmt;
use std::str::FromStr;

use crate::{HostName, InvalidName};

/// A host name (`shop.example`), or a wildcard for exactly one label (`*.shop.example`), as in certificates (RFC 9525 §6.3).
///
/// ```
/// use keyward_config::NamePattern;
///
/// let pattern: NamePattern = "*.shop.example".parse().unwrap();
/// assert!(pattern.matches("www.shop.example"));
/// assert!(!pattern.matches("shop.example"));
/// assert!(!pattern.matches("a.www.shop.example"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamePattern {
    /// This name only.
    Exact(HostName),
    /// `*.` and this name: one label more, no less.
    Wildcard(HostName),
}

impl NamePattern {
    /// Whether `name`, in lower case and without a dot at the end as ClientHellos are parsed, is one of the names meant.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.as_str() == name,
            Self::Wildcard(parent) => Self::parent_of(name) == Some(parent.as_str()),
        }
    }

    /// Whether everything that `other` stands for is among the names that this one stands for.
    pub fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Exact(name) => self.matches(name.as_str()),
            Self::Wildcard(_) => self == other,
        }
    }

    /// What the wildcard that matches `name` has behind its `*.`, for looking it up.
    pub fn parent_of(name: &str) -> Option<&str> {
        let (label, parent) = name.split_once('.')?;
        (!label.is_empty()).then_some(parent)
    }
}

impl FromStr for NamePattern {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (wildcard, name) = match text.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, text),
        };
        if name.contains('*') {
            return Err(InvalidName::Wildcard);
        }
        let name: HostName = name.parse()?;
        if !wildcard {
            return Ok(Self::Exact(name));
        }
        // The shortest label in place of the `*` must leave a name that a client can send.
        if text.len() > HostName::MAX_LEN {
            return Err(InvalidName::TooLong);
        }
        Ok(Self::Wildcard(name))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => write!(f, "{name}"),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamePattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_wildcard_is_one_label() {
        let wildcard = pattern("*.Shop.Example");
        assert_eq!(wildcard.to_string(), "*.shop.example");
        assert!(wildcard.matches("www.shop.example"));
        for name in [
            "shop.example",
            "a.www.shop.example",
            ".shop.example",
            "wwwshop.example",
            "www.shop.example.evil",
        ] {
            assert!(!wildcard.matches(name), "{name}");
        }
    }

    #[test]
    fn a_name_is_itself() {
        let exact = pattern("Shop.example");
        assert_eq!(exact.to_string(), "shop.example");
        assert!(exact.matches("shop.example"));
        assert!(!exact.matches("www.shop.example"));
    }

    #[test]
    fn what_covers_what() {
        let wildcard = pattern("*.shop.example");
        let exact = pattern("a.shop.example");
        assert!(wildcard.covers(&exact));
        assert!(wildcard.covers(&wildcard));
        assert!(exact.covers(&exact));
        assert!(!exact.covers(&wildcard));
        assert!(!wildcard.covers(&pattern("*.a.shop.example")));
        assert!(!wildcard.covers(&pattern("shop.example")));
    }

    #[test]
    fn mistakes_are_named() {
        use InvalidName::*;
        for (text, error) in [
            ("", Empty),
            ("*.", Empty),
            ("*", Wildcard),
            ("*.*.example", Wildcard),
            ("www.*.example", Wildcard),
            ("w*.example", Wildcard),
            ("*.bücher.example", NotAscii),
            ("*.shop.example.", TrailingDot),
            ("*.192.0.2.1", IpAddress),
            ("*.2.1", NumericLastLabel),
            ("*.-a.example", Hyphen),
            ("*..example", LabelLength),
        ] {
            assert_eq!(text.parse::<NamePattern>(), Err(error), "{text}");
        }
    }
}
