//! A service that is not there, does not answer, or dies: 502 and 504, and one log line.

use std::time::Duration;

use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::support::{Boxed, Client, Home, Service, Site, full};

fn get(method: &str) -> Request<Boxed> {
    Request::builder()
        .method(method)
        .uri("/")
        .header("host", "shop.example")
        .body(full(""))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let home = Home::start(&[Site::new(&["shop.example"], &format!("http://{address}"))]).await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    let (status, text) = http.text(get("GET")).await;
    assert_eq!(status, 502);
    assert_eq!(
        text,
        "502 Bad Gateway\nThe service behind this server cannot be reached.\n"
    );
    let line = home
        .log
        .line(&["failed a request", &address.to_string()])
        .await;
    assert!(
        line.contains(" WARN ") && line.contains("status=502"),
        "{line}"
    );
    assert!(
        line.contains("shop.example") && line.contains("cannot connect"),
        "{line}"
    );

    // It comes up, and the same connection is served.
    let listener = TcpListener::bind(address).await.unwrap();
    let _service = Service::start_on(listener, |_| async { Response::new(full("up")) });
    assert_eq!(http.text(get("GET")).await, (200, "up".to_owned()));
    assert_eq!(home.edge().counts().upstream_failures, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_in_time() {
    let service = Service::start(|_| std::future::pending()).await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &site, "[timeouts]\nupstream_ms = 300").await;
    let (status, text) = Client::new().get(home.address(), "shop.example").await;
    assert_eq!(status, 504, "{text}");
    home.log
        .line(&["failed a request", "status=504", "within 300 ms"])
        .await;
}

/// The whole of it: closing a socket with unread bytes is a reset.
async fn read_request(socket: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(socket.read_u8().await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_http() {
    for (answer, cause) in [
        (&b"SSH-2.0-OpenSSH_9.9\r\n"[..], "not valid"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "without a response"),
        (b"", "without a response"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                read_request(&mut socket).await;
                let _ = socket.write_all(answer).await;
            }
        });
        let home = Home::start(&[Site::new(&["shop.example"], &format!("http://{address}"))]).await;
        let (status, text) = Client::new().get(home.address(), "shop.example").await;
        assert_eq!(status, 502, "{text}");
        home.log
            .line(&["failed a request", &address.to_string(), cause])
            .await;
    }
}

/// The connection that was kept for the next request died meanwhile: the request goes over a new
/// one.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_service() {
    let service = Service::hello().await;
    let address = service.address;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    for method in ["GET", "POST"] {
        assert_eq!(http.text(get(method)).await.0, 200);
    }
    service.end().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(16).unwrap();
    let _service = Service::start_on(listener, |_| async { Response::new(full("again")) });
    for method in ["GET", "POST"] {
        assert_eq!(
            http.text(get(method)).await,
            (200, "again".to_owned()),
            "{method}"
        );
    }
}

/// It closes each connection after a response, without saying so.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_closes_kept_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                read_request(&mut socket).await;
                let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                socket.write_all(response).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            });
        }
    });
    let home = Home::start(&[Site::new(&["shop.example"], &format!("http://{address}"))]).await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    for number in 0..100 {
        let response = http.text(get("GET")).await;
        assert_eq!(response, (200, "ok".to_owned()), "request {number}");
    }
}
