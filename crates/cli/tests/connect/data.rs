//! Standard input goes to the server, and what comes from it to standard output.

use super::{Stage, openssl, rustls_server};
use crate::support::{Daemon, site};

const REQUEST: &[u8] = b"GET /cart HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

#[test]
fn a_request_to_keyward_serve() {
    let stage = Stage::new();
    let to = format!("http://{}", site::start());
    let (cert, key) = (stage.text("ecdsa.pem"), stage.text("ecdsa.key"));
    let mut daemon = Daemon::start(&[
        "serve",
        "--log-format",
        "json",
        "--listen",
        "127.0.0.1:0",
        "--cert",
        &cert,
        "--key",
        &key,
        "--to",
        &to,
    ]);
    let address = daemon.logged("listen").unwrap();
    let said = stage.connect_with(&address, &["--alpn", "http/1.1"], REQUEST);
    let said = said
        .exits(0)
        .says(&["you asked for /cart", "X25519MLKEM768, post-quantum"]);
    assert_eq!(said.row("ALPN"), "http/1.1");

    let quiet = stage.connect_with(&address, &["--quiet", "--resume"], REQUEST);
    let quiet = quiet.exits(0);
    assert!(quiet.stdout.starts_with("HTTP/1.1 200 OK"), "{quiet:?}");
    assert_eq!(quiet.stderr, "");
}

#[test]
fn more_than_fits_anywhere() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let line = "0123456789abcdef".repeat(4);
    let input = format!("{line}\n").repeat(10_000);
    let arguments = ["--quiet", "--wait", "1"];
    stage
        .connect_with(&server.address, &arguments, input.as_bytes())
        .exits(0);
    let heard = server.stop();
    assert_eq!(heard.matches(&line).count(), 10_000);
}

#[test]
fn lines_end_as_wanted() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &["-rev"]) else {
        return;
    };
    let arguments = ["--quiet", "--wait", "1"];
    let said = stage.connect_with(&server.address, &arguments, b"drawer\n");
    assert_eq!(said.exits(0).stdout, "reward\n");
}

/// More than all buffers between the two hold: who sends it all before it reads waits for ever.
#[test]
fn a_server_that_answers_while_it_is_spoken_to() {
    let stage = Stage::new();
    let address = rustls_server::start(&stage, rustls_server::echo);
    let input = vec![b'x'; 24 * 1024 * 1024];
    let arguments = ["--quiet", "--wait", "1"];
    let said = stage
        .connect_with(&address, &arguments, &input)
        .exits_quietly(0);
    assert_eq!(said.stdout.len(), input.len());
}
