//! What the oldest clients of TLS 1.2 need, from OpenSSL through the edge to the key server, and back to the
//! service.

use std::sync::LazyLock;

use keyward_peers::{Site, Stand, openssl::SClient, peer_or_skip};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

/// Each takes another way through engine and key server: how the keys are exchanged, and how records are
/// protected.
const SUITES: [(&str, &str); 17] = [
    ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    ("AES128-SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    ("AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    ("AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (
        "ECDHE-RSA-AES128-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    ),
    (
        "ECDHE-RSA-AES256-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    ),
    ("ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    ("ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (
        "DHE-RSA-AES128-GCM-SHA256",
        "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        "DHE-RSA-AES256-GCM-SHA384",
        "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        "DHE-RSA-CHACHA20-POLY1305",
        "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        "DHE-RSA-AES128-SHA256",
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
    ),
    (
        "DHE-RSA-AES256-SHA256",
        "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    ),
    ("DHE-RSA-AES128-SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    ("DHE-RSA-AES256-SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
];

#[test]
fn every_suite_is_served_where_both_switches_are_on() {
    let openssl = peer_or_skip!("openssl");
    for (cipher, iana) in SUITES {
        let host = STAND.host(Site::Old);
        let outcome = SClient::new(&openssl, &STAND, &host)
            .args(&["-tls1_2", "-cipher", cipher])
            .get("/")
            .answered();
        assert_eq!(outcome.session().cipher, cipher);
        let record = STAND.handshake(&host);
        assert_eq!(record.cipher_suite.as_deref(), Some(iana));
        assert_eq!(record.key_operations, 1, "{cipher}");
    }
}

/// Without the key's own switch at the key server the edge's policy does not help: the handshake fails there.
#[test]
fn the_key_server_has_a_say() {
    let openssl = peer_or_skip!("openssl");
    let host = STAND.host(Site::Legacy);
    let outcome = SClient::new(&openssl, &STAND, &host)
        .args(&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"])
        .get("/");
    assert!(!outcome.connected(), "{}", outcome.0.text);
    assert_eq!(STAND.handshake(&host).key_operations, 1);
}

/// The extension by which the MAC covers the ciphertext (RFC 7366).
#[test]
fn encrypt_then_mac() {
    let openssl = peer_or_skip!("openssl");
    for cipher in ["ECDHE-RSA-AES128-SHA", "AES256-SHA256"] {
        let outcome = SClient::new(&openssl, &STAND, &STAND.host(Site::Old))
            .args(&["-tls1_2", "-tlsextdebug", "-cipher", cipher])
            .get("/")
            .answered();
        assert_eq!(outcome.session().cipher, cipher);
        let text = &outcome.0.text;
        assert!(
            text.contains("TLS server extension \"encrypt-then-mac\""),
            "{text}"
        );
    }
}

#[test]
fn sessions_are_resumed() {
    let openssl = peer_or_skip!("openssl");
    for cipher in ["AES128-SHA", "DHE-RSA-AES128-SHA256"] {
        for tickets in [&[][..], &["-no_ticket"]] {
            let host = STAND.host(Site::Old);
            let file = STAND.directory().join(format!("{host}.session"));
            let client = |option| {
                SClient::new(&openssl, &STAND, &host)
                    .args(&["-tls1_2", "-cipher", cipher])
                    .args(tickets)
                    .option(option, &file)
                    .get("/")
                    .answered()
            };
            client("-sess_out");
            assert!(client("-sess_in").session().resumed, "{cipher}");
            let records = STAND.handshakes(&host, 2);
            assert_eq!(records[1].key_operations, 0);
        }
    }
}

/// `R` makes `s_client` renegotiate; what follows goes over the renegotiated connection.
#[test]
fn renegotiation_where_it_is_switched_on() {
    let openssl = peer_or_skip!("openssl");
    for cipher in [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES128-SHA",
        "DHE-RSA-AES128-SHA",
    ] {
        let host = STAND.host(Site::Old);
        let mut client = SClient::new(&openssl, &STAND, &host)
            .args(&["-tls1_2", "-msg", "-cipher", cipher])
            .converse();
        client.expect("Verify return code: 0 (ok)");
        client.send(b"R\n");
        client.expect("RENEGOTIATING");
        // A whole handshake, with a key operation of its own.
        client.expect("ServerHelloDone");
        client.expect("<<< TLS 1.2, Handshake [length 0010], Finished");
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        client.send(request.as_bytes());
        client.expect("HTTP/1.1 200 OK");
        client.finish();
    }
}

#[test]
fn renegotiation_is_refused_elsewhere() {
    let openssl = peer_or_skip!("openssl");
    for site in [Site::Rsa, Site::Legacy] {
        let mut client = SClient::new(&openssl, &STAND, &STAND.host(site))
            .args(&["-tls1_2", "-msg"])
            .converse();
        client.expect("Verify return code: 0 (ok)");
        client.send(b"R\n");
        client.expect("no_renegotiation");
    }
}
