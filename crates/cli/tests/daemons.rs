//! Edge and key server as processes: requests go through, signals end them in order.

use std::io::{Read, Write};

use crate::support::requests::{client_config, connect, get};
use crate::support::site;
use crate::support::stand::{NAME, Stand};
use crate::support::{Daemon, eventually};

#[test]
fn a_request_goes_through_and_sigterm_ends_both() {
    let stand = Stand::new();
    let upstream = format!("http://{}", site::start());
    let (mut key_server, key_address) = stand.start_key_server();
    let (mut edge, address) = stand.start_edge(&key_address, &upstream, &["rsa", "ecdsa"]);
    let client = client_config(&stand.authority.ca_pem());
    let response = get(&client, &address, NAME, "/hello").unwrap();
    assert!(response.contains("you asked for /hello"), "{response}");

    assert_eq!(edge.stop().0, Some(0));
    assert_eq!(key_server.stop().0, Some(0));
}

#[test]
fn certificates_come_from_the_key_server_where_the_edge_has_none() {
    let stand = Stand::new();
    std::fs::copy(stand.path("certs/ecdsa.pem"), stand.path("keys/ecdsa.crt")).unwrap();
    let upstream = format!("http://{}", site::start());
    let (_key_server, key_address) = stand.start_key_server();
    let (_edge, address) = stand.start_edge(&key_address, &upstream, &[]);
    let client = client_config(&stand.authority.ca_pem());
    let response = get(&client, &address, NAME, "/").unwrap();
    assert!(response.contains("200 OK"), "{response}");
}

#[test]
fn an_open_connection_may_finish_after_sigterm() {
    let stand = Stand::new();
    let upstream = format!("http://{}", site::start());
    let (_key_server, key_address) = stand.start_key_server();
    let (mut edge, address) = stand.start_edge(&key_address, &upstream, &["ecdsa"]);
    let client = client_config(&stand.authority.ca_pem());
    let mut stream = connect(&client, &address, NAME).unwrap();
    // Half a request: the edge has to wait for the rest.
    write!(stream, "GET /late HTTP/1.1\r\nHost: {NAME}\r\n").unwrap();
    eventually("the edge has the first half", || {
        stream.flush().is_ok() && !stream.conn.wants_write()
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    edge.signal("TERM");
    std::thread::sleep(std::time::Duration::from_millis(200));
    write!(stream, "Connection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.contains("you asked for /late"), "{response}");
    assert_eq!(edge.wait().0, Some(0));
}

#[test]
fn an_attached_process_ends_with_its_parent() {
    let stand = Stand::new();
    let (mut key_server, _) = stand.start_key_server();
    assert!(key_server.is_running());
    key_server.leave();
    assert_eq!(key_server.wait().0, Some(0));
}

#[test]
fn an_address_that_is_taken_is_1() {
    let stand = Stand::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = stand.key_server_config(&address);
    let mut daemon = Daemon::start(&["keyserver", "--config", config.to_str().unwrap()]);
    let (code, stderr) = daemon.wait();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(&address), "{stderr}");
}

/// A changed chain is shown at once, and not only when the edge looks by itself.
#[test]
fn sighup_has_files_read_again() {
    let began = std::time::Instant::now();
    let stand = Stand::new();
    let upstream = format!("http://{}", site::start());
    let (_key_server, key_address) = stand.start_key_server();
    let (mut edge, address) = stand.start_edge(&key_address, &upstream, &["ecdsa"]);
    let client = client_config(&stand.authority.ca_pem());
    let leaf = || {
        let stream = connect(&client, &address, NAME).unwrap();
        stream.conn.peer_certificates().unwrap()[0].to_vec()
    };
    let before = leaf();
    std::fs::copy(stand.path("certs/rsa.pem"), stand.path("certs/ecdsa.pem")).unwrap();
    edge.signal("HUP");
    eventually("the new chain is shown", || leaf() != before);
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
    assert!(edge.is_running());
    assert_eq!(edge.stop().0, Some(0));
}
