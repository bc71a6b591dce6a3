//! `gnutls-cli`.

use std::sync::LazyLock;

use keyward_peers::{Site, Stand, gnutls::GnutlsCli, peer_or_skip};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

#[test]
fn versions() {
    let gnutls = peer_or_skip!("gnutls-cli");
    for (priority, shown) in [
        ("NORMAL:-VERS-ALL:+VERS-TLS1.3", "(TLS1.3-"),
        ("NORMAL:-VERS-ALL:+VERS-TLS1.2", "(TLS1.2-"),
    ] {
        for site in [
            Site::Ecdsa,
            Site::Rsa,
            Site::Both,
            Site::Ed25519,
            Site::Legacy,
        ] {
            let outcome = GnutlsCli::new(&gnutls, &STAND, &STAND.host(site), priority)
                .get(&STAND, "/")
                .answered();
            assert!(
                outcome.description().starts_with(shown),
                "{site:?}: {}",
                outcome.description()
            );
        }
    }
}

#[test]
fn groups() {
    let gnutls = peer_or_skip!("gnutls-cli");
    for (group, iana) in [
        ("X25519", "x25519"),
        ("SECP256R1", "secp256r1"),
        ("SECP384R1", "secp384r1"),
    ] {
        let host = STAND.host(Site::Rsa);
        let priority = format!("NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-{group}");
        let outcome = GnutlsCli::new(&gnutls, &STAND, &host, &priority)
            .get(&STAND, "/")
            .answered();
        assert!(
            outcome.description().contains(&format!("(ECDHE-{group})")),
            "{}",
            outcome.description()
        );
        assert_eq!(STAND.handshake(&host).group.as_deref(), Some(iana));
    }
}

/// One key share, for a group that the edge does not have.
#[test]
fn hello_retry_request() {
    let gnutls = peer_or_skip!("gnutls-cli");
    let host = STAND.host(Site::Ecdsa);
    let priority = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE2048:+GROUP-X25519";
    let outcome = GnutlsCli::new(&gnutls, &STAND, &host, priority)
        .arg("--single-key-share")
        .get(&STAND, "/")
        .answered();
    assert!(
        outcome.description().contains("(ECDHE-X25519)"),
        "{}",
        outcome.description()
    );
    let record = STAND.handshake(&host);
    assert!(
        record
            .events
            .iter()
            .any(|event| event.what == "HelloRetryRequest"),
        "{record:#?}"
    );
}

#[test]
fn suites() {
    let gnutls = peer_or_skip!("gnutls-cli");
    for version in ["1.2", "1.3"] {
        for cipher in ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"] {
            let priority = format!("NORMAL:-VERS-ALL:+VERS-TLS{version}:-CIPHER-ALL:+{cipher}");
            let outcome = GnutlsCli::new(&gnutls, &STAND, &STAND.host(Site::Ecdsa), &priority)
                .get(&STAND, "/")
                .answered();
            assert!(
                outcome.description().ends_with(&format!("({cipher})")),
                "{}",
                outcome.description()
            );
        }
    }
}

#[test]
fn priority_strings() {
    let gnutls = peer_or_skip!("gnutls-cli");
    // SECURE192 and SECURE256 are not among them: with these, GnuTLS rejects every P-256 and RSA-2048 certificate.
    for priority in [
        "NORMAL",
        "PERFORMANCE",
        "PFS",
        "SECURE128",
        "SUITEB128",
        "LEGACY",
    ] {
        GnutlsCli::new(&gnutls, &STAND, &STAND.host(Site::Both), priority)
            .get(&STAND, "/")
            .answered();
    }
}

#[test]
fn resumption() {
    let gnutls = peer_or_skip!("gnutls-cli");
    for (name, priority, arguments) in [
        (
            "TLS 1.3",
            "NORMAL:-VERS-ALL:+VERS-TLS1.3",
            &["--waitresumption"][..],
        ),
        ("TLS 1.2 by ticket", "NORMAL:-VERS-ALL:+VERS-TLS1.2", &[]),
        (
            "TLS 1.2 by session ID",
            "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            &["--noticket"],
        ),
    ] {
        let host = STAND.host(Site::Ecdsa);
        let outcome = GnutlsCli::new(&gnutls, &STAND, &host, priority)
            .arg("--resume")
            .args(arguments)
            .get(&STAND, "/")
            .answered();
        assert!(outcome.resumed(), "{name}:\n{}", outcome.0.text);
        let records = STAND.handshakes(&host, 2);
        let counts: Vec<_> = records
            .iter()
            .map(|record| (record.resumed, record.key_operations))
            .collect();
        assert_eq!(counts, [(false, 1), (true, 0)], "{name}");
    }
}

#[test]
fn rsa_key_transport_under_legacy() {
    let gnutls = peer_or_skip!("gnutls-cli");
    for cipher in ["AES-128-GCM", "AES-256-GCM"] {
        let priority = format!("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:-CIPHER-ALL:+{cipher}");
        let host = STAND.host(Site::Legacy);
        let outcome = GnutlsCli::new(&gnutls, &STAND, &host, &priority)
            .get(&STAND, "/")
            .answered();
        assert!(
            outcome.description().contains("-(RSA)-"),
            "{}",
            outcome.description()
        );
        assert_eq!(STAND.handshake(&host).key_operations, 1);
    }
}

#[test]
fn refusals() {
    let gnutls = peer_or_skip!("gnutls-cli");
    for (what, site, priority, alert) in [
        (
            "TLS 1.1",
            Site::Rsa,
            "NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_SIGN_WITH_SHA1",
            "Error in protocol version",
        ),
        (
            "TLS 1.2 under modern",
            Site::Modern,
            "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            "Error in protocol version",
        ),
        (
            "CBC",
            Site::Ecdsa,
            "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC",
            "Handshake failed",
        ),
        (
            "RSA key transport outside legacy",
            Site::Rsa,
            "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
            "Handshake failed",
        ),
    ] {
        let outcome = GnutlsCli::new(&gnutls, &STAND, &STAND.host(site), priority).get(&STAND, "/");
        assert_ne!(
            outcome.0.code,
            Some(0),
            "{what} was accepted:\n{}",
            outcome.0.text
        );
        assert!(outcome.alert(alert), "{what}:\n{}", outcome.0.text);
    }
}
