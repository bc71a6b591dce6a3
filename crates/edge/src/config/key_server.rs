//! `[key_server]`: where the key servers are, and who this edge is to them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use keyward_config::{Problems, Source, Spanned};
use keyward_keyclient::{Dns, KeyClientConfig, KeyClientConfigError, KeyServerAt, Target};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::read::Checked;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeyServer {
    address: Option<Spanned<String>>,
    addresses: Option<Spanned<Vec<Spanned<RawAddress>>>>,
    name: Option<Spanned<String>>,
    ca: Spanned<PathBuf>,
    certificate: Spanned<PathBuf>,
    key: Spanned<PathBuf>,
    connections: Option<Spanned<i64>>,
    hedge_percent: Option<Spanned<i64>>,
    #[serde(default)]
    dns: RawDns,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDns {
    #[serde(default)]
    name_servers: Vec<Spanned<String>>,
    min_ttl_s: Option<Spanned<i64>>,
    max_ttl_s: Option<Spanned<i64>>,
}

/// An address, or a table with the name of its certificate.
#[derive(Debug)]
struct RawAddress {
    address: String,
    name: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for RawAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor)
    }
}

/// By hand, since serde's way of telling forms apart loses the places in the file.
struct AddressVisitor;

impl<'de> Visitor<'de> for AddressVisitor {
    type Value = RawAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an address, or a table as { address = \"home.example:2410\", name = \"keyserver\" }",
        )
    }

    fn visit_str<E: serde::de::Error>(self, address: &str) -> Result<RawAddress, E> {
        Ok(RawAddress {
            address: address.to_owned(),
            name: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawAddress, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            address: String,
            name: Option<Spanned<String>>,
        }
        let Table { address, name } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawAddress { address, name })
    }
}

/// Checks the section.
pub(super) fn read(
    source: &Source,
    raw: &RawKeyServer,
    problems: &mut Problems,
) -> Option<KeyClientConfig> {
    let servers = servers(source, raw, problems);
    let connections =
        problems.note(source.number(raw.connections.as_ref(), 1..=MAX_CONNECTIONS, 1));
    let hedge_percent = problems.note(source.number(raw.hedge_percent.as_ref(), 0..=100, 5));
    let dns = problems.note(dns(source, &raw.dns));
    let servers = servers?;
    let (first, further) = servers.split_first()?;
    let mut config = problems.note(channel(source, raw, first))?;
    config.servers.extend_from_slice(further);
    config.connections = connections?;
    config.hedge_percent = hedge_percent?;
    config.dns = dns?;
    Some(config)
}

/// More than this to one key server only cost memory.
const MAX_CONNECTIONS: i64 = 16;
const MAX_SERVERS: usize = 64;

fn servers(
    source: &Source,
    raw: &RawKeyServer,
    problems: &mut Problems,
) -> Option<Vec<KeyServerAt>> {
    const REMEDY: &str = "write address = \"host:port\" for one key server, or addresses = [\"host:port\", \
                          \"srv:_keyward._tcp.home.example\"] for several";
    match (&raw.address, &raw.addresses) {
        (Some(address), None) => problems
            .note(server(source, address.span(), address.get_ref(), None, raw))
            .map(|server| vec![server]),
        (None, Some(addresses)) if (1..=MAX_SERVERS).contains(&addresses.get_ref().len()) => {
            let read = addresses.get_ref().iter().map(|one| {
                let (raw_one, span) = (one.get_ref(), one.span());
                server(source, span, &raw_one.address, raw_one.name.as_ref(), raw)
            });
            let all = problems.note_all(read);
            (all.len() == addresses.get_ref().len()).then_some(all)
        }
        (None, Some(addresses)) => {
            let cause = format!("addresses must name 1 to {MAX_SERVERS} key servers");
            problems.push(source.problem(addresses.span(), cause, REMEDY));
            None
        }
        (Some(address), Some(_)) => {
            let cause = "address and addresses cannot both be there";
            problems.push(source.problem(address.span(), cause, REMEDY));
            None
        }
        (None, None) => {
            let cause = "[key_server] does not say where the key server is";
            problems.push(source.problem(raw.ca.span(), cause, REMEDY));
            None
        }
    }
}

