//! A connection upgraded to another protocol carries bytes both ways.

use http::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Client, Home, Service, Site, full, soon, until};

async fn echo() -> Service {
    Service::start(|mut request| async move {
        assert_eq!(request.headers()["connection"], "upgrade");
        assert_eq!(
            request.headers()["sec-websocket-key"],
            "dGhlIHNhbXBsZSBub25jZQ=="
        );
        let protocol = request.headers()["upgrade"].clone();
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let stream = TokioIo::new(upgrade.await.unwrap());
            let (mut read, mut write) = tokio::io::split(stream);
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
        });
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("connection", "upgrade")
            .header("upgrade", protocol)
            .header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            .body(full(""))
            .unwrap()
    })
    .await
}

fn request() -> Request<super::support::Boxed> {
    Request::get("/chat")
        .header("host", "shop.example")
        .header("connection", "keep-alive, Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(full(""))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrade_and_echo() {
    let service = echo().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    let mut response = http.send(request()).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["upgrade"], "websocket");
    assert_eq!(
        response.headers()["sec-websocket-accept"],
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    let stream = hyper::upgrade::on(&mut response).await.unwrap();
    let mut stream = TokioIo::new(stream);
    for size in [1, 1000, 100_000] {
        let sent: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[0]).collect();
        let mut back = vec![0; sent.len()];
        let (mut read, mut write) = tokio::io::split(&mut stream);
        let both = async { tokio::join!(write.write_all(&sent), read.read_exact(&mut back)) };
        let (written, echoed) = soon("the echo", both).await;
        written.unwrap();
        echoed.unwrap();
        assert_eq!(back, sent);
    }
    assert_eq!(home.edge().counts().open_connections, 1);
    stream.shutdown().await.unwrap();
    let rest = soon("the end", stream.read_to_end(&mut Vec::new()))
        .await
        .unwrap();
    assert_eq!(rest, 0);
    drop(stream);
    until("the tunnel is gone", || {
        home.edge().counts().open_connections == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_tunnel_is_closed() {
    let service = echo().await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &site, "[timeouts]\ntunnel_ms = 300").await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    let mut response = http.send(request()).await;
    let stream = hyper::upgrade::on(&mut response).await.unwrap();
    let mut stream = TokioIo::new(stream);
    // Cut, and not ended in order: that is an error or an end, but soon.
    let _ = soon("the end", stream.read_to_end(&mut Vec::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_or_surprises() {
    let service = Service::start(|request| async move {
        let status = if request.uri() == "/chat" { 426 } else { 101 };
        Response::builder()
            .status(status)
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .body(full("no"))
            .unwrap()
    })
    .await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    assert_eq!(http.text(request()).await, (426, "no".to_owned()));
    // 101 without having been asked for it.
    let plain = Request::get("/")
        .header("host", "shop.example")
        .body(full(""))
        .unwrap();
    assert_eq!(http.text(plain).await.0, 502);
}
