//! The secrets of a connection, as both sides log them (RFC 9850).

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use keyward_tls::{ClientConfig as OurClientConfig, KeyLogLine, ServerConfig};
use rustls::{ClientConfig, KeyLog};

use crate::support::{ClientOptions, Duo, KeyAlgorithm, Pair, Site, client_config};

/// What rustls logs, in the form of the file.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl KeyLog for Lines {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut out, byte| {
                write!(out, "{byte:02x}").unwrap();
                out
            })
        };
        let line = format!("{label} {} {}", hex(client_random), hex(secret));
        self.0.lock().unwrap().push(line);
    }
}

fn logging(options: ClientOptions) -> (Arc<ClientConfig>, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let mut client = Arc::into_inner(client_config(options)).unwrap();
    client.key_log = lines.clone();
    (Arc::new(client), lines)
}

fn config() -> ServerConfig {
    ServerConfig {
        key_log: true,
        ..ServerConfig::default()
    }
}

/// Both sides' lines of one connection.
fn lines(options: ClientOptions) -> (Vec<String>, Vec<String>) {
    let (client, theirs) = logging(options);
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut pair = Pair::with_config(&client, &site, config());
    pair.handshake();
    let log = pair.server.take_key_log();
    let mut ours: Vec<_> = log.iter().map(ToString::to_string).collect();
    let mut theirs = std::mem::take(&mut *theirs.0.lock().unwrap());
    assert!(pair.server.take_key_log().is_empty(), "taken once");
    ours.sort();
    theirs.sort();
    (ours, theirs)
}

#[test]
fn both_sides_log_the_same_in_tls13() {
    let (ours, theirs) = lines(ClientOptions::default());
    assert_eq!(ours, theirs);
    let labels: Vec<_> = ours
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        labels,
        [
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "EXPORTER_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_TRAFFIC_SECRET_0",
        ]
    );
}

#[test]
fn nothing_is_logged_unless_the_configuration_says_so() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut pair = Pair::new(&client_config(ClientOptions::default()), &site);
    pair.handshake();
    assert!(pair.server.take_key_log().is_empty());
}

#[test]
fn both_sides_log_the_master_secret_of_tls12() {
    let (ours, theirs) = lines(ClientOptions {
        versions: vec![&rustls::version::TLS12],
        ..ClientOptions::default()
    });
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 1);
    assert!(ours[0].starts_with("CLIENT_RANDOM "));
}

#[test]
fn early_data_is_logged_as_well_and_our_client_logs_the_same() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let visitor = Arc::default();
    let connect = || {
        let client = OurClientConfig {
            key_log: true,
            early_data: true,
            ..OurClientConfig::default()
        };
        let server = ServerConfig {
            early_data: 1000,
            ..config()
        };
        let mut duo = Duo::with(&site, &visitor, client, server);
        duo.handshake();
        duo.echo();
        let sorted = |lines: Vec<KeyLogLine>| {
            let mut lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
            lines.sort();
            lines
        };
        let ours = sorted(duo.server.take_key_log());
        assert_eq!(ours, sorted(duo.client.take_key_log()));
        ours
    };
    assert_eq!(connect().len(), 5);
    let again = connect();
    assert_eq!(again.len(), 7);
    assert!(again[0].starts_with("CLIENT_EARLY_TRAFFIC_SECRET "));
    assert!(again[3].starts_with("EARLY_EXPORTER_SECRET "));
}
