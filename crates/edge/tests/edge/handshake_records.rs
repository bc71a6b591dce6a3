//! Each handshake leaves one JSON line: every message and need, in order and with times.

use std::time::Duration;

use keyward_observe::{HandshakeRecord, NeedTiming, Outcome, Party};

use super::support::{Client, Home, Service, Site};

#[tokio::test(flavor = "multi_thread")]
async fn full_resumed_and_failed() {
    let service = Service::hello().await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let before = "handshake_records = \"records.jsonl\"";
    let mut home = Home::start_with(before, &site, "").await;
    let client = Client::tls13();
    client.get(home.address(), "shop.example").await;
    client.get(home.address(), "shop.example").await;
    client
        .connect(home.address(), "unknown.example")
        .await
        .unwrap_err();
    home.stop_edge(Duration::from_secs(5)).await;

    let text = std::fs::read_to_string(home.path("records.jsonl")).unwrap();
    let mut records: Vec<HandshakeRecord> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    records.sort_by_key(|record| record.connection);
    let [full, resumed, failed] = &records[..] else {
        panic!("three records: {text}");
    };

    assert_eq!(full.outcome, Outcome::Completed);
    assert_eq!(full.version.as_deref(), Some("TLS 1.3"));
    assert_eq!(full.group.as_deref(), Some("X25519MLKEM768"));
    assert_eq!(full.certificate.as_deref(), Some("ECDSA P-256"));
    assert_eq!(full.server_name.as_deref(), Some("shop.example"));
    assert_eq!((full.resumed, full.key_operations), (false, 1));
    let events: Vec<_> = full
        .events
        .iter()
        .filter(|event| event.what != "ChangeCipherSpec")
        .map(|event| (event.from, event.to, event.what.as_str()))
        .collect();
    let (client, edge, key_server) = (Party::Client, Party::Edge, Party::KeyServer);
    assert_eq!(events[0], (client, edge, "ClientHello"));
    for expected in [
        (edge, key_server, "Tls13ServerCertificateVerify"),
        (key_server, edge, "signature"),
        (edge, client, "CertificateVerify"),
        (edge, client, "Finished"),
        (client, edge, "Finished"),
        (edge, client, "NewSessionTicket"),
        (client, edge, "HTTP request"),
        (edge, client, "HTTP response"),
    ] {
        assert!(events.contains(&expected), "{expected:?} in {events:?}");
    }
    assert!(full.events.iter().all(|event| event.bytes > 0));
    assert!(full.events.is_sorted_by_key(|event| event.at_us));
    let operation = |need: &&NeedTiming| need.kind == NeedTiming::KEY_OPERATION;
    assert!(full.needs.iter().find(operation).unwrap().us > 0);

    assert_eq!((resumed.resumed, resumed.key_operations), (true, 0));
    assert_eq!(resumed.certificate, None);
    assert!(
        resumed
            .needs
            .iter()
            .all(|need| need.kind != NeedTiming::KEY_OPERATION)
    );

    let Outcome::Failed(cause) = &failed.outcome else {
        panic!("it failed: {failed:?}");
    };
    assert!(
        cause.contains("no site has the name unknown.example"),
        "{cause}"
    );
    assert_eq!(failed.server_name.as_deref(), Some("unknown.example"));
    assert!(
        failed
            .peer
            .as_deref()
            .is_some_and(|peer| peer.starts_with("127.0.0.1:"))
    );
}
