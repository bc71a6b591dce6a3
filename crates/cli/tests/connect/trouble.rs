//! What does not work, why, and what to do about it.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{Stage, connect, openssl, rustls_server};

#[test]
fn nothing_listens() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = dead.local_addr().unwrap().to_string();
    drop(dead);
    Stage::new().connect(&address, &[]).exits(1).complains(&[
        "cannot connect to",
        "nothing listens on",
        "check the port",
    ]);
}

#[test]
fn no_such_host() {
    Stage::new()
        .connect("no-such-host.invalid:443", &["--timeout", "5"])
        .exits(1)
        .complains(&["no-such-host.invalid", "getent hosts"]);
}

/// A server that says this when somebody has spoken, or at once.
fn speaks(words: &'static [u8], first: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        if !first {
            let mut heard = [0; 64];
            let _ = socket.read(&mut heard);
        }
        let _ = socket.write_all(words);
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
    });
    address
}

#[test]
fn plain_http() {
    let address = speaks(b"HTTP/1.1 400 Bad Request\r\n\r\n", false);
    Stage::new().connect(&address, &[]).exits(1).complains(&[
        "what answers does not speak TLS",
        "\"HTTP/1.1 400 Bad Request\"",
        "it is plain HTTP",
    ]);
}

#[test]
fn mail() {
    let address = speaks(b"220 mail.example ESMTP\r\n", true);
    Stage::new()
        .connect(&address, &[])
        .exits(1)
        .complains(&["STARTTLS", "465"]);
}

#[test]
fn silence() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    Stage::new()
        .connect(&address, &["--timeout", "1"])
        .exits(1)
        .complains(&["no answer in time", "--timeout"]);
}

#[test]
fn a_server_that_hangs_up() {
    let address = speaks(b"", false);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    drop(address);
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || drop(listener.accept().unwrap()));
    Stage::new()
        .connect(&address, &[])
        .exits(1)
        .complains(&["it may not speak TLS on this port"]);
}

#[test]
fn nothing_in_common() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &["-tls1_2"]) else {
        return;
    };
    stage
        .connect(&server.address, &["--tls13"])
        .exits(1)
        .complains(&["protocol_version", "try without --tls12 or --tls13"]);
}

#[test]
fn a_server_that_does_not_say_goodbye() {
    let stage = Stage::new();
    let Some(server) = openssl::serve(&stage, "ecdsa", &[]) else {
        return;
    };
    let address = server.address.clone();
    let ending = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(800));
        server.stop();
    });
    stage
        .connect_with(&address, &["--wait", "10"], b"hello")
        .exits(1)
        .complains(&["ended without close_notify"]);
    ending.join().unwrap();
}

/// Says goodbye as soon as the handshake is complete.
#[test]
fn a_server_that_has_nothing_to_say() {
    let stage = Stage::new();
    let address = rustls_server::start(&stage, rustls_server::hang_up);
    for options in [&["--tls13"][..], &["--tls12"], &["--tls13", "--resume"]] {
        stage
            .connect_with(&address, options, b"hello")
            .exits(0)
            .says(&["trusted as shop.example"]);
    }
}

#[test]
fn files_that_are_not_there() {
    for (arguments, words) in [
        (&["--ca", "/no/ca.pem"][..], "/no/ca.pem cannot be read"),
        (
            &["--ca", "/etc/hostname"],
            "/etc/hostname: no certificate is in it",
        ),
        (&["--crl", "/no/crl.pem"], "/no/crl.pem cannot be read"),
        (&["--key-log", "/no/keys"], "/no/keys cannot be written"),
        (&["--early-data", "/no/data"], "/no/data cannot be read"),
    ] {
        let mut arguments = arguments.to_vec();
        arguments.push("--insecure");
        connect("127.0.0.1:1", &arguments, b"")
            .exits(3)
            .complains(&[words]);
    }
}

#[test]
fn what_is_no_address() {
    for (target, words) in [
        ("http://shop.example", "http:// is not TLS"),
        ("shop.example:https", "is no port"),
        ("[::1", "closing bracket"),
    ] {
        connect(target, &[], b"").exits(2).complains(&[words]);
    }
    let arguments = ["--server-name", "not a name", "--insecure"];
    connect("127.0.0.1:1", &arguments, b"")
        .exits(2)
        .complains(&["cannot be asked for"]);
}
