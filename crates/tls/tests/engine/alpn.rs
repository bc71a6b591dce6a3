use std::sync::Arc;

use keyward_tls::{Error, PeerIncompatible};
use rustls::AlertDescription;

use crate::support::{ClientOptions, Failure, KeyAlgorithm, Pair, Site, client_config};

fn protocols(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

fn pair(client: &[&str], server: &[&str]) -> Pair {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.alpn = protocols(server);
    let client = client_config(ClientOptions {
        alpn: protocols(client),
        ..ClientOptions::default()
    });
    Pair::new(&client, &Arc::new(site))
}

#[test]
fn the_servers_preference_decides() {
    for (client, server, expected) in [
        (&["http/1.1", "h2"][..], &["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], &["h2", "http/1.1"], Some("http/1.1")),
        (&["h2"], &[], None),
        (&[], &["h2"], None),
    ] {
        let mut pair = pair(client, server);
        pair.handshake();
        assert_eq!(pair.client.alpn_protocol(), expected.map(str::as_bytes));
        let negotiated = pair.server.negotiated().unwrap();
        assert_eq!(negotiated.alpn.as_deref(), expected.map(str::as_bytes));
    }
}

#[test]
fn nothing_in_common_is_an_error() {
    let mut pair = pair(&["h3"], &["h2"]);
    let error = pair.run().unwrap_err().server();
    assert_eq!(
        error,
        Error::PeerIncompatible(PeerIncompatible::NoApplicationProtocol)
    );
    match pair.server_to_client() {
        Ok(false) => {
            // `run` has brought the alert to the client already.
            let error = pair.client.process_new_packets().unwrap_err();
            assert_eq!(
                error,
                rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            );
        }
        other => panic!("{other:?}: the alert is sent once"),
    }
    assert!(matches!(pair.run(), Err(Failure::Server(again)) if again == error));
}
