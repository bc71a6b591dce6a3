//! The side of the connection that the shim is on.

use std::net::Ipv4Addr;
use std::sync::Arc;

use keyward_tls::{
    Client, ClientConfig, Connection, KeyShares, Limits, PeerName, Policy, Role, Server,
    ServerConfig, VerifySignatures,
};

use crate::failure::{Failure, unmet};
use crate::options::{Negotiation, Options};
use crate::policy::policy;

/// What the two sides do not have in common.
pub(crate) trait Side: Role + Sized {
    const IS_SERVER: bool;

    /// A connection as the options want it.
    fn connection(options: &Options) -> Result<Connection<Self>, Failure>;

    /// Whether the data that can be read is early.
    fn is_early(connection: &Connection<Self>) -> bool;

    /// How much early data can be sent now.
    fn early_data_capacity(connection: &Connection<Self>) -> usize;

    /// Sends early data; says how much.
    fn send_early(connection: &mut Connection<Self>, data: &[u8]) -> Result<usize, Failure>;
}

fn limits(options: &Options) -> Limits {
    let defaults = Limits::default();
    Limits {
        handshake_message: match options.negotiation.max_certificate_len {
            0 => defaults.handshake_message,
            max => max,
        },
        // What BoringSSL skips, and the tests go by.
        skipped_early_data: 16384,
        sent_record: options.script.max_sent_record,
        ..defaults
    }
}

impl Side for Server {
    const IS_SERVER: bool = true;

    fn connection(options: &Options) -> Result<Connection<Self>, Failure> {
        let config = ServerConfig {
            limits: limits(options),
            verify_signatures: VerifySignatures::Always,
            early_data: if options.early_data.enabled {
                MAX_EARLY_DATA
            } else {
                0
            },
            // BoringSSL takes a ticket that is a minute off.
            early_data_tolerance_s: 61,
            grease: true,
            key_log: options.script.export_traffic_secrets,
            certificate_compression: options.negotiation.certificate_compression.clone(),
            session_tickets_tls12: !options.negotiation.no_ticket,
            session_ticket_count_tls13: if options.negotiation.no_ticket { 0 } else { 2 },
            trace: options.wants_trace(),
            ..ServerConfig::default()
        };
        Ok(Connection::<Self>::new(Arc::new(config))?)
    }

    fn is_early(connection: &Connection<Self>) -> bool {
        connection.is_early()
    }

    fn early_data_capacity(_: &Connection<Self>) -> usize {
        0
    }

    fn send_early(_: &mut Connection<Self>, _: &[u8]) -> Result<usize, Failure> {
        Err(unmet("a server has no early data"))
    }
}

/// As much as BoringSSL lets a client send.
const MAX_EARLY_DATA: u32 = 14336;

impl Side for Client {
    const IS_SERVER: bool = false;

    fn connection(options: &Options) -> Result<Connection<Self>, Failure> {
        let negotiation = &options.negotiation;
        let mut config = ClientConfig {
            limits: limits(options),
            policy: Arc::new(policy(options)?),
            alpn: protocols(&negotiation.advertised_alpn)?,
            verify_signatures: VerifySignatures::Always,
            request_ocsp: negotiation.request_ocsp,
            request_scts: negotiation.request_scts,
            certificate_compression: negotiation.certificate_compression.clone(),
            delegated_credentials: false,
            early_data: options.early_data.enabled,
            key_shares: key_shares(negotiation, &policy(options)?),
            key_log: options.script.export_traffic_secrets,
            resumption: !negotiation.no_ticket,
            fallback: negotiation.fallback,
            trace: options.wants_trace(),
            grease: negotiation.grease,
            ..ClientConfig::default()
        };
        let schemes = negotiation.verified_schemes();
        if !schemes.is_empty() {
            config.signature_schemes = schemes.to_vec();
        }
        let name = match &negotiation.host_name {
            Some(name) => name
                .parse()
                .map_err(|_| unmet(format!("{name} is no host name")))?,
            // Nobody is told.
            None => PeerName::Ip(Ipv4Addr::LOCALHOST.into()),
        };
        Ok(Connection::<Self>::new(Arc::new(config), name)?)
    }

    fn is_early(_: &Connection<Self>) -> bool {
        false
    }

    fn early_data_capacity(connection: &Connection<Self>) -> usize {
        connection.early_data_capacity()
    }

    fn send_early(connection: &mut Connection<Self>, data: &[u8]) -> Result<usize, Failure> {
        Ok(connection.send_early(data)?)
    }
}

/// A server that is known to support some group gets a share of the first of ours that it does.
fn key_shares(negotiation: &Negotiation, policy: &Policy) -> KeyShares {
    let hint = &negotiation.server_groups;
    let known = policy.groups.iter().find(|group| hint.contains(group));
    match (known, &negotiation.key_shares) {
        (Some(group), _) => KeyShares::Of(vec![*group]),
        (None, Some(groups)) => KeyShares::Of(groups.clone()),
        (None, None) => KeyShares::default(),
    }
}

/// A list as on the wire: each protocol after its length.
fn protocols(mut list: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut protocols = Vec::new();
    while let Some((length, rest)) = list.split_first() {
        let (protocol, rest) = rest
            .split_at_checked(usize::from(*length))
            .ok_or_else(|| unmet("a list of protocols that is cut off"))?;
        protocols.push(protocol.to_vec());
        list = rest;
    }
    Ok(protocols)
}
