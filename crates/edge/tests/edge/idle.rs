//! Kept connections end after the idle time, slow headers and stalled bodies after theirs; requests
//! under way do not count as idle.

use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Client, Home, Service, Site, full, soon, until};

async fn slow_service() -> Service {
    Service::start(|_| async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        Response::new(full("late"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_end_and_busy_ones_do_not() {
    let service = slow_service().await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &site, "[timeouts]\nidle_ms = 300").await;
    let client = Client::new();
    for http2 in [false, true] {
        let mut http = if http2 {
            client.http2(home.address(), "shop.example").await
        } else {
            client.http1(home.address(), "shop.example").await
        };
        let start = Instant::now();
        let request = Request::get("https://shop.example/").header("host", "shop.example");
        let response = http.text(request.body(full("")).unwrap()).await;
        assert_eq!(response, (200, "late".to_owned()));
        http.ended().await.expect("closed in order");
        assert!(
            start.elapsed() >= Duration::from_millis(1200),
            "{:?}",
            start.elapsed()
        );
    }
    until("both are gone", || {
        home.edge().counts().open_connections == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_header() {
    let service = Service::hello().await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &site, "[timeouts]\nheader_ms = 300").await;
    let client = Client::new().alpn(&["http/1.1"]);
    let mut stream = client
        .connect(home.address(), "shop.example")
        .await
        .unwrap();
    let peer = stream.get_ref().0.local_addr().unwrap().to_string();
    let trickle = async {
        for byte in b"GET / HTTP/1.1\r\nHost: shop.example\r\n".iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("the end", trickle).await;
    home.log
        .line(&[
            "closed a connection",
            &peer,
            "header took longer than 300 ms",
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops() {
    let service = Service::start(|request| async move {
        let _ = http_body_util::BodyExt::collect(request.into_body()).await;
        Response::new(full("never"))
    })
    .await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &site, "[timeouts]\nbody_ms = 300").await;
    let client = Client::new().alpn(&["http/1.1"]);
    let mut stream = client
        .connect(home.address(), "shop.example")
        .await
        .unwrap();
    let head = b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 10\r\n\r\nhalf";
    stream.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    soon("the end", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 408 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    home.log
        .line(&["refused a request", "status=408", "stopped sending"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read() {
    let service = Service::start(|_| async { Response::new(full(vec![1; 50_000_000])) }).await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &site, "[timeouts]\nbody_ms = 300").await;
    let client = Client::new().alpn(&["http/1.1"]);
    let mut stream = client
        .connect(home.address(), "shop.example")
        .await
        .unwrap();
    let peer = stream.get_ref().0.local_addr().unwrap().to_string();
    let request = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    stream.write_all(request).await.unwrap();
    home.log
        .line(&["closed a connection", &peer, "took no byte for 300 ms"])
        .await;
    until("it is gone", || home.edge().counts().open_connections == 0).await;
}
