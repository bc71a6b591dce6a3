//! Whom a browser thinks that it talks to.

use std::net::{IpAddr, Ipv6Addr};

/// Whether a request on a loopback address names this machine in its `Host`. A page from elsewhere whose name was made to lead
/// to 127.0.0.1 (DNS rebinding) has a browser on this machine ask in its own name.
pub(super) fn is_this_machine(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest
            .split_once(']')
            .is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok());
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_told_apart() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:2411",
            "localhost:1",
            "LocalHost",
            "[::1]:9",
            "[::1]",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:2411",
            "localhost.evil.example",
            "[::1",
            "",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
