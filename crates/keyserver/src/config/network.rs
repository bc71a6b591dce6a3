//! Where edges connect from: networks, as rules name them, and the address that one has.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    /// A process on this machine, through a Unix socket.
    Unix,
    /// An address. One of IPv4 that is mapped into IPv6 (`::ffff:192.0.2.1`), as a socket for both reports it, is an
    /// address of IPv4.
    Ip(IpAddr),
}

impl From<IpAddr> for PeerAddress {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address.to_canonical())
    }
}

impl FromStr for PeerAddress {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        match text {
            "unix" => Ok(Self::Unix),
            _ => text
                .parse::<IpAddr>()
                .map(Self::from)
                .map_err(|_| InvalidNetwork::Address),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix => f.write_str("unix"),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// A network, or the Unix sockets, in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// `unix`
    Unix,
    /// Such as `192.0.2.0/24`. An address without a length is that address alone.
    Ip {
        /// The address, with zeros behind the prefix.
        address: IpAddr,
        /// The length of the prefix in bits.
        prefix: u8,
    },
}

impl Network {
    /// Whether a connection from there is in it.
    pub fn contains(&self, peer: PeerAddress) -> bool {
        match (self, peer) {
            (Self::Unix, PeerAddress::Unix) => true,
            (Self::Ip { address, prefix }, PeerAddress::Ip(peer)) => {
                address.is_ipv4() == peer.is_ipv4() && masked(peer, *prefix) == *address
            }
            _ => false,
        }
    }
}

/// The address with all bits behind the prefix 0.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

/// How many bits of an IPv6 address come before the IPv4 address in it (RFC 4291 §2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Address)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            // `u8` takes "+8" as well.
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => prefix
                .parse::<u8>()
                .ok()
                .filter(|prefix| *prefix <= bits)
                .ok_or(InvalidNetwork::Prefix { bits })?,
            Some(_) => return Err(InvalidNetwork::Prefix { bits }),
            None => bits,
        };
        let network = masked(address, prefix);
        if network != address {
            return Err(InvalidNetwork::HostBits { network, prefix });
        }
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) if address.is_ipv6() => match prefix.checked_sub(MAPPED_PREFIX) {
                Some(prefix) => Ok(Self::Ip {
                    address: v4,
                    prefix,
                }),
                // Such as ::ffff:0:0/90: nothing but mapped addresses is in there, and those are addresses of IPv4.
                None => Err(InvalidNetwork::Mapped),
            },
            _ if covers_mapped(address, prefix) && prefix > 0 => Err(InvalidNetwork::Mapped),
            address => Ok(Self::Ip { address, prefix }),
        }
    }
}

/// Whether some addresses of the network are of IPv4, and others not.
fn covers_mapped(address: IpAddr, prefix: u8) -> bool {
    let mapped = IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0));
    address.is_ipv6() && prefix < MAPPED_PREFIX && masked(mapped, prefix) == address
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix => f.write_str("unix"),
            Self::Ip { address, prefix } => write!(f, "{address}/{prefix}"),
        }
    }
}

/// Why a text is no network, or no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidNetwork {
    /// There is no IP address in it.
    Address,
    /// The length of the prefix is none.
    Prefix {
        /// The longest that it can be.
        bits: u8,
    },
    /// Bits behind the prefix are set: it may be that another length was meant.
    HostBits {
        /// The address without them.
        network: IpAddr,
        /// The length of the prefix.
        prefix: u8,
    },
    /// It has IPv4 addresses, mapped into IPv6, among others.
    Mapped,
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("this is neither an IP address nor `unix`"),
            Self::Prefix { bits } => {
                write!(
                    f,
                    "the length behind the slash is a number from 0 to {bits}"
                )
            }
            Self::HostBits { network, prefix } => write!(
                f,
                "bits behind the prefix are set; the network is {network}/{prefix}"
            ),
            Self::Mapped => f.write_str(
                "addresses of IPv4 that are mapped into IPv6 count as IPv4; write them as such",
            ),
        }
    }
}

impl Error for InvalidNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_a_network_or_not() {
        for (network, peer, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("10.0.0.0/8", "a01:203::", false),
            ("10.0.0.0/8", "unix", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.9", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("unix", "unix", true),
            ("unix", "127.0.0.1", false),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(
                parsed.contains(peer.parse().unwrap()),
                inside,
                "{network} {peer}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.1/8",
            "::1/64",
            "2001:db8::/129",
            "::/40",
            "::ffff:0:0/90",
            "unix/8",
            "10.0.0.0/8 ",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let hint = "10.1.2.3/8".parse::<Network>().unwrap_err().to_string();
        assert!(hint.contains("10.0.0.0/8"), "{hint}");
    }
}
