//! The address of the service behind a site.

use std::fmt;
use std::str::FromStr;

/// Where a site's connections go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamAddress {
    /// `http://host:port`: HTTP mode.
    Http(HostPort),
    /// `https://host:port`: HTTP mode, the service's certificate is checked.
    Https(HostPort),
    /// `tcp://host:port`: the bytes inside TLS, both ways, as they are.
    Tcp(HostPort),
}

/// A host name or IP address (without brackets), and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for UpstreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(address) => write!(f, "http://{address}"),
            Self::Https(address) => write!(f, "https://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl FromStr for UpstreamAddress {
    type Err = InvalidUpstream;

    fn from_str(text: &str) -> Result<Self, InvalidUpstream> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or(InvalidUpstream("it has no scheme"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let authority: http::uri::Authority = rest
            .parse()
            .map_err(|_| InvalidUpstream("what follows the scheme is no host and port"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidUpstream("user and password are not possible here"));
        }
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err(InvalidUpstream("the host is empty"));
        }
        let default_port = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            "tcp" => None,
            _ => return Err(InvalidUpstream("the scheme is none of http, https and tcp")),
        };
        let port = match (authority.port(), default_port) {
            (Some(port), _) => port.as_u16(),
            (None, Some(port)) if authority.as_str() == authority.host() => port,
            _ => return Err(InvalidUpstream("the port is missing or above 65535")),
        };
        let address = HostPort {
            host: host.to_owned(),
            port,
        };
        Ok(match scheme {
            "http" => Self::Http(address),
            "https" => Self::Https(address),
            _ => Self::Tcp(address),
        })
    }
}

/// Why a text is no address of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUpstream(&'static str);

impl fmt::Display for InvalidUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidUpstream {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for (text, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://app", "http://app:80"),
            ("https://app.example/", "https://app.example:443"),
            ("tcp://[::1]:25", "tcp://[::1]:25"),
        ] {
            let address: UpstreamAddress = text.parse().expect("a valid address");
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "127.0.0.1:8080",
            "ftp://a:1",
            "tcp://a",
            "http://",
            "http://a/path",
            "http://u:p@a",
            "http://a:99999",
            "http://a:",
            "http://a?x",
            "http://a b",
        ] {
            assert!(text.parse::<UpstreamAddress>().is_err(), "{text}");
        }
    }
}
