//! `server_name` in a ClientHello (RFC 6066 §3). A server's own is empty.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::{self, FromStr};

use crate::codec::{DecodeError, DecodeErrorKind, Put, Reader};

const LIST: &str = "server_name.server_name_list";
const HOST_NAME: &str = "server_name.host_name";

/// `NameType host_name(0)`, the only one there is.
const TYPE_HOST_NAME: u8 = 0;

/// A DNS name as `server_name` carries it (RFC 6066 §3): ASCII in lower case, no trailing dot, not an IP address.
///
/// Labels are of letters, digits, hyphens (not at either end) and underscores (which do occur), 1 to 63 bytes; the name
/// has at most 253. A last label of digits alone is refused, since such names are mistyped IPv4 addresses and never hosts
/// (RFC 1123 §2.1).
///
/// ```
/// use keyward_wire::ServerName;
///
/// assert_eq!("Shop.Example".parse::<ServerName>().unwrap().as_str(), "shop.example");
/// assert!("shop.example.".parse::<ServerName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(String);

/// Why a string is no [`ServerName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidServerName {
    /// Nothing at all.
    Empty,
    /// More than 253 bytes.
    TooLong,
    /// A dot at the end, which RFC 6066 §3 forbids.
    TrailingDot,
    /// Two dots side by side, or one at the start.
    EmptyLabel,
    /// More than 63 bytes between dots.
    LabelTooLong,
    /// A hyphen at an end of a label.
    Hyphen,
    /// A byte that is not of a host name; internationalized names travel as A-labels.
    Character,
    /// An IP address, which RFC 6066 §3 forbids.
    IpAddress,
    /// A last label of digits alone.
    NumericLastLabel,
}

impl ServerName {
    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(name: &[u8]) -> Result<Self, InvalidServerName> {
        let text = str::from_utf8(name).map_err(|_| InvalidServerName::Character)?;
        if name.is_empty() {
            return Err(InvalidServerName::Empty);
        }
        // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"."
        // One of version 4 ends with a digit, one of version 6 has a colon.
        let may_be_address = name.last().is_some_and(u8::is_ascii_digit) || name.contains(&b':');
        if may_be_address && text.parse::<IpAddr>().is_ok() {
            return Err(InvalidServerName::IpAddress);
        }
        // RFC 6066 §3: "The hostname is represented as a byte string using ASCII encoding without a trailing dot."
        if text.ends_with('.') {
            return Err(InvalidServerName::TrailingDot);
        }
        if name.len() > 253 {
            return Err(InvalidServerName::TooLong);
        }
        let mut last = "";
        for label in text.split('.') {
            check_label(label)?;
            last = label;
        }
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidServerName::NumericLastLabel);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

fn check_label(label: &str) -> Result<(), InvalidServerName> {
    if label.is_empty() {
        return Err(InvalidServerName::EmptyLabel);
    }
    if label.len() > 63 {
        return Err(InvalidServerName::LabelTooLong);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(InvalidServerName::Hyphen);
    }
    if !label
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    {
        return Err(InvalidServerName::Character);
    }
    Ok(())
}

impl FromStr for ServerName {
    type Err = InvalidServerName;

    fn from_str(name: &str) -> Result<Self, InvalidServerName> {
        Self::parse(name.as_bytes())
    }
}

impl AsRef<str> for ServerName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for InvalidServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::TooLong => "the name is longer than 253 bytes",
            Self::TrailingDot => "the name ends with a dot",
            Self::EmptyLabel => "a label of the name is empty",
            Self::LabelTooLong => "a label of the name is longer than 63 bytes",
            Self::Hyphen => "a label of the name starts or ends with a hyphen",
            Self::Character => "the name has a character that host names do not have",
            Self::IpAddress => "the name is an IP address",
            Self::NumericLastLabel => "the name ends with a label of digits alone",
        })
    }
}

impl Error for InvalidServerName {}

