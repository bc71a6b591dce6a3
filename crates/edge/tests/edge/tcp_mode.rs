//! TCP mode: bytes as they are, and the end of one direction is the end of that direction alone.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{Client, Home, Site, alert_of, soon, until};

#[tokio::test(flavor = "multi_thread")]
async fn half_close_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let home = Home::start(&[Site::new(&["tcp.example"], &url)]).await;

    // The client ends first; the service answers after that.
    let service = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.unwrap();
        socket
            .write_all(format!("{} bytes", all.len()).as_bytes())
            .await
            .unwrap();
        drop(socket);
        // The service ends first; the client goes on after that.
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"greeting").await.unwrap();
        socket.shutdown().await.unwrap();
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.unwrap();
        all
    });
    let client = Client::new();
    let mut stream = client.connect(home.address(), "tcp.example").await.unwrap();
    stream.write_all(&vec![7; 200_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert_eq!(answer, "200000 bytes");

    let mut stream = client.connect(home.address(), "tcp.example").await.unwrap();
    let mut greeting = String::new();
    soon("the greeting", stream.read_to_string(&mut greeting))
        .await
        .unwrap();
    assert_eq!(greeting, "greeting");
    stream.write_all(b"more").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(soon("the service", service).await.unwrap(), b"more");
    until("both are gone", || {
        home.edge().counts().open_connections == 0
    })
    .await;
}

/// The client cannot take a cut connection for a complete one.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_service_is_no_end_of_data() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let home = Home::start(&[Site::new(&["tcp.example"], &url)]).await;
    let mut stream = Client::new()
        .connect(home.address(), "tcp.example")
        .await
        .unwrap();
    let end = soon("the end", stream.read_to_end(&mut Vec::new())).await;
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    let line = home.log.line(&["failed a connection", "tcp.example"]).await;
    assert!(
        line.contains(" WARN ") && line.contains("cannot connect"),
        "{line}"
    );
    assert_eq!(home.edge().counts().upstream_failures, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn alpn_as_configured() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let sites = [
        Site::new(&["tcp.example"], &url),
        Site::new(&["shop.example"], &url).with("alpn = [\"imap\"]"),
    ];
    let home = Home::start(&sites).await;
    for (name, offered, chosen) in [
        ("tcp.example", "imap", Ok(None)),
        ("shop.example", "imap", Ok(Some("imap"))),
        (
            "shop.example",
            "h2",
            Err(rustls::AlertDescription::NoApplicationProtocol),
        ),
    ] {
        let client = Client::new().alpn(&[offered]);
        let shown = match client.connect(home.address(), name).await {
            Ok(stream) => Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)),
            Err(error) => Err(alert_of(&error).expect("an alert")),
        };
        let chosen = chosen.map(|name| name.map(|name: &str| name.as_bytes().to_vec()));
        assert_eq!(shown, chosen, "{name} {offered}");
    }
}
