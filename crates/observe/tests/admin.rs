//! The admin address, over real sockets.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_observe::{About, Admin, Exposition, Page, RunningAdmin, Subject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Default)]
struct Something {
    broken: AtomicBool,
}

impl Subject for Something {
    fn metrics(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.counter("keyward_test_things", "Things", 5)
    }

    fn not_ready(&self) -> Vec<String> {
        let broken = self.broken.load(Ordering::Relaxed);
        broken
            .then(|| "the disk\nis full".to_owned())
            .into_iter()
            .collect()
    }

    fn page(&self) -> Page {
        let mut page = Page::default();
        page.section("Things");
        page.facts([("what", "<b>")]);
        page
    }
}

async fn start(subject: &Arc<Something>) -> RunningAdmin {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let about = About::new("Key server", "1.2.3");
    Admin::bind(address)
        .await
        .unwrap()
        .start(about, subject.clone())
}

async fn raw(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn get(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    raw(address, &request).await
}

#[tokio::test]
async fn everything_that_can_be_asked() {
    let subject = Arc::new(Something::default());
    let admin = start(&subject).await;
    let address = admin.address();
    let alive = get(address, "/healthz").await;
    assert!(alive.starts_with("HTTP/1.1 200 "), "{alive}");
    assert!(
        get(address, "/version")
            .await
            .ends_with("keyward 1.2.3 (key server)\n")
    );
    assert!(get(address, "/readyz").await.ends_with("\r\n\r\nready\n"));
    subject.broken.store(true, Ordering::Relaxed);
    let broken = get(address, "/readyz").await;
    assert!(broken.starts_with("HTTP/1.1 503 "), "{broken}");
    assert!(
        broken.ends_with("not ready\n- the disk\\u{a}is full\n"),
        "{broken}"
    );
    let page = get(address, "/").await;
    assert!(
        page.contains("content-security-policy: default-src 'none';"),
        "{page}"
    );
    assert!(page.contains("Not ready<ul>"), "{page}");
    assert!(page.contains("&lt;b&gt;"), "{page}");
    let style = get(address, "/style.css").await;
    assert!(style.contains("content-type: text/css"), "{style}");
    let metrics = get(address, "/metrics").await;
    assert!(
        metrics.contains("content-type: text/plain; version=0.0.4"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\nkeyward_test_things_total 5\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\nkeyward_build_info{version=\"1.2.3\"} 1\n"),
        "{metrics}"
    );
    let request = format!(
        "GET /metrics HTTP/1.1\r\nhost: {address}\r\naccept: application/openmetrics-text\r\nconnection: close\r\n\r\n"
    );
    let metrics = raw(address, &request).await;
    assert!(
        metrics.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    let nothing = get(address, "/etc/passwd").await;
    assert!(nothing.starts_with("HTTP/1.1 404 "), "{nothing}");
}

#[tokio::test]
async fn nothing_can_be_changed_and_no_other_site_can_ask() {
    let admin = start(&Arc::default()).await;
    let address = admin.address();
    let post = "POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let answer = raw(address, post).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    let rebound = "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    let answer = raw(address, rebound).await;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    assert!(!answer.contains("Things"), "{answer}");
}

#[tokio::test]
async fn connections_are_bounded_and_end_with_it() {
    let admin = start(&Arc::default()).await;
    let address = admin.address();
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let late = tokio::spawn(get(address, "/healthz"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!late.is_finished(), "a 33rd connection waits for one of 32");
    drop(silent.pop());
    assert!(late.await.unwrap().starts_with("HTTP/1.1 200 "));
    drop(admin);
    for mut socket in silent {
        let read = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut [0])).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?}");
    }
}
