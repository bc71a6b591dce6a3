//! Why a server is trusted or not.

use std::fs;

use keyward_pki::{Authority, KeyAlgorithm};

use super::{Stage, connect, openssl};
use crate::support::stand::NAME;

#[test]
fn trusted() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    stage.connect(&server.address, &[]).exits(0).says(&[
        "trusted as shop.example",
        "0  CN=shop.example",
        "for        shop.example",
        "key        ECDSA P-256",
        "396 days left",
        "signed by  *, CN=Test CA (ecdsa-with-SHA256)",
        "*  CN=Test CA, trusted here",
    ]);
}

#[test]
fn not_trusted() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let stranger = Authority::new("Stranger").unwrap();
    fs::write(stage.path("stranger.pem"), stranger.ca_pem()).unwrap();
    let arguments = ["--server-name", NAME, "--ca", &stage.text("stranger.pem")];
    connect(&server.address, &arguments, b"secret")
        .exits(1)
        .says(&[
            "NOT TRUSTED",
            "was issued by CN=Test CA, which is neither trusted nor among",
            "CN=Test CA, which is not here",
        ])
        .complains(&["is not trusted", "--ca FILE", "--insecure"]);
    // The server got an alert, and nothing of the input.
    let said = server.stop();
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn insecure_goes_on_and_says_why_not() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    stage
        .connect(
            &server.address,
            &["--server-name", "bank.example", "--insecure"],
        )
        .exits(2);
    let ca = stage.text("ca.pem");
    let arguments = ["--server-name", "bank.example", "--insecure", "--ca", &ca];
    connect(&server.address, &arguments, b"").exits(0).says(&[
        "NOT TRUSTED",
        "the certificate is for shop.example, not for bank.example",
        "version         TLS 1.3",
    ]);
}

#[test]
fn expired() {
    let stage = Stage::new();
    let request = keyward_pki::Request {
        days: 0,
        ..keyward_pki::Request::new(&[NAME], KeyAlgorithm::P256, keyward_pki::Usage::Server)
    };
    stage.save("expired", &stage.authority.issue(&request).unwrap());
    let Some(server) = openssl::serve(&stage, "expired", &[]) else {
        return;
    };
    // It was valid until the moment in which it was made.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    stage.connect(&server.address, &[]).exits(1).says(&[
        "NOT TRUSTED",
        "expired on",
        "the peer has to renew it",
    ]);
}

#[test]
fn a_certificate_that_is_trusted_itself() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "rsa", &[]) else {
        return;
    };
    let saved = stage.text("saved.pem");
    let arguments = ["--server-name", NAME, "--insecure", "--save-chain", &saved];
    connect(&server.address, &arguments, b"").exits(0);
    let arguments = ["--server-name", NAME, "--ca", &saved];
    connect(&server.address, &arguments, b"")
        .exits(0)
        .says(&["trusted as shop.example", "RSA 2048"]);
}

#[test]
fn a_stapled_response_can_be_demanded() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    stage
        .connect(&server.address, &["--require-ocsp"])
        .exits(1)
        .says(&["no OCSP response for the certificate of shop.example was stapled"]);
}