/// `ServerName server_name_list<1..2^16-1>`. `None` for an IP address: clients that connect to one send it against the
/// RFC, and mean nothing by it; and for a list of unknown name types.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Option<ServerName>, DecodeError> {
    let mut list = reader.vector_u16(LIST, 1..=0xffff)?;
    let mut seen = [false; 1 << u8::BITS];
    let mut host_name = None;
    while !list.is_empty() {
        let offset = list.offset();
        let name_type = list.u8("server_name.name_type")?;
        // RFC 6066 §3: "all future data structures associated with new NameTypes MUST begin with a 16-bit length field".
        let name = list.opaque_u16(HOST_NAME, 1..=0xffff)?;
        // RFC 6066 §3: "The ServerNameList MUST NOT contain more than one name of the same name_type."
        if std::mem::replace(&mut seen[usize::from(name_type)], true) {
            return Err(DecodeError {
                what: LIST,
                kind: DecodeErrorKind::Duplicate,
                offset,
            });
        }
        if name_type == TYPE_HOST_NAME {
            host_name = match ServerName::parse(name) {
                Ok(name) => Some(name),
                Err(InvalidServerName::IpAddress) => None,
                Err(_) => {
                    return Err(DecodeError {
                        what: HOST_NAME,
                        kind: DecodeErrorKind::IllegalValue,
                        offset,
                    });
                }
            };
        }
    }
    Ok(host_name)
}

pub(super) fn encode(name: &ServerName, out: &mut Vec<u8>) {
    out.put_vector_u16(|out| {
        out.put_u8(TYPE_HOST_NAME);
        out.put_opaque_u16(name.0.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        let longest = [&"a".repeat(63)[..]; 3].join(".") + "." + &"b".repeat(61);
        assert_eq!(longest.len(), 253);
        for (name, expected) in [
            ("server", "server"),
            ("localhost", "localhost"),
            ("WWW.Example.COM", "www.example.com"),
            ("_dmarc.example", "_dmarc.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("1.2.3.4.example", "1.2.3.4.example"),
            ("a-b.c1", "a-b.c1"),
            (&longest, &longest),
        ] {
            assert_eq!(name.parse::<ServerName>().unwrap().as_str(), expected);
        }
    }

    #[test]
    fn not_host_names() {
        use InvalidServerName::*;
        let long_label = "a".repeat(64) + ".example";
        let long_name = [&"a".repeat(63)[..]; 3].join(".") + "." + &"b".repeat(62);
        for (name, expected) in [
            ("", Empty),
            (&long_name, TooLong),
            ("example.com.", TrailingDot),
            (".", TrailingDot),
            (".example", EmptyLabel),
            ("a..example", EmptyLabel),
            (&long_label, LabelTooLong),
            ("-a.example", Hyphen),
            ("a-.example", Hyphen),
            ("*.example", Character),
            ("a b.example", Character),
            ("a\0.example", Character),
            ("bücher.example", Character),
            ("example.com:443", Character),
            ("[::1]", Character),
            ("127.0.0.1", IpAddress),
            ("::1", IpAddress),
            ("2001:db8::1", IpAddress),
            ("1.2.3.999", NumericLastLabel),
            ("1.2.3", NumericLastLabel),
            ("123", NumericLastLabel),
        ] {
            assert_eq!(name.parse::<ServerName>(), Err(expected), "{name}");
        }
        assert_eq!(ServerName::parse(b"\xff.example"), Err(Character));
    }

    fn list(entries: &[(u8, &str)]) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_vector_u16(|out| {
            for (name_type, name) in entries {
                out.put_u8(*name_type);
                out.put_opaque_u16(name.as_bytes());
            }
        });
        out
    }

    #[test]
    fn ip_addresses_and_unknown_name_types_are_no_name() {
        for entries in [
            &[(0, "192.0.2.1")][..],
            &[(0, "2001:db8::1")],
            &[(1, "whatever")],
            &[(1, "a"), (2, "b")],
        ] {
            assert_eq!(decode(&mut Reader::new(&list(entries))), Ok(None));
        }
        let mixed = list(&[(7, "\u{1}"), (0, "A.example")]);
        let name = decode(&mut Reader::new(&mixed)).unwrap().unwrap();
        assert_eq!(name.as_str(), "a.example");
    }

    #[test]
    fn two_names_of_one_type_are_refused() {
        for entries in [
            &[(0, "a.example"), (0, "b.example")][..],
            &[(9, "a"), (9, "b")],
        ] {
            let error = decode(&mut Reader::new(&list(entries))).unwrap_err();
            assert_eq!(error.kind, DecodeErrorKind::Duplicate);
            assert_eq!(error.what, LIST);
        }
    }
}
