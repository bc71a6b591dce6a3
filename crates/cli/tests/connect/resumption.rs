//! A second connection that takes up the session of the first.

use std::fs;

use super::{Stage, openssl};

#[test]
fn tls13() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let said = stage.connect(&server.address, &["--resume"]).exits(0);
    let said = said.says(&[
        "new; 2 tickets for 2 hours, no early data",
        "trusted as shop.example",
    ]);
    assert!(said.row("session").starts_with("resumed"), "{said:?}");
    assert_eq!(said.row("client auth"), "as in the session");
}

#[test]
fn tls12() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &["-tls1_2"]) else {
        return;
    };
    let said = stage.connect(&server.address, &["--resume"]).exits(0);
    assert!(said.row("session").starts_with("resumed"), "{said:?}");
    assert!(said.row("took").ends_with("with 1 round trip"), "{said:?}");
    assert_eq!(
        said.row("key exchange"),
        "none, the secret is the session's"
    );
}

#[test]
fn a_server_that_gives_no_session() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &["-num_tickets", "0"]) else {
        return;
    };
    stage
        .connect(&server.address, &["--resume"])
        .exits(1)
        .says(&["new; the server gave nothing to resume it by"])
        .complains(&["gave nothing to resume", "may be off there"]);
}

#[test]
fn early_data() {
    let stage = Stage::new();
    let options = ["-early_data", "-no_anti_replay"];
    let Some(server) = openssl::serve(&stage, "ecdsa", &options) else {
        return;
    };
    fs::write(stage.path("early"), "said too early").unwrap();
    let early = stage.text("early");
    let arguments = ["--early-data", &early, "--draw", "--wait", "1"];
    let said = stage.connect(&server.address, &arguments).exits(0);
    let said = said.says(&[
        "16384 bytes of early data",
        "ClientHello, ChangeCipherSpec, early data",
    ]);
    assert_eq!(said.row("early data"), "accepted");
    let heard = server.stop();
    assert_eq!(heard.matches("said too early").count(), 1, "{heard}");
}

#[test]
fn early_data_that_the_server_does_not_take_is_sent_again() {
    let stage = Stage::new();
    // It gives sessions with early data, and takes none of it a second time.
    let Some(server) = openssl::serve(&stage, "ecdsa", &["-max_early_data", "1000"]) else {
        return;
    };
    fs::write(stage.path("early"), "said too early").unwrap();
    let early = stage.text("early");
    let arguments = ["--early-data", &early, "--wait", "1"];
    let said = stage.connect(&server.address, &arguments).exits(0);
    assert_eq!(said.row("early data"), "rejected");
    let heard = server.stop();
    assert_eq!(heard.matches("said too early").count(), 1, "{heard}");
}
