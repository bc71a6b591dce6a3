//! Requests of HTTP/1.1 and HTTP/2 clients, over TLS 1.3 and TLS 1.2, reach the service.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use rustls::ProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Client, Home, Service, Site, bytes_of, full, soon};

async fn echo() -> Service {
    Service::start(|request| async {
        let line = format!("{} {}\n", request.method(), request.uri());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::builder()
            .status(StatusCode::CREATED)
            .header("x-service", "1")
            .body(full([line.as_bytes(), &body].concat()))
            .unwrap()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_both_protocols() {
    let service = echo().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    for client in [Client::tls13(), Client::tls12()] {
        for mut http in [
            client.http1(home.address(), "shop.example").await,
            client.http2(home.address(), "shop.example").await,
        ] {
            for number in 0..3 {
                let request = Request::post(format!("https://shop.example/path?n={number}"))
                    .header("host", "shop.example")
                    .body(Full::new(Bytes::from_static(b"content")))
                    .unwrap();
                let response = http.send(request).await;
                assert_eq!(response.status(), StatusCode::CREATED);
                assert_eq!(response.headers()["x-service"], "1");
                let text = bytes_of(response.into_body()).await;
                assert_eq!(text, format!("POST /path?n={number}\ncontent"));
            }
        }
    }
    let counts = home.edge().counts();
    assert_eq!(counts.requests, 12);
    assert_eq!(
        counts.handshakes_tls13_full + counts.handshakes_tls13_resumed,
        2
    );
    assert_eq!(
        counts.handshakes_tls12_full + counts.handshakes_tls12_resumed,
        2
    );
    assert_eq!(
        counts.key_operations,
        counts.handshakes_tls13_full + counts.handshakes_tls12_full
    );
    // Requests one after the other share a connection to the service.
    assert!(service.connections() <= 2, "{}", service.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_h2_connection_run_beside_each_other() {
    let service = echo().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let http = Client::new().http2(home.address(), "shop.example").await;
    let super::support::Http::Two(sender, _connection) = http else {
        unreachable!("HTTP/2 was asked for");
    };
    let requests = (0..50).map(|number| {
        let mut sender = sender.clone();
        async move {
            let request = Request::get(format!("https://shop.example/{number}"))
                .body(Full::new(Bytes::new()))
                .unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(
                bytes_of(response.into_body()).await,
                format!("GET /{number}\n")
            );
        }
    });
    let all: Vec<_> = requests.map(tokio::spawn).collect();
    for request in all {
        request.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_empty_responses_have_no_body() {
    let service = Service::start(|request| async move {
        let response = Response::builder();
        if request.uri() == "/none" {
            response.status(204).body(full("")).unwrap()
        } else {
            response.body(full("content")).unwrap()
        }
    })
    .await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    for (method, path, status, length) in [
        ("HEAD", "/", 200, Some("7")),
        ("GET", "/none", 204, None),
        ("GET", "/", 200, Some("7")),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "shop.example")
            .body(full(""))
            .unwrap();
        let response = http.send(request).await;
        assert_eq!(response.status(), status);
        let shown = response
            .headers()
            .get("content-length")
            .map(|value| value.to_str().unwrap());
        assert_eq!(shown, length, "{method} {path}");
        bytes_of(response.into_body()).await;
    }
}

/// A client that waits for `100 Continue` gets it once the service takes the body.
#[tokio::test(flavor = "multi_thread")]
async fn expect_continue() {
    let service = echo().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let client = Client::new().alpn(&["http/1.1"]);
    let mut stream = client
        .connect(home.address(), "shop.example")
        .await
        .unwrap();
    let head = "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 4\r\n\
                Expect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    soon("100 Continue", stream.read_exact(&mut interim))
        .await
        .unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").await.unwrap();
    let mut answer = String::new();
    soon("the response", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.ends_with("POST /\nbody"), "{answer}");
}

/// TLS 1.2 only, then 1.3 only: what is negotiated is what the client can do at best.
#[tokio::test(flavor = "multi_thread")]
async fn alpn_and_version_are_negotiated() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    for (client, version, offered, chosen) in [
        (
            Client::new(),
            ProtocolVersion::TLSv1_3,
            &["http/1.1", "h2"][..],
            Some("h2"),
        ),
        (
            Client::tls12(),
            ProtocolVersion::TLSv1_2,
            &["http/1.1"],
            Some("http/1.1"),
        ),
        (Client::new(), ProtocolVersion::TLSv1_3, &[], None),
    ] {
        let client = client.alpn(offered);
        let stream = client
            .connect(home.address(), "shop.example")
            .await
            .unwrap();
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.protocol_version(), Some(version));
        assert_eq!(connection.alpn_protocol(), chosen.map(str::as_bytes));
    }
    let client = Client::new().alpn(&["gopher"]);
    let error = client
        .connect(home.address(), "shop.example")
        .await
        .unwrap_err();
    let alert = super::support::alert_of(&error);
    assert_eq!(alert, Some(rustls::AlertDescription::NoApplicationProtocol));
}
