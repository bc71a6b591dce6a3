use std::sync::Arc;

use keyward_tls::{Error, NeedError, NeedKind, ServerConfig};
use keyward_wire::values::{AlertDescription, ContentType};

use crate::support::{ClientOptions, HandClient, KeyAlgorithm, Pair, Site, client_config};

#[test]
fn an_unknown_name_gets_unrecognized_name() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let client = client_config(ClientOptions::default());
    let config = ServerConfig::default();
    let mut pair = Pair::with_name(&client, &site, config, "elsewhere.example");
    assert_eq!(
        pair.run().unwrap_err().server(),
        Error::Need(NeedKind::Certificate, NeedError::UnrecognizedName)
    );
    assert_eq!(
        pair.client.process_new_packets().unwrap_err(),
        rustls::Error::AlertReceived(rustls::AlertDescription::UnrecognisedName)
    );
}

#[test]
fn each_name_is_told_to_who_asks() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let client = client_config(ClientOptions::default());
    for name in ["shop.example", "blog.example"] {
        let mut pair = Pair::with_name(&client, &site, ServerConfig::default(), name);
        pair.handshake();
        let negotiated = pair.server.negotiated().unwrap();
        assert_eq!(negotiated.server_name.as_deref(), Some(name));
    }
}

#[test]
fn a_client_without_a_name_is_served() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.hello.extensions.server_name = None;
    client.handshake();
    assert_eq!(client.server.negotiated().unwrap().server_name, None);
}

#[test]
fn names_are_compared_in_lower_case() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::new(&site);
    client.hello.extensions.server_name = Some("SHOP.Example".parse().unwrap());
    client.handshake();
    let negotiated = client.server.negotiated().unwrap();
    assert_eq!(negotiated.server_name.as_deref(), Some("shop.example"));
}

#[test]
fn every_error_of_a_certificate_need_has_its_alert() {
    for (error, alert) in [
        (
            NeedError::UnrecognizedName,
            AlertDescription::UNRECOGNIZED_NAME,
        ),
        (NeedError::Refused, AlertDescription::ACCESS_DENIED),
        (NeedError::Unavailable, AlertDescription::INTERNAL_ERROR),
        (NeedError::Overloaded, AlertDescription::INTERNAL_ERROR),
        (NeedError::Expired, AlertDescription::INTERNAL_ERROR),
        (NeedError::Internal, AlertDescription::INTERNAL_ERROR),
    ] {
        let mut site = Site::new(&[KeyAlgorithm::P256]);
        site.errors = vec![(NeedKind::Certificate, error)];
        let mut client = HandClient::new(&Arc::new(site));
        let expected = Error::Need(NeedKind::Certificate, error);
        assert_eq!(client.send_hello(), Err(expected));
        assert_eq!(client.records(), [(ContentType::ALERT, vec![2, alert.0])]);
    }
}
