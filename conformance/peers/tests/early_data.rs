//! Early data from OpenSSL, through the edge to the service.

use std::sync::LazyLock;

use keyward_peers::{Site, Stand, openssl::SClient, peer_or_skip};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

#[test]
fn openssl_sends_a_request_early() {
    let openssl = peer_or_skip!("openssl");
    let host = STAND.host(Site::Early);
    let session = STAND.directory().join("early.session");
    SClient::new(&openssl, &STAND, &host)
        .arg("-tls1_3")
        .option("-sess_out", &session)
        .get("/")
        .answered();
    let early = STAND.directory().join("early.request");
    let request = format!("GET /headers HTTP/1.1\r\nHost: {host}\r\n\r\n");
    std::fs::write(&early, request).unwrap();
    let outcome = SClient::new(&openssl, &STAND, &host)
        .arg("-tls1_3")
        .option("-sess_in", &session)
        .option("-early_data", &early)
        .get("/headers")
        .answered();
    let text = &outcome.0.text;
    assert!(outcome.session().resumed, "{text}");
    assert!(text.contains("Early data was accepted"), "{text}");
    // The first answer is to what came early, the second to what came after the handshake.
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
    assert_eq!(text.matches("\"early-data\":\"1\"").count(), 1, "{text}");

    // Of a site without, the ticket allows none.
    let host = STAND.host(Site::Ecdsa);
    let outcome = SClient::new(&openssl, &STAND, &host)
        .arg("-tls1_3")
        .option("-sess_out", &session)
        .get("/")
        .answered();
    let text = &outcome.0.text;
    assert!(text.contains("Max Early Data: 0"), "{text}");
}
