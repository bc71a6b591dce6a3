//! URIs of tokens and of what is in them (RFC 7512): `pkcs11:token=web;object=shop`.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

const SCHEME: &str = "pkcs11:";

/// Which token, and which of its private keys. What is not given fits whatever there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// `token`: the token's label.
    pub token: Option<String>,
    /// `manufacturer` of the token.
    pub manufacturer: Option<String>,
    /// `model` of the token.
    pub model: Option<String>,
    /// `serial`: the token's serial number.
    pub serial: Option<String>,
    /// `slot-id`: the number of the slot that it is in.
    pub slot_id: Option<u64>,
    /// `object`: the key's label (`CKA_LABEL`).
    pub object: Option<String>,
    /// `id`: the key's identifier (`CKA_ID`).
    pub id: Option<Vec<u8>>,
    /// `module-path`: the library that speaks to the token.
    pub module_path: Option<PathBuf>,
    /// `pin-source`, of a file: where the PIN is.
    pub pin_source: Option<PathBuf>,
}

impl FromStr for Pkcs11Uri {
    type Err = InvalidPkcs11Uri;

    fn from_str(text: &str) -> Result<Self, InvalidPkcs11Uri> {
        let rest = text.strip_prefix(SCHEME).ok_or(InvalidPkcs11Uri::Scheme)?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut uri = Self::default();
        // RFC 7512 §2.3: attributes of the path are between semicolons, those of the query between ampersands.
        for attribute in attributes(path, ';') {
            uri.path_attribute(attribute?)?;
        }
        for attribute in attributes(query.unwrap_or_default(), '&') {
            uri.query_attribute(attribute?)?;
        }
        Ok(uri)
    }
}

impl Pkcs11Uri {
    fn path_attribute(&mut self, attribute: Attribute<'_>) -> Result<(), InvalidPkcs11Uri> {
        let name = attribute.name;
        match name {
            "token" => set(&mut self.token, name, attribute.text()?),
            "manufacturer" => set(&mut self.manufacturer, name, attribute.text()?),
            "model" => set(&mut self.model, name, attribute.text()?),
            "serial" => set(&mut self.serial, name, attribute.text()?),
            "object" => set(&mut self.object, name, attribute.text()?),
            "id" => set(&mut self.id, name, attribute.value),
            "slot-id" => {
                let digits = attribute.text()?;
                let number = digits.parse().ok();
                // `u64` takes "+1" as well.
                let number = number.filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
                set(
                    &mut self.slot_id,
                    name,
                    number.ok_or(InvalidPkcs11Uri::SlotId)?,
                )
            }
            // Of the types that there are, it is always the private key that is used.
            "type" if attribute.value == b"private" => Ok(()),
            "type" => Err(InvalidPkcs11Uri::Type),
            _ => Err(InvalidPkcs11Uri::Unknown(name.to_owned())),
        }
    }

    fn query_attribute(&mut self, attribute: Attribute<'_>) -> Result<(), InvalidPkcs11Uri> {
        let name = attribute.name;
        match name {
            "module-path" => {
                let path = PathBuf::from(attribute.text()?);
                set(&mut self.module_path, name, path)
            }
            "pin-source" => {
                let source = attribute.text()?;
                // RFC 7512 §2.4: it may be a file's URI, or the name of a program after a bar, or something else.
                let path = source.strip_prefix("file:").unwrap_or(&source);
                let path = path.strip_prefix("//").unwrap_or(path);
                if !path.starts_with('/') {
                    return Err(InvalidPkcs11Uri::PinSource);
                }
                set(&mut self.pin_source, name, PathBuf::from(path))
            }
            "pin-value" => Err(InvalidPkcs11Uri::PinValue),
            _ => Err(InvalidPkcs11Uri::Unknown(name.to_owned())),
        }
    }
}

fn set<T>(field: &mut Option<T>, name: &str, value: T) -> Result<(), InvalidPkcs11Uri> {
    match field.replace(value) {
        Some(_) => Err(InvalidPkcs11Uri::Twice(name.to_owned())),
        None => Ok(()),
    }
}

struct Attribute<'a> {
    name: &'a str,
    value: Vec<u8>,
}

impl Attribute<'_> {
    fn text(&self) -> Result<String, InvalidPkcs11Uri> {
        let text = String::from_utf8(self.value.clone());
        text.map_err(|_| InvalidPkcs11Uri::Value(self.name.to_owned()))
    }
}

fn attributes(
    part: &str,
    separator: char,
) -> impl Iterator<Item = Result<Attribute<'_>, InvalidPkcs11Uri>> {
    let parts = part.split(separator).filter(move |_| !part.is_empty());
    parts.map(|part| {
        let attribute = part.split_once('=');
        let (name, value) = attribute.ok_or_else(|| InvalidPkcs11Uri::Unknown(part.to_owned()))?;
        let value = decoded(value).ok_or_else(|| InvalidPkcs11Uri::Value(name.to_owned()))?;
        Ok(Attribute { name, value })
    })
}

/// RFC 3986 §2.1: a percent sign and two hexadecimal digits are one byte.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            // What a URI cannot have as it is.
            b' ' | b'"' | b'<' | b'>' | b'#' | 0x7f.. | ..0x20 => return None,
            byte => byte,
        });
    }
    Some(decoded)
}

