//! What is no TLS gets an alert or nothing, costs one log line, and nobody else notices.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use keyward_edge::FailureCause;

use super::support::{Client, Home, Service, Site, soon, until};

/// A fatal alert in a plaintext record: type 21, version, length 2, level 2.
fn is_fatal_alert(answer: &[u8]) -> bool {
    answer.len() == 7 && answer[0] == 21 && answer[3..6] == [0, 2, 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_its_own_connection_only() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut other = Client::new().http1(home.address(), "shop.example").await;

    let mut oversized = vec![22, 3, 1, 0xff, 0xff];
    oversized.extend([0; 100]);
    // A handshake message that announces 16 MiB, in a record that is well-formed.
    let huge = [22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff];
    let noise: Vec<u8> = (0..4096_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let inputs: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        &oversized,
        &huge,
        &noise,
    ];
    for (index, input) in inputs.iter().enumerate() {
        let mut socket = TcpStream::connect(home.address()).await.unwrap();
        let peer = socket.local_addr().unwrap().to_string();
        socket.write_all(input).await.unwrap();
        let mut answer = Vec::new();
        soon("the end of the connection", socket.read_to_end(&mut answer))
            .await
            .unwrap();
        assert!(is_fatal_alert(&answer), "input {index}: {answer:?}");
        let line = home.log.line(&["refused a connection", &peer]).await;
        assert!(line.contains(" INFO ") && line.contains("cause="), "{line}");
    }
    assert_eq!(home.edge().counts().failed(FailureCause::Protocol), 5);

    let request = http::Request::get("/").header("host", "shop.example");
    let response = other
        .text(request.body(super::support::full("")).unwrap())
        .await;
    assert_eq!(response, (200, "hello".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_record_and_nothing_at_all() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut waiting = Vec::new();
    for input in [&b""[..], &[22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]] {
        let mut socket = TcpStream::connect(home.address()).await.unwrap();
        socket.write_all(input).await.unwrap();
        waiting.push(socket);
    }
    until("both are there", || {
        home.edge().counts().open_connections == 2
    })
    .await;
    // They hold nobody up.
    for client in [Client::tls13(), Client::tls12()] {
        assert_eq!(client.get(home.address(), "shop.example").await.0, 200);
    }
    drop(waiting);
    until("both are counted", || {
        home.edge().counts().failed(FailureCause::ClientLeft) == 2
    })
    .await;
    until("both are gone", || {
        home.edge().counts().open_connections == 0
    })
    .await;
}
