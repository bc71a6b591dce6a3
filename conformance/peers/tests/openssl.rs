//! OpenSSL's `s_client`.

use std::sync::LazyLock;

use keyward_peers::{
    Site, Stand,
    openssl::{self, SClient},
    peer_or_skip,
};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

/// RFC 9846 §6, RFC 5246 §7.2
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const UNRECOGNIZED_NAME: u8 = 112;

#[test]
fn tls13_suites() {
    let openssl = peer_or_skip!("openssl");
    for suite in [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    ] {
        let host = STAND.host(Site::Ecdsa);
        let outcome = SClient::new(&openssl, &STAND, &host)
            .arg("-tls1_3")
            .option("-ciphersuites", suite)
            .get("/")
            .answered();
        let session = outcome.session();
        assert_eq!(
            (session.version.as_str(), session.cipher.as_str()),
            ("TLSv1.3", suite)
        );
        assert!(!session.resumed);

        let record = STAND.handshake(&host);
        assert_eq!(record.version.as_deref(), Some("TLS 1.3"));
        assert_eq!(record.cipher_suite.as_deref(), Some(suite));
        assert_eq!(record.key_operations, 1);
    }
}

#[test]
fn tls12_suites() {
    let openssl = peer_or_skip!("openssl");
    let cases = [
        (
            Site::Ecdsa,
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            Site::Ecdsa,
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            Site::Ecdsa,
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            Site::Rsa,
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            Site::Rsa,
            "ECDHE-RSA-AES256-GCM-SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            Site::Rsa,
            "ECDHE-RSA-CHACHA20-POLY1305",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
    ];
    for (site, cipher, iana) in cases {
        let host = STAND.host(site);
        let outcome = SClient::new(&openssl, &STAND, &host)
            .arg("-tls1_2")
            .option("-cipher", cipher)
            .get("/")
            .answered();
        let session = outcome.session();
        assert_eq!(
            (session.version.as_str(), session.cipher.as_str()),
            ("TLSv1.2", cipher)
        );
        assert!(
            outcome.0.text.contains("Extended master secret: yes"),
            "{}",
            outcome.0.text
        );
        assert!(
            outcome.0.text.contains("Secure Renegotiation IS supported"),
            "{}",
            outcome.0.text
        );

        let record = STAND.handshake(&host);
        assert_eq!(record.version.as_deref(), Some("TLS 1.2"));
        assert_eq!(record.cipher_suite.as_deref(), Some(iana));
        assert_eq!(record.key_operations, 1);
    }
}

#[test]
fn groups() {
    let openssl = peer_or_skip!("openssl");
    for version in ["-tls1_3", "-tls1_2"] {
        for (group, shown, iana) in [
            ("X25519", "X25519", "x25519"),
            ("P-256", "ECDH, prime256v1", "secp256r1"),
            ("P-384", "ECDH, secp384r1", "secp384r1"),
        ] {
            let host = STAND.host(Site::Ecdsa);
            // The certificate's curve has to be offered in TLS 1.2 (RFC 8422 §5.1), after the group that is wanted.
            let offer = if group == "P-256" {
                group.to_owned()
            } else {
                format!("{group}:P-256")
            };
            let outcome = SClient::new(&openssl, &STAND, &host)
                .args(&[version, "-msg"])
                .option("-groups", if version == "-tls1_3" { group } else { &offer })
                .get("/")
                .answered();
            assert_eq!(outcome.client_hellos(), 1);
            if version == "-tls1_3" {
                assert_eq!(outcome.group(), Some(shown), "{}", outcome.0.text);
                assert_eq!(STAND.handshake(&host).group.as_deref(), Some(iana));
            } else {
                assert!(STAND.handshake(&host).group.is_some());
            }
        }
    }
}

/// `s_client` sends a key share for the first group only: here one that the edge does not have.
#[test]
fn hello_retry_request() {
    let openssl = peer_or_skip!("openssl");
    for (offer, shown) in [
        ("P-521:X25519", "X25519"),
        ("X448:P-256", "ECDH, prime256v1"),
        ("ffdhe2048:P-384", "ECDH, secp384r1"),
    ] {
        let host = STAND.host(Site::Ecdsa);
        let outcome = SClient::new(&openssl, &STAND, &host)
            .args(&["-tls1_3", "-msg"])
            .option("-groups", offer)
            .get("/")
            .answered();
        assert_eq!(
            outcome.client_hellos(),
            2,
            "no HelloRetryRequest:\n{}",
            outcome.0.text
        );
        assert_eq!(outcome.group(), Some(shown));
        let record = STAND.handshake(&host);
        assert!(
            record
                .events
                .iter()
                .any(|event| event.what == "HelloRetryRequest"),
            "{record:#?}"
        );
    }
}

#[test]
fn no_common_group() {
    let openssl = peer_or_skip!("openssl");
    let outcome = SClient::new(&openssl, &STAND, &STAND.host(Site::Ecdsa))
        .arg("-tls1_3")
        .option("-groups", "P-521:X448")
        .get("/");
    assert!(!outcome.connected());
    assert_eq!(
        outcome.alert(),
        Some(HANDSHAKE_FAILURE),
        "{}",
        outcome.0.text
    );
}

#[test]
fn certificates_and_signatures() {
    let openssl = peer_or_skip!("openssl");
    let cases: [(Site, &str, Option<&str>, &str); 8] = [
        (Site::Ecdsa, "-tls1_3", None, "ECDSA"),
        (Site::Rsa, "-tls1_3", None, "RSA-PSS"),
        (Site::Rsa, "-tls1_2", Some("RSA+SHA256"), "RSA"),
        (Site::Ed25519, "-tls1_3", None, "ed25519"),
        (Site::Ed25519, "-tls1_2", None, "ed25519"),
        // Both certificates would do: the cheaper one.
        (Site::Both, "-tls1_3", None, "ECDSA"),
        (
            Site::Both,
            "-tls1_3",
            Some("rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp521r1_sha512"),
            "RSA-PSS",
        ),
        (Site::Both, "-tls1_2", Some("rsa_pkcs1_sha256"), "RSA"),
    ];
    for (site, version, offered, signature) in cases {
        let host = STAND.host(site);
        let mut client = SClient::new(&openssl, &STAND, &host).arg(version);
        if let Some(offered) = offered {
            // The CA's own signature, which the client checks as well, is ECDSA with P-256.
            client = client.option("-sigalgs", offered);
        }
        let outcome = client.get("/").answered();
        assert_eq!(
            outcome.signature(),
            Some(signature),
            "{site:?} {version} {offered:?}:\n{}",
            outcome.0.text
        );
    }
}

#[test]
fn every_digest() {
    let openssl = peer_or_skip!("openssl");
    for scheme in [
        "rsa_pss_rsae_sha256",
        "rsa_pss_rsae_sha384",
        "rsa_pss_rsae_sha512",
    ] {
        for version in ["-tls1_3", "-tls1_2"] {
            let outcome = SClient::new(&openssl, &STAND, &STAND.host(Site::Rsa))
                .arg(version)
                .option("-sigalgs", scheme)
                .get("/")
                .answered();
            assert_eq!(outcome.signature(), Some("RSA-PSS"));
            let digest = outcome
                .0
                .after("Peer signing digest: ")
                .map(str::to_lowercase);
            assert_eq!(digest.as_deref(), scheme.strip_prefix("rsa_pss_rsae_"));
        }
    }
}

#[test]
fn alpn() {
    let openssl = peer_or_skip!("openssl");
    for (offer, agreed) in [
        ("http/1.1", Some("http/1.1")),
        ("spdy/1,http/1.1", Some("http/1.1")),
    ] {
        let outcome = SClient::new(&openssl, &STAND, &STAND.host(Site::Ecdsa))
            .option("-alpn", offer)
            .get("/")
            .answered();
        assert_eq!(outcome.alpn(), agreed);
    }
}

#[test]
fn resumption() {
    let openssl = peer_or_skip!("openssl");
    for (name, arguments, signature_algorithm) in [
        ("tls13", &["-tls1_3"][..], "TLSv1.3"),
        ("tls12-ticket", &["-tls1_2"], "TLSv1.2"),
        ("tls12-session-id", &["-tls1_2", "-no_ticket"], "TLSv1.2"),
    ] {
        let host = STAND.host(Site::Ecdsa);
        let file = STAND.directory().join(format!("{name}.session"));
        let first = SClient::new(&openssl, &STAND, &host)
            .args(arguments)
            .option("-sess_out", &file)
            .get("/")
            .answered();
        assert!(!first.session().resumed, "{name}");
        assert!(file.exists(), "{name}: no session was issued");
        let second = SClient::new(&openssl, &STAND, &host)
            .args(arguments)
            .option("-sess_in", &file)
            .get("/")
            .answered();
        let session = second.session();
        assert!(session.resumed, "{name}:\n{}", second.0.text);
        assert_eq!(session.version, signature_algorithm, "{name}");

        let records = STAND.handshakes(&host, 2);
        let counts: Vec<_> = records
            .iter()
            .map(|record| (record.resumed, record.key_operations))
            .collect();
        assert_eq!(counts, [(false, 1), (true, 0)], "{name}");
    }
}

/// `-reconnect` makes five more connections, and says nothing on the first five.
#[test]
fn reconnect() {
    let openssl = peer_or_skip!("openssl");
    for tickets in [&["-tls1_2"][..], &["-tls1_2", "-no_ticket"]] {
        let host = STAND.host(Site::Ecdsa);
        let outcome = SClient::new(&openssl, &STAND, &host)
            .args(tickets)
            .arg("-reconnect")
            .get("/")
            .answered();
        let count = |kind: &str| outcome.0.text.matches(kind).count();
        let found = (count("\nNew, TLSv1.2"), count("\nReused, TLSv1.2"));
        assert_eq!(found, (1, 5), "{tickets:?}:\n{}", outcome.0.text);
        let records = STAND.handshakes(&host, 6);
        let operations: u32 = records.iter().map(|record| record.key_operations).sum();
        assert_eq!(operations, 1);
    }
}

/// A session is one of the name that it was made for (RFC 6066 §3).
#[test]
fn session_of_another_site_is_not_resumed() {
    let openssl = peer_or_skip!("openssl");
    for version in ["-tls1_3", "-tls1_2"] {
        let file = STAND.directory().join(format!("other{version}.session"));
        let first = SClient::new(&openssl, &STAND, &STAND.host(Site::Ecdsa))
            .args(&[version, "-msg"])
            .option("-sess_out", &file)
            .get("/")
            .answered();
        let second = SClient::new(&openssl, &STAND, &STAND.host(Site::Both))
            .args(&[version, "-msg"])
            .option("-sess_in", &file)
            .get("/")
            .answered();
        let lengths = (
            first.client_hello_len().unwrap(),
            second.client_hello_len().unwrap(),
        );
        assert!(
            lengths.1 > lengths.0 + 50,
            "{version}: the session was not offered: {lengths:?}"
        );
        assert!(!second.session().resumed, "{version}:\n{}", second.0.text);
    }
}

#[test]
fn rsa_key_transport_under_legacy() {
    let openssl = peer_or_skip!("openssl");
    for (cipher, iana) in [
        ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    ] {
        let host = STAND.host(Site::Legacy);
        let outcome = SClient::new(&openssl, &STAND, &host)
            .arg("-tls1_2")
            .option("-cipher", cipher)
            .get("/")
            .answered();
        assert_eq!(outcome.session().cipher, cipher);
        let record = STAND.handshake(&host);
        assert_eq!(record.cipher_suite.as_deref(), Some(iana));
        assert_eq!(record.group, None);
        assert_eq!(record.key_operations, 1);
    }
}

#[test]
fn refusals() {
    let openssl = peer_or_skip!("openssl");
    let cases: [(&str, Site, &[&str], u8); 5] = [
        (
            "TLS 1.1",
            Site::Rsa,
            &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
            PROTOCOL_VERSION,
        ),
        (
            "TLS 1.2 under modern",
            Site::Modern,
            &["-tls1_2"],
            PROTOCOL_VERSION,
        ),
        (
            "CBC",
            Site::Ecdsa,
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
            HANDSHAKE_FAILURE,
        ),
        (
            "RSA key transport outside legacy",
            Site::Rsa,
            &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
            HANDSHAKE_FAILURE,
        ),
        (
            "a finite-field group",
            Site::Rsa,
            &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
            HANDSHAKE_FAILURE,
        ),
    ];
    for (what, site, arguments, alert) in cases {
        let outcome = SClient::new(&openssl, &STAND, &STAND.host(site))
            .args(arguments)
            .get("/");
        assert!(
            !outcome.connected(),
            "{what} was accepted:\n{}",
            outcome.0.text
        );
        assert_eq!(outcome.alert(), Some(alert), "{what}:\n{}", outcome.0.text);
    }
    let outcome = SClient::new(&openssl, &STAND, "stranger.example").get("/");
    assert!(!outcome.connected());
    assert_eq!(
        outcome.alert(),
        Some(UNRECOGNIZED_NAME),
        "{}",
        outcome.0.text
    );
}

#[test]
fn key_update_both_ways() {
    let openssl = peer_or_skip!("openssl");
    let mut client = SClient::new(&openssl, &STAND, &STAND.host(Site::Echo))
        .args(&["-tls1_3", "-msg"])
        .converse();
    client.expect("Verify return code: 0 (ok)");
    client.send(b"before\n");
    client.expect("before\n");
    // `K`: new keys here, and a request that the edge takes new ones.
    client.send(b"K\n");
    client.expect("KEYUPDATE");
    client.send(b"between\n");
    client.expect("between\n");
    // `k`: new keys here alone.
    client.send(b"k\n");
    client.expect("KEYUPDATE");
    client.send(b"after\n");
    client.expect("after\n");
    client.send(b"Q\n");
    let finished = client.finish();
    assert_eq!(
        openssl::messages(&finished.text, ">>>", "KeyUpdate"),
        2,
        "{}",
        finished.text
    );
    assert_eq!(
        openssl::messages(&finished.text, "<<<", "KeyUpdate"),
        1,
        "{}",
        finished.text
    );
}

/// RFC 5246 §7.2.2, no_renegotiation: a warning, and the connection goes on.
#[test]
fn renegotiation_is_refused() {
    let openssl = peer_or_skip!("openssl");
    let mut client = SClient::new(&openssl, &STAND, &STAND.host(Site::Echo))
        .arg("-tls1_2")
        .converse();
    client.expect("Verify return code: 0 (ok)");
    client.send(b"before\n");
    client.expect("before\n");
    client.send(b"R\n");
    client.expect("RENEGOTIATING");
    client.expect("no renegotiation");
    client.finish();
}
