//! Where key servers are, as a configuration says it: addresses and names.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use keyward_protocol::{Address, AddressError};

/// One key server, or a name for several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `host:port` or `unix:/path`. A host name may have many addresses: each is a key server.
    Address(Address),
    /// `srv:_keyward._tcp.home.example`: the hosts and ports of this name's SRV records (RFC 2782).
    Srv(String),
}

impl Target {
    /// Whether DNS says where it is.
    pub fn is_name(&self) -> bool {
        match self {
            Self::Srv(_) => true,
            Self::Address(Address::Tcp { host, .. }) => host.parse::<IpAddr>().is_err(),
            Self::Address(Address::Unix(_)) => false,
        }
    }
}

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let Some(name) = text.strip_prefix("srv:") else {
            return text
                .parse()
                .map(Self::Address)
                .map_err(TargetError::Address);
        };
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let labels = name.strip_suffix('.').unwrap_or(name);
        // RFC 2782: "_Service._Proto.Name".
        let form = labels.len() <= 253
            && labels.split('.').all(label)
            && labels
                .split('.')
                .take(2)
                .filter(|label| label.starts_with('_'))
                .count()
                == 2
            && labels.split('.').count() > 2;
        if form {
            Ok(Self::Srv(name.to_owned()))
        } else {
            Err(TargetError::Srv)
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Srv(name) => write!(f, "srv:{name}"),
        }
    }
}

/// Why a text is not a [`Target`]. `Display` says how to write it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no address.
    Address(AddressError),
    /// What follows `srv:` is no name of SRV records.
    Srv,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::Srv => f.write_str(
                "this is no name of SRV records: write `srv:_keyward._tcp.` and a domain, for example \
                 `srv:_keyward._tcp.home.example`",
            ),
        }
    }
}

impl Error for TargetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for (text, name) in [
            ("127.0.0.1:2410", false),
            ("[::1]:2410", false),
            ("unix:/run/key.sock", false),
            ("home.example:2410", true),
            ("srv:_keyward._tcp.home.example", true),
            ("srv:_keyward._tcp.home.example.", true),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
            assert_eq!(target.is_name(), name, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for text in [
            "srv:",
            "srv:home.example",
            "srv:_keyward._tcp",
            "srv:_keyward._tcp.home..example",
            "srv:_keyward._tcp.home.example:2410",
        ] {
            assert_eq!(text.parse::<Target>(), Err(TargetError::Srv), "{text}");
        }
        assert!(matches!(
            "home.example".parse::<Target>(),
            Err(TargetError::Address(_))
        ));
    }
}