/// A value as a URI has it.
pub(crate) fn encoded(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

impl fmt::Display for Pkcs11Uri {
    /// Token and key; nothing of the query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.as_ref().map(|text| encoded(text.as_bytes()));
        let all = |id: &Vec<u8>| id.iter().map(|byte| format!("%{byte:02X}")).collect();
        let attributes: [(&str, Option<String>); 7] = [
            ("token", text(&self.token)),
            ("manufacturer", text(&self.manufacturer)),
            ("model", text(&self.model)),
            ("serial", text(&self.serial)),
            ("slot-id", self.slot_id.map(|id| id.to_string())),
            ("object", text(&self.object)),
            ("id", self.id.as_ref().map(all)),
        ];
        f.write_str(SCHEME)?;
        let given = attributes
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        for (i, (name, value)) in given.enumerate() {
            let separator = if i > 0 { ";" } else { "" };
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

/// Why a text is no URI of a token's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPkcs11Uri {
    /// It does not begin with `pkcs11:`.
    Scheme,
    /// An attribute that means nothing here. Left out, it could make the URI mean another key.
    Unknown(String),
    /// The attribute is there twice.
    Twice(String),
    /// The attribute's value is not percent-encoded as it should be.
    Value(String),
    /// `slot-id` is no number.
    SlotId,
    /// `type` is not `private`.
    Type,
    /// `pin-source` is not an absolute path.
    PinSource,
    /// `pin-value` would have the PIN in the configuration.
    PinValue,
}

impl fmt::Display for InvalidPkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("this is no PKCS #11 URI: it does not begin with `pkcs11:`"),
            Self::Unknown(name) => write!(
                f,
                "`{name}` is no attribute here: there are token, manufacturer, model, serial, slot-id, object, id and \
                 type, between semicolons, and after a `?` module-path and pin-source"
            ),
            Self::Twice(name) => write!(f, "`{name}` is given twice"),
            Self::Value(name) => write!(
                f,
                "the value of `{name}` is not right: what is no letter, digit, `-`, `.`, `_` or `~` is written as `%` \
                 and two hexadecimal digits"
            ),
            Self::SlotId => f.write_str("`slot-id` is a decimal number"),
            Self::Type => f.write_str("of the types only `type=private` can be served"),
            Self::PinSource => {
                f.write_str("`pin-source` is the absolute path of a file, such as `file:/etc/keyward/pin`")
            }
            Self::PinValue => {
                f.write_str("a PIN does not belong into the configuration; write it into a file, and name that as `pin_file`")
            }
        }
    }
}

impl Error for InvalidPkcs11Uri {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_uri_says_is_found() {
        let uri: Pkcs11Uri = "pkcs11:token=The%20Software%20PKCS%2311%20Token;manufacturer=Snake%20Oil,%20Inc.;serial=;object=\
                              my-certificate;type=private;id=%69%95%3E%5C%f4%BD%EC%91?module-path=/usr/lib/p11.so&pin-source=\
                              file:/etc/token_pin"
            .parse()
            .unwrap();
        assert_eq!(uri.token.as_deref(), Some("The Software PKCS#11 Token"));
        assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
        assert_eq!(uri.serial.as_deref(), Some(""));
        assert_eq!(uri.object.as_deref(), Some("my-certificate"));
        assert_eq!(
            uri.id.as_deref(),
            Some(&b"\x69\x95\x3e\x5c\xf4\xbd\xec\x91"[..])
        );
        assert_eq!(uri.module_path, Some(PathBuf::from("/usr/lib/p11.so")));
        assert_eq!(uri.pin_source, Some(PathBuf::from("/etc/token_pin")));
        let again: Pkcs11Uri = uri.to_string().parse().unwrap();
        let expected = Pkcs11Uri {
            module_path: None,
            pin_source: None,
            ..uri
        };
        assert_eq!(again, expected);
        assert_eq!("pkcs11:".parse(), Ok(Pkcs11Uri::default()));
    }

    #[test]
    fn what_is_no_such_uri_is_refused() {
        let named = ToOwned::to_owned;
        for (text, why) in [
            ("token=web", InvalidPkcs11Uri::Scheme),
            ("PKCS11:token=web", InvalidPkcs11Uri::Scheme),
            ("pkcs11:token", InvalidPkcs11Uri::Unknown(named("token"))),
            ("pkcs11:token=a;", InvalidPkcs11Uri::Unknown(String::new())),
            (
                "pkcs11:color=red",
                InvalidPkcs11Uri::Unknown(named("color")),
            ),
            ("pkcs11:?token=a", InvalidPkcs11Uri::Unknown(named("token"))),
            (
                "pkcs11:token=a;token=b",
                InvalidPkcs11Uri::Twice(named("token")),
            ),
            ("pkcs11:token=a b", InvalidPkcs11Uri::Value(named("token"))),
            ("pkcs11:token=a%2", InvalidPkcs11Uri::Value(named("token"))),
            ("pkcs11:token=a%2g", InvalidPkcs11Uri::Value(named("token"))),
            ("pkcs11:token=a%+1", InvalidPkcs11Uri::Value(named("token"))),
            ("pkcs11:token=%ff", InvalidPkcs11Uri::Value(named("token"))),
            ("pkcs11:slot-id=+1", InvalidPkcs11Uri::SlotId),
            ("pkcs11:slot-id=", InvalidPkcs11Uri::SlotId),
            ("pkcs11:type=public", InvalidPkcs11Uri::Type),
            ("pkcs11:token=a?pin-value=1234", InvalidPkcs11Uri::PinValue),
            (
                "pkcs11:token=a?pin-source=|cat%20pin",
                InvalidPkcs11Uri::PinSource,
            ),
            ("pkcs11:token=a?pin-source=pin", InvalidPkcs11Uri::PinSource),
        ] {
            assert_eq!(text.parse::<Pkcs11Uri>(), Err(why), "{text}");
        }
    }
}
