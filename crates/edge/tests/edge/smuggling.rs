//! A request that two servers could take apart in two ways does not reach the service as such.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Client, Home, Service, Site, full, soon};

/// What the edge answers to bytes on an HTTP/1.1 connection, up to its end.
async fn answer(home: &Home, bytes: &[u8]) -> String {
    let client = Client::new().alpn(&["http/1.1"]);
    let mut stream = client
        .connect(home.address(), "shop.example")
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    soon("the end of the connection", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_requests() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    let service = Service::start(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            let framing = request.headers().get("content-length").cloned();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Response::new(full(format!("{framing:?} {}", body.len())))
        }
    })
    .await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;

    let head = "POST / HTTP/1.1\r\nHost: shop.example\r\n";
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "Content-Length: +5\r\n\r\nhello",
        "Content-Length: 5, 6\r\n\r\nhello",
        "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "X: 1\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Host: other.example\r\nContent-Length: 0\r\n\r\n",
    ] {
        let answer = answer(&home, format!("{head}{fields}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{fields:?}: {answer}");
    }
    let gzip = format!("{head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    let answer_gzip = answer(&home, gzip.as_bytes()).await;
    assert!(answer_gzip.starts_with("HTTP/1.1 501 "), "{answer_gzip}");
    assert_eq!(
        requests.load(Ordering::SeqCst),
        0,
        "none reached the service"
    );

    // RFC 9112 §6.3: Transfer-Encoding overrides Content-Length, and the connection is closed. What
    // follows is no second request.
    for fields in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
    ] {
        requests.store(0, Ordering::SeqCst);
        let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n";
        let answer = answer(&home, format!("{head}{fields}{smuggled}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.ends_with("None 0"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }
}
