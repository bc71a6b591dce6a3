//! A host name, as a client can send it.

use std::borrow::Borrow;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A DNS name in lower case, such as `shop.example`.
///
/// These are exactly the names that `keyward-wire` accepts as `host_name` in a ClientHello (RFC 6066 §3): one that no
/// handshake can carry is a mistake to point out.
///
/// ```
/// use keyward_config::HostName;
///
/// assert_eq!("Shop.Example".parse::<HostName>().unwrap().as_str(), "shop.example");
/// assert!("shop.example.".parse::<HostName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(String);

impl HostName {
    /// The longest name (RFC 1035 §2.3.4: 255 bytes on the wire, which are 253 characters).
    pub(crate) const MAX_LEN: usize = 253;

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if !name.is_ascii() {
            return Err(InvalidName::NotAscii);
        }
        // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"."
        if name.parse::<IpAddr>().is_ok() {
            return Err(InvalidName::IpAddress);
        }
        // RFC 6066 §3: "The hostname is represented as a byte string using ASCII encoding without a trailing dot."
        if name.ends_with('.') {
            return Err(InvalidName::TrailingDot);
        }
        if name.len() > Self::MAX_LEN {
            return Err(InvalidName::TooLong);
        }
        name.split('.').try_for_each(check_label)?;
        let last = name.rsplit('.').next().unwrap_or(name);
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidName::NumericLastLabel);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

fn check_label(label: &str) -> Result<(), InvalidName> {
    // The underscore is no character of host names (RFC 1123 §2.1), but there are some with one.
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !label.bytes().all(legal) {
        return Err(InvalidName::Character);
    }
    if !(1..=63).contains(&label.len()) {
        return Err(InvalidName::LabelLength);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(InvalidName::Hyphen);
    }
    Ok(())
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Equality and hash are those of the text, so a map by names can be asked with a `&str`.
impl Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`HostName`] or [`NamePattern`](crate::NamePattern). `Display` says how to write it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// Nothing there.
    Empty,
    /// An internationalized name in Unicode.
    NotAscii,
    /// An IP address: TLS has no server name for it.
    IpAddress,
    /// A dot at the end.
    TrailingDot,
    /// More than 253 characters.
    TooLong,
    /// A character that host names do not have.
    Character,
    /// A label of no character or more than 63.
    LabelLength,
    /// A hyphen at an end of a label.
    Hyphen,
    /// A last label of digits alone.
    NumericLastLabel,
    /// A `*` elsewhere than as the whole first label.
    Wildcard,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::NotAscii => {
                "it is not ASCII; write an internationalized name in its ASCII form, xn--…"
            }
            Self::IpAddress => {
                "it is an IP address, which TLS has no server name for (RFC 6066 section 3)"
            }
            Self::TrailingDot => "leave out the dot at the end",
            Self::TooLong => "it is longer than 253 characters",
            Self::Character => {
                "labels are letters, digits and inner hyphens, without scheme, port or path"
            }
            Self::LabelLength => "each label has 1 to 63 characters",
            Self::Hyphen => "a label neither starts nor ends with a hyphen",
            Self::NumericLastLabel => {
                "it ends with a number, as an IP address does and a name never"
            }
            Self::Wildcard => "a `*` stands for the whole first label only, as in `*.shop.example`",
        })
    }
}

impl Error for InvalidName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        use InvalidName::*;
        let long_label = "a".repeat(64) + ".example";
        let long_name = [&"a".repeat(63)[..]; 3].join(".") + "." + &"b".repeat(62);
        for (text, error) in [
            ("", Empty),
            (".", TrailingDot),
            ("shop.example.", TrailingDot),
            ("a..example", LabelLength),
            (".example", LabelLength),
            (&long_label, LabelLength),
            (&long_name, TooLong),
            ("bücher.example", NotAscii),
            ("192.0.2.1", IpAddress),
            ("2001:db8::1", IpAddress),
            ("[::1]", Character),
            ("1.2.3.999", NumericLastLabel),
            ("123", NumericLastLabel),
            ("https://shop.example", Character),
            ("shop.example:443", Character),
            ("shop.example/x", Character),
            ("a b.example", Character),
            ("*.example", Character),
            ("-a.example", Hyphen),
            ("a-.example", Hyphen),
        ] {
            assert_eq!(text.parse::<HostName>(), Err(error), "{text}");
        }
    }

    #[test]
    fn names_are_in_lower_case() {
        for (text, name) in [
            ("WWW.Example.com", "www.example.com"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("edge", "edge"),
            ("_sip.example", "_sip.example"),
        ] {
            assert_eq!(text.parse::<HostName>().unwrap().as_str(), name);
        }
    }
}
