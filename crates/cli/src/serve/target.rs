//! The addresses on `keyward serve`'s command line.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// The service behind: `http://HOST[:PORT]`, `https://HOST[:PORT]`, `tcp://HOST:PORT` or
/// `HOST:PORT` (TCP). Its `Display` is what an edge's `upstream` setting takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    scheme: &'static str,
    authority: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest, default_port) = match text.split_once("://") {
            Some(("http", rest)) => ("http", rest, Some(80)),
            Some(("https", rest)) => ("https", rest, Some(443)),
            Some(("tcp", rest)) => ("tcp", rest, None),
            Some((other, _)) => {
                return Err(format!("`{other}` is not one of http, https and tcp"));
            }
            None => ("tcp", text, None),
        };
        let authority = match (scheme, rest.split_once('/')) {
            (_, None) => rest,
            ("http" | "https", Some((authority, ""))) => authority,
            _ => {
                return Err(format!(
                    "requests keep their own path, so there can be none in `{text}`"
                ));
            }
        };
        Ok(Self {
            scheme,
            authority: host_and_port(authority, default_port)?,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

fn host_and_port(authority: &str, default_port: Option<u16>) -> Result<String, String> {
    let (host, port) = match authority.rsplit_once(':') {
        // A colon inside brackets is part of an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => {
            let port = port
                .parse::<u16>()
                .map_err(|_| format!("`{port}` is no port number"))?;
            (host, port)
        }
        _ => match default_port {
            Some(port) => (authority, port),
            None => return Err(format!("`{authority}` has no port")),
        },
    };
    if host.starts_with('[') {
        format!("{host}:{port}")
            .parse::<SocketAddr>()
            .map_err(|_| format!("`{host}` is no IPv6 address"))?;
    } else if !is_host_name(host) {
        return Err(format!("`{host}` is no host name"));
    }
    if port == 0 {
        return Err("port 0 cannot be connected to".to_owned());
    }
    Ok(format!("{host}:{port}"))
}

fn is_host_name(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// `IP:PORT` or `:PORT`, which is all addresses (IPv6, and IPv4 through it).
pub(crate) fn listen_address(text: &str) -> Result<String, String> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => text.replacen("localhost:", "127.0.0.1:", 1),
    };
    full.parse::<SocketAddr>()
        .map(|address| address.to_string())
        .map_err(|_| format!("`{text}` is not IP:PORT, such as 0.0.0.0:443, [::]:443 or :443"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (text, target) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://app.internal/", "http://app.internal:80"),
            ("https://app.internal", "https://app.internal:443"),
            ("https://[::1]", "https://[::1]:443"),
            ("tcp://db:5432", "tcp://db:5432"),
            ("db:5432", "tcp://db:5432"),
            ("[::1]:5432", "tcp://[::1]:5432"),
        ] {
            let parsed = text.parse::<Target>();
            assert_eq!(
                parsed.as_ref().map(Target::to_string),
                Ok(target.to_owned())
            );
        }
    }

    #[test]
    fn wrong_targets_say_why() {
        for (text, why) in [
            ("db", "no port"),
            ("tcp://db", "no port"),
            ("ftp://db:1", "ftp"),
            ("http://app/path", "path"),
            ("tcp://db:1/", "path"),
            ("http://app:http", "no port number"),
            ("app:70000", "no port number"),
            ("app:0", "port 0"),
            ("http://", "no host name"),
            ("http://user@app", "no host name"),
            ("http://[::zz]:1", "IPv6"),
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn listen_addresses() {
        assert_eq!(listen_address(":443").unwrap(), "[::]:443");
        assert_eq!(listen_address("localhost:0").unwrap(), "127.0.0.1:0");
        assert_eq!(listen_address("[::1]:8443").unwrap(), "[::1]:8443");
        for wrong in ["443", "example.com:443", "1.2.3.4", ":x"] {
            assert!(listen_address(wrong).unwrap_err().contains(wrong));
        }
    }
}
