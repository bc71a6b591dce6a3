//! Where a key server listens: a TCP address or the path of a Unix socket.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A key server's address, as configurations write it: `home.example:2410`, `[::1]:2410` or `unix:/run/keyward/key.sock`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `host:port`. The host is a DNS name or an IP address (IPv6 in brackets).
    Tcp {
        /// DNS name or IP address, without brackets.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// The path of a Unix stream socket.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            // A socket's path fits in `sockaddr_un` (108 bytes with its NUL on Linux, 104 elsewhere).
            return match path.len() {
                0 => Err(AddressError::EmptyPath),
                1..=103 if path.starts_with('/') => Ok(Self::Unix(PathBuf::from(path))),
                1..=103 => Err(AddressError::RelativePath),
                _ => Err(AddressError::PathTooLong),
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
        let port = port.parse().map_err(|_| AddressError::BadPort)?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or(AddressError::BadHost)?,
            None if host.contains(':') => return Err(AddressError::UnbracketedIpv6),
            None => host,
        };
        let plausible =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || !host.chars().all(plausible) {
            return Err(AddressError::BadHost);
        }
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a text is not an [`Address`]. `Display` says how to write it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// No `:port` at the end.
    NoPort,
    /// The port is no number from 0 to 65535.
    BadPort,
    /// The host is empty or has characters that no host name has.
    BadHost,
    /// An IPv6 address without brackets.
    UnbracketedIpv6,
    /// `unix:` with nothing behind it.
    EmptyPath,
    /// `unix:` with a path that depends on the working directory.
    RelativePath,
    /// A path longer than the operating system takes for a socket.
    PathTooLong,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPort => "the port is missing: write `host:port`, for example `0.0.0.0:2410`, or `unix:/path`",
            Self::BadPort => "the port is not a number from 0 to 65535",
            Self::BadHost => "the host is neither a name nor an IP address",
            Self::UnbracketedIpv6 => "an IPv6 address needs brackets before its port: `[::1]:2410`",
            Self::EmptyPath => "the path is missing: write `unix:/run/keyward/key.sock`",
            Self::RelativePath => "the path of a Unix socket must be absolute: `unix:/run/keyward/key.sock`",
            Self::PathTooLong => "the path is too long for a Unix socket (at most 103 bytes)",
        })
    }
}

impl Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for text in [
            "127.0.0.1:2410",
            "home.example:0",
            "[::1]:2410",
            "unix:/run/keyward/key.sock",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let long = format!("unix:/{}", "x".repeat(103));
        for (text, error) in [
            ("localhost", AddressError::NoPort),
            ("localhost:http", AddressError::BadPort),
            ("localhost:65536", AddressError::BadPort),
            (":2410", AddressError::BadHost),
            ("a b:2410", AddressError::BadHost),
            ("[::1:2410", AddressError::BadHost),
            ("::1:2410", AddressError::UnbracketedIpv6),
            ("unix:", AddressError::EmptyPath),
            ("unix:key.sock", AddressError::RelativePath),
            (long.as_str(), AddressError::PathTooLong),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }
}
