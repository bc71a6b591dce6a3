//! Whom a client wants to talk to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use keyward_wire::extensions::{InvalidServerName, ServerName};

/// The name that the server's certificate must have.
///
/// ```
/// use keyward_tls::PeerName;
///
/// assert!(matches!("shop.example".parse(), Ok(PeerName::Dns(_))));
/// assert!(matches!("2001:db8::1".parse(), Ok(PeerName::Ip(_))));
/// assert!("shop.example.".parse::<PeerName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PeerName {
    /// A host name; the server is told it (SNI).
    Dns(ServerName),
    /// An address; the server is told nothing (RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not
    /// permitted in "HostName".").
    Ip(IpAddr),
}

impl PeerName {
    /// The host name that goes into the ClientHello.
    pub fn server_name(&self) -> Option<&ServerName> {
        match self {
            Self::Dns(name) => Some(name),
            Self::Ip(_) => None,
        }
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.pad(name.as_str()),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// An IPv4 or IPv6 address without brackets or port, or else a host name.
impl FromStr for PeerName {
    type Err = InvalidServerName;

    fn from_str(name: &str) -> Result<Self, InvalidServerName> {
        match name.parse() {
            Ok(address) => Ok(Self::Ip(address)),
            Err(_) => name.parse().map(Self::Dns),
        }
    }
}

impl From<ServerName> for PeerName {
    fn from(name: ServerName) -> Self {
        Self::Dns(name)
    }
}

impl From<IpAddr> for PeerName {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}