fn server(
    source: &Source,
    span: std::ops::Range<usize>,
    address: &str,
    name: Option<&Spanned<String>>,
    raw: &RawKeyServer,
) -> Checked<KeyServerAt> {
    let target: Target = address.parse().map_err(|error| {
        source.problem(
            span.clone(),
            format!("\"{address}\" is no address of a key server: {error}"),
            "write \"host:port\", \"unix:/path\" for a socket on this machine, or \
             \"srv:_keyward._tcp.home.example\" for SRV records",
        )
    })?;
    let name = name.or(raw.name.as_ref()).ok_or_else(|| {
        source.problem(
            span,
            format!("the name in the certificate of the key server \"{address}\" is not given"),
            "add name = \"keyserver\" to [key_server], or to this address in the form \
             { address = \"…\", name = \"…\" }",
        )
    })?;
    Ok(KeyServerAt {
        target,
        name: name.get_ref().clone(),
    })
}

fn channel(source: &Source, raw: &RawKeyServer, first: &KeyServerAt) -> Checked<KeyClientConfig> {
    let file = |path: &Spanned<PathBuf>| source.path(path.get_ref());
    let (ca, certificate, key) = (file(&raw.ca), file(&raw.certificate), file(&raw.key));
    KeyClientConfig::from_files(first.target.clone(), &first.name, &ca, &certificate, &key).map_err(
        |error| {
            let of = [
                (&ca, &raw.ca),
                (&certificate, &raw.certificate),
                (&key, &raw.key),
            ];
            let span = of.into_iter().find_map(|(path, written)| match &error {
                KeyClientConfigError::File { path: wrong, .. } if wrong == path => {
                    Some(written.span())
                }
                _ => None,
            });
            source.problem(
                span.unwrap_or_else(|| raw.ca.span()),
                format!("the channel to the key server cannot be set up: {error}"),
                "paths are relative to the folder of this file; `keyward pki init DIR` makes a \
                 CA, and certificates and keys for both ends",
            )
        },
    )
}

/// The longest time until a name is resolved anew, a day: a longer one is a mistake in the unit.
const MAX_TTL_S: i64 = 24 * 3600;

fn dns(source: &Source, raw: &RawDns) -> Checked<Dns> {
    let base = Dns::default();
    let seconds = |value: Option<&Spanned<i64>>, default: Duration| {
        source
            .number(value, 1..=MAX_TTL_S, default.as_secs())
            .map(Duration::from_secs)
    };
    let min_ttl = seconds(raw.min_ttl_s.as_ref(), base.min_ttl)?;
    let max_ttl = seconds(raw.max_ttl_s.as_ref(), base.max_ttl.max(min_ttl))?;
    if let (Some(written), true) = (&raw.max_ttl_s, max_ttl < min_ttl) {
        return Err(source.problem(
            written.span(),
            format!(
                "max_ttl_s is less than min_ttl_s, which is {}",
                min_ttl.as_secs()
            ),
            "name the longer time as max_ttl_s",
        ));
    }
    let name_servers = raw.name_servers.iter().map(|written| {
        let text = written.get_ref();
        let with_port = text.parse::<SocketAddr>();
        with_port
            .or_else(|_| text.parse().map(|ip| SocketAddr::new(ip, 53)))
            .map_err(|_| {
                source.problem(
                    written.span(),
                    format!("\"{text}\" is no address of a name server"),
                    "write an IP address, with a port if it is not 53: \"192.0.2.53\" or \"[2001:db8::53]:5353\"",
                )
            })
    });
    Ok(Dns {
        name_servers: name_servers.collect::<Result<_, _>>()?,
        min_ttl,
        max_ttl,
    })
}
