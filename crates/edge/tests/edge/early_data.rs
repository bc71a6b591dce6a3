//! Early data: forwarded before the handshake ends where that does no harm, once, and marked as such.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConnection;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Client, Home, Service, Site, full, soon, until};

/// What the service has seen: method, path and `Early-Data` of each request.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    async fn is(&self, expected: &[&str]) {
        until(&format!("the service sees {expected:?}"), || {
            self.all() == expected
        })
        .await;
    }
}

/// A service that knows early data: it does not want `/late` before its time.
async fn service() -> (Service, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let service = Service::start(move |request: Request<hyper::body::Incoming>| {
        let log = log.clone();
        async move {
            let early = request
                .headers()
                .get("early-data")
                .map_or("-", |value| value.to_str().unwrap());
            let line = format!("{} {} {early}", request.method(), request.uri().path());
            let too_early = request.uri().path() == "/late" && early == "1";
            let body = request.into_body().collect().await.unwrap().to_bytes();
            log.0.lock().unwrap().push(line);
            let mut response = Response::new(full(format!("got {} bytes", body.len())));
            if too_early {
                *response.status_mut() = StatusCode::TOO_EARLY;
            }
            response
        }
    })
    .await;
    (service, seen)
}

async fn home(service: &Service) -> Home {
    Home::start(&[
        Site::new(&["shop.example"], &service.url()).with("early_data = {}"),
        Site::new(&["other.example"], &service.url()),
    ])
    .await
}

/// A client that has a ticket of a site.
async fn known(home: &Home, name: &str, alpn: &str) -> Client {
    let mut client = Client::tls13().alpn(&[alpn]);
    client.config.enable_early_data = true;
    let mut stream = client.connect(home.address(), name).await.unwrap();
    if alpn == "http/1.1" {
        let request = format!("GET /ticket HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon("a response", stream.read_to_string(&mut answer))
            .await
            .unwrap();
    } else {
        let mut settings = [0; 9];
        soon("settings", stream.read_exact(&mut settings))
            .await
            .unwrap();
    }
    client
}

/// One TLS connection by hand, so that the test says when what is sent.
struct Hand {
    tls: ClientConnection,
    socket: TcpStream,
}

impl Hand {
    /// Sends the ClientHello and early data; what it sent, for who wants to send it again.
    async fn start(
        client: &Client,
        address: SocketAddr,
        name: &str,
        early: &[u8],
    ) -> (Self, Vec<u8>) {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut tls = ClientConnection::new(Arc::new(client.config.clone()), name).unwrap();
        let mut writer = tls.early_data().expect("a ticket that allows early data");
        writer.write_all(early).unwrap();
        let mut first = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut first).unwrap();
        }
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(&first).await.unwrap();
        (Self { tls, socket }, first)
    }

    async fn flush(&mut self) {
        let mut out = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut out).unwrap();
        }
        // An edge that has said all may be gone.
        let _ = self.socket.write_all(&out).await;
    }

    /// Reads what has come, which ends the handshake on this side; `false` at the end.
    async fn read(&mut self, plain: &mut Vec<u8>) -> bool {
        let mut buffer = [0; 4096];
        let read = soon("bytes of the edge", self.socket.read(&mut buffer))
            .await
            .unwrap();
        self.tls.read_tls(&mut &buffer[..read]).unwrap();
        let state = self.tls.process_new_packets().unwrap();
        let mut new = vec![0; state.plaintext_bytes_to_read()];
        self.tls.reader().read_exact(&mut new).unwrap();
        plain.extend_from_slice(&new);
        self.flush().await;
        read > 0 && !state.peer_has_closed()
    }

    /// Goes on until the text has come.
    async fn read_until(&mut self, plain: &mut Vec<u8>, text: &str) {
        while !String::from_utf8_lossy(plain).contains(text) {
            assert!(self.read(plain).await, "{}", String::from_utf8_lossy(plain));
        }
    }

    async fn say(&mut self, text: &str) {
        self.tls.writer().write_all(text.as_bytes()).unwrap();
        self.flush().await;
    }
}

fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n")
}

/// What could not be proved by waiting for it, in a time that the edge needs a hundredth of.
const A_WHILE: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_request_does_not_wait_for_the_handshake() {
    let (service, seen) = service().await;
    let home = home(&service).await;
    let client = known(&home, "shop.example", "http/1.1").await;
    let early = request("GET", "/early");
    let (mut hand, _) =
        Hand::start(&client, home.address(), "shop.example", early.as_bytes()).await;
    // Not one byte of the edge's has been read here.
    seen.is(&["GET /ticket -", "GET /early 1"]).await;
    assert_eq!(home.edge().counts().handshakes_tls13_resumed, 0);
    let mut plain = Vec::new();
    hand.read_until(&mut plain, "got 0 bytes").await;
    assert!(hand.tls.is_early_data_accepted());
    // From here on it is a connection as any other, also for what changes something.
    hand.say(&request("GET", "/next")).await;
    hand.say(&request("POST", "/next")).await;
    seen.is(&[
        "GET /ticket -",
        "GET /early 1",
        "GET /next -",
        "POST /next -",
    ])
    .await;
    let counts = home.edge().counts();
    assert_eq!(counts.early_data_accepted, 1);
    assert_eq!(counts.handshakes_tls13_resumed, 1);
    assert_eq!(counts.key_operations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_waits_for_it() {
    let (service, seen) = service().await;
    let home = home(&service).await;
    let client = known(&home, "shop.example", "http/1.1").await;
    // Behind it a request that hyper has in its buffer, and so does not read: the handshake goes on all the same.
    let early = request("GET", "/1") + &request("POST", "/2") + &request("GET", "/3");
    let (mut hand, _) =
        Hand::start(&client, home.address(), "shop.example", early.as_bytes()).await;
    seen.is(&["GET /ticket -", "GET /1 1"]).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(seen.all().len(), 2, "{:?}", seen.all());
    let mut plain = Vec::new();
    hand.read_until(&mut plain, "got 0 bytes").await;
    // Of the last one the edge cannot know whether a replay of it has come to another.
    let all = ["GET /ticket -", "GET /1 1", "POST /2 -", "GET /3 1"];
    while seen.all().len() < all.len() {
        assert!(hand.read(&mut plain).await);
    }
    seen.is(&all).await;
}

/// The recorded bytes, sent again, are answered with a handshake without early data.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_reaches_nobody() {
    let (service, seen) = service().await;
    let home = home(&service).await;
    let client = known(&home, "shop.example", "http/1.1").await;
    let early = request("GET", "/once");
    let (_hand, recorded) =
        Hand::start(&client, home.address(), "shop.example", early.as_bytes()).await;
    seen.is(&["GET /ticket -", "GET /once 1"]).await;
    for round in 1..=2 {
        let mut socket = TcpStream::connect(home.address()).await.unwrap();
        socket.write_all(&recorded).await.unwrap();
        until("the replay is told", || {
            home.edge().counts().early_data_replayed == round
        })
        .await;
        let mut hello = [0; 5];
        soon("a ServerHello", socket.read_exact(&mut hello))
            .await
            .unwrap();
        assert_eq!(hello[0], 22);
    }
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(seen.all().len(), 2, "{:?}", seen.all());
    assert_eq!(home.edge().counts().early_data_accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_may_say_that_it_is_too_early() {
    let (service, seen) = service().await;
    let home = home(&service).await;
    let client = known(&home, "shop.example", "http/1.1").await;
    let early = request("GET", "/late").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let (mut hand, _) =
        Hand::start(&client, home.address(), "shop.example", early.as_bytes()).await;
    let mut plain = Vec::new();
    // Closed in order, though the answer was there before the handshake's end.
    while hand.read(&mut plain).await {}
    let answer = String::from_utf8_lossy(&plain).into_owned();
    assert!(answer.starts_with("HTTP/1.1 425 Too Early\r\n"), "{answer}");
    assert!(answer.ends_with("got 0 bytes"), "{answer}");
    seen.is(&["GET /ticket -", "GET /late 1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_tickets_do_not_allow_it() {
    let (service, _) = service().await;
    let home = home(&service).await;
    let client = known(&home, "other.example", "http/1.1").await;
    let name = ServerName::try_from("other.example").unwrap();
    let mut tls = ClientConnection::new(Arc::new(client.config.clone()), name).unwrap();
    assert!(tls.early_data().is_none());
    assert_eq!(home.edge().counts().early_data_accepted, 0);
}

/// A client that never ends its handshake is let go, and its unsafe request has gone nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_without_end_is_ended() {
    let (service, seen) = service().await;
    let sites = [Site::new(&["shop.example"], &service.url()).with("early_data = {}")];
    let home = Home::start_with("", &sites, "[timeouts]\nhandshake_ms = 500").await;
    let client = known(&home, "shop.example", "http/1.1").await;
    let early = request("POST", "/never");
    let (mut hand, _) =
        Hand::start(&client, home.address(), "shop.example", early.as_bytes()).await;
    let mut rest = Vec::new();
    let _ = soon("the edge ends it", hand.socket.read_to_end(&mut rest)).await;
    assert_eq!(seen.all(), ["GET /ticket -"]);
    let counts = home.edge().counts();
    assert_eq!(counts.failed(keyward_edge::FailureCause::Timeout), 1);
    until("the connection is gone", || {
        home.edge().counts().open_connections == 0
    })
    .await;
}

/// HTTP/2: several requests in early data, one of them to wait; and more after the handshake.
#[tokio::test(flavor = "multi_thread")]
async fn http2() {
    let (service, seen) = service().await;
    let home = home(&service).await;
    let client = known(&home, "shop.example", "h2").await;
    let (ours, mut wire) = tokio::io::duplex(64 * 1024);
    let (mut sender, connection) =
        http2::handshake::<_, _, super::support::Boxed>(TokioExecutor::new(), TokioIo::new(ours))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut send = |method: &str, path: &str| {
        let uri = format!("https://shop.example{path}");
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .body(full(""))
            .unwrap();
        sender.send_request(request)
    };
    let answers = [send("GET", "/a"), send("POST", "/b"), send("GET", "/c")];
    // All that hyper says without an answer.
    let mut early = Vec::new();
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(A_WHILE, wire.read_buf(&mut early)).await {
        assert!(read < 16 * 1024);
    }
    let (mut hand, _) = Hand::start(&client, home.address(), "shop.example", &early).await;
    until("the service sees both", || seen.all().len() == 2).await;
    tokio::time::sleep(A_WHILE).await;
    let mut both = seen.all();
    both.sort();
    assert_eq!(both, ["GET /a 1", "GET /c 1"]);

    let later = send("GET", "/d");
    let pump = async {
        let mut plain = Vec::new();
        loop {
            let mut more = [0; 4096];
            tokio::select! {
                read = wire.read(&mut more) => {
                    let read = read.unwrap();
                    hand.tls.writer().write_all(&more[..read]).unwrap();
                    hand.flush().await;
                }
                _ = hand.socket.readable() => {
                    assert!(hand.read(&mut plain).await);
                    wire.write_all(&plain).await.unwrap();
                    plain.clear();
                }
            }
        }
    };
    let all = async {
        for answer in answers {
            assert_eq!(answer.await.unwrap().status(), 200);
        }
        assert_eq!(later.await.unwrap().status(), 200);
    };
    tokio::select! {
        () = pump => {}
        () = soon("the answers", all) => {}
    }
    let mut after = seen.all();
    after.sort();
    assert_eq!(after, ["GET /a 1", "GET /c 1", "GET /d -", "POST /b -"]);
}
