//! Where to connect to, as users write it.

use std::fmt;
use std::str::FromStr;

use keyward_tls::PeerName;

/// The port of HTTPS.
const DEFAULT_PORT: u16 = 443;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// The name for the ClientHello and the certificate. The dot at the end of a fully qualified
    /// name belongs to DNS alone (RFC 6066 §3).
    pub(crate) fn peer_name(&self, server_name: Option<&str>) -> Result<PeerName, String> {
        let name = server_name.unwrap_or(&self.host);
        let name = name.strip_suffix('.').unwrap_or(name);
        name.parse().map_err(|cause| {
            format!("{name:?} cannot be asked for: {cause}; give a host name with --server-name")
        })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("https://").unwrap_or(text);
        if let Some((scheme, _)) = rest.split_once("://") {
            return Err(format!(
                "{scheme}:// is not TLS; give HOST:PORT or https://HOST:PORT"
            ));
        }
        let rest = match text.len() == rest.len() {
            true => rest,
            // Of a URL the path does not matter.
            false => rest.split(['/', '?', '#']).next().unwrap_or_default(),
        };
        let (host, port) = split(rest)?;
        if host.is_empty() {
            return Err("no host is named; give HOST:PORT".to_owned());
        }
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(format!("{port:?} is no port; ports are 1 to 65535")),
                Ok(port) => port,
            },
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest
            .split_once(']')
            .ok_or("the address has no closing bracket; give [ADDRESS]:PORT")?;
        return match (rest.strip_prefix(':'), rest) {
            (Some(port), _) => Ok((host, Some(port))),
            (None, "") => Ok((host, None)),
            (None, _) => Err(format!("{rest:?} after the address is no :PORT")),
        };
    }
    match text.matches(':').count() {
        0 => Ok((text, None)),
        1 => Ok(text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port)))),
        // An IPv6 address without brackets has no port.
        _ => Ok((text, None)),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_write() {
        for (text, host, port) in [
            ("shop.example", "shop.example", 443),
            ("shop.example:8443", "shop.example", 8443),
            ("https://shop.example/cart?x=1", "shop.example", 443),
            ("https://shop.example:8443/", "shop.example", 8443),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:8443", "::1", 8443),
            ("[2001:db8::1]", "2001:db8::1", 443),
            ("::1", "::1", 443),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{text}");
        }
    }

    #[test]
    fn what_they_should_not_write() {
        for (text, words) in [
            ("", "no host"),
            (":443", "no host"),
            ("shop.example:", "no port"),
            ("shop.example:0", "no port"),
            ("shop.example:70000", "no port"),
            ("shop.example:https", "no port"),
            ("http://shop.example", "http:// is not TLS"),
            ("[::1", "closing bracket"),
            ("[::1]8443", "no :PORT"),
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn displays_as_it_parses() {
        for text in ["shop.example:443", "[::1]:8443", "127.0.0.1:1"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_name_to_ask_for() {
        let target: Target = "shop.example.:443".parse().unwrap();
        assert_eq!(target.peer_name(None).unwrap().to_string(), "shop.example");
        let other = target.peer_name(Some("bank.example")).unwrap();
        assert_eq!(other.to_string(), "bank.example");
        let address: Target = "[::1]:443".parse().unwrap();
        assert!(matches!(address.peer_name(None), Ok(PeerName::Ip(_))));
        assert!(target.peer_name(Some("not a name")).is_err());
    }
}
