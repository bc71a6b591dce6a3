//! What a rule is about: keys and server names, each one by one or all of them.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use keyward_config::{InvalidName, NamePattern};

/// A key, or all of them, in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySelector {
    /// `*`
    All,
    /// A key's label, its file's name, or its ID in hexadecimal.
    Named(String),
}

impl FromStr for KeySelector {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "*" => Self::All,
            name => Self::Named(name.to_owned()),
        })
    }
}

/// Server names, or all of them, in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameSelector {
    /// `*`
    All,
    /// One name, or a wildcard for one label.
    Pattern(NamePattern),
}

impl NameSelector {
    /// Whether `name`, in lower case as `keyward-wire` parses it, is covered.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Pattern(pattern) => pattern.matches(name),
        }
    }

    /// Whether all that a name in a certificate stands for, which may be a wildcard, is covered.
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Pattern(pattern) => name
                .parse()
                .is_ok_and(|name: NamePattern| pattern.covers(&name)),
        }
    }
}

impl FromStr for NameSelector {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text {
            "*" => Ok(Self::All),
            pattern => pattern.parse().map(Self::Pattern),
        }
    }
}

impl fmt::Display for NameSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_in_a_certificate_is_covered_as_a_whole_or_not() {
        for (text, name, covered) in [
            ("*", "*.shop.example", true),
            ("*.shop.example", "*.shop.example", true),
            ("*.shop.example", "www.shop.example", true),
            ("www.shop.example", "*.shop.example", false),
            ("*.example", "*.shop.example", false),
            ("shop.example", "shop.example", true),
            ("shop.example", "not a name", false),
        ] {
            let names: NameSelector = text.parse().unwrap();
            assert_eq!(names.covers(name), covered, "{text} {name}");
        }
    }

    #[test]
    fn a_star_alone_is_every_name() {
        for (text, matched, other) in [
            ("*", "anything.at.all", None),
            ("*.Shop.example", "www.shop.example", Some("shop.example")),
            ("shop.example", "shop.example", Some("www.shop.example")),
        ] {
            let names: NameSelector = text.parse().unwrap();
            assert!(names.matches(matched), "{text}");
            assert!(!other.is_some_and(|other| names.matches(other)), "{text}");
            assert_eq!(names.to_string(), text.to_lowercase());
        }
        assert_eq!("".parse::<NameSelector>(), Err(InvalidName::Empty));
    }
}
