//! What is offered, and what comes of it.

use super::{Stage, openssl};

#[test]
fn the_best_of_both() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let said = stage.connect(&server.address, &[]).exits(0);
    assert_eq!(said.row("version"), "TLS 1.3");
    assert_eq!(said.row("signature"), "ecdsa_secp256r1_sha256");
    assert_eq!(said.row("ALPN"), "none");
    assert_eq!(said.row("client auth"), "not asked for");
    assert!(said.row("took").ends_with("with 1 round trip"), "{said:?}");
}

#[test]
fn one_suite_and_one_group() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "rsa", &[]) else {
        return;
    };
    let offer = [
        "--ciphers",
        "tls_chacha20_poly1305_sha256",
        "--groups",
        "secp384r1",
    ];
    let said = stage.connect(&server.address, &offer).exits(0);
    assert_eq!(said.row("cipher suite"), "TLS_CHACHA20_POLY1305_SHA256");
    assert_eq!(said.row("key exchange"), "secp384r1");
    assert_eq!(said.row("signature"), "rsa_pss_rsae_sha256");
}

#[test]
fn another_group_costs_a_round_trip() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &["-groups", "P-384"]) else {
        return;
    };
    let said = stage.connect(&server.address, &[]).exits(0);
    assert_eq!(
        said.row("key exchange"),
        "secp384r1, after HelloRetryRequest"
    );
    assert!(said.row("took").ends_with("with 2 round trips"), "{said:?}");
}

#[test]
fn tls12() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let said = stage.connect(&server.address, &["--tls12"]).exits(0);
    assert_eq!(said.row("version"), "TLS 1.2");
    assert!(said.row("took").ends_with("with 2 round trips"), "{said:?}");
}

#[test]
fn alpn() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &["-alpn", "http/1.1"]) else {
        return;
    };
    let said = stage
        .connect(&server.address, &["--alpn", "h2,http/1.1"])
        .exits(0);
    assert_eq!(said.row("ALPN"), "http/1.1");
    stage
        .connect(&server.address, &["--alpn", "h3"])
        .exits(1)
        .complains(&["no_application_protocol", "try others, or none"]);
}

#[test]
fn wrong_offers() {
    let stage = Stage::new();
    for (offer, words) in [
        (
            &["--ciphers", "TLS_RSA_WITH_AES_128_GCM_SHA256"][..],
            &["not in the policy", "add --policy legacy"][..],
        ),
        (
            &["--ciphers", "RC4-MD5"],
            &[
                "\"RC4-MD5\" is no cipher suite that Keyward has",
                "TLS_AES_128_GCM_SHA256",
            ],
        ),
        (
            &["--groups", "P-256"],
            &["\"P-256\" is no group that Keyward has", "secp256r1"],
        ),
        (
            &["--tls12", "--policy", "modern"],
            &["has no TLS 1.2", "--policy intermediate"],
        ),
    ] {
        stage
            .connect("127.0.0.1:1", offer)
            .exits(2)
            .complains(words);
    }
}

#[test]
fn rsa_key_transport_is_named_as_what_it_is() {
    let stage = Stage::new();
    let options = ["-tls1_2", "-cipher", "AES128-GCM-SHA256"];
    let Some(server) = openssl::serve(&stage, "rsa", &options) else {
        return;
    };
    let said = stage
        .connect(&server.address, &["--policy", "legacy"])
        .exits(0);
    assert_eq!(said.row("cipher suite"), "TLS_RSA_WITH_AES_128_GCM_SHA256");
    assert_eq!(
        said.row("key exchange"),
        "RSA key transport, without forward secrecy"
    );
    stage
        .connect(&server.address, &[])
        .exits(1)
        .complains(&["handshake_failure", "try --policy legacy"]);
}

#[test]
fn a_key_that_may_only_sign_takes_no_premaster_secret() {
    let stage = Stage::new();
    let key = stage.text("signs.key");
    let certificate = stage.text("signs.pem");
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=shop.example",
        "-addext",
        "subjectAltName=DNS:shop.example",
        "-addext",
        "keyUsage=digitalSignature",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ];
    if std::process::Command::new("openssl")
        .args(arguments)
        .output()
        .is_err()
    {
        return;
    }
    let Some(server) = openssl::serve(&stage, "signs", &["-tls1_2"]) else {
        return;
    };
    let trusted = ["--ca", &certificate];
    stage.connect(&server.address, &trusted).exits(0);
    let suite = [
        "--policy",
        "legacy",
        "--ciphers",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "--ca",
        &certificate,
    ];
    stage
        .connect(&server.address, &suite)
        .exits(1)
        .complains(&["the Key Usage of the server's certificate does not allow"]);
}
