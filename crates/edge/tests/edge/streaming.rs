//! Bodies of 50 MB go through in both directions, and when one side stops, so does the other: the
//! edge holds no more than its buffers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{Client, Home, Http, Service, Site, Steps, full, soon};

const PIECE: usize = 64 * 1024;
const PIECES: usize = 800;
const TOTAL: usize = PIECE * PIECES;

/// What may be on its way when nobody reads at the end: the kernel's buffers of three sockets, and
/// those of the edge.
const ON_ITS_WAY: usize = 24 * 1024 * 1024;

/// What the bytes of a piece are.
fn mark(piece: usize) -> u8 {
    piece.to_le_bytes()[0]
}

/// 50 MB in pieces; counts what was taken of them.
fn large(
    taken: Arc<AtomicUsize>,
) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static {
    let pieces = stream::iter((0..PIECES).map(move |number| {
        taken.fetch_add(PIECE, Ordering::SeqCst);
        Ok(Frame::data(Bytes::from(vec![mark(number); PIECE])))
    }));
    StreamBody::new(pieces)
}

/// Waits until a counter stands still, and returns it.
async fn standstill(counter: &AtomicUsize) -> usize {
    let mut before = usize::MAX;
    loop {
        let now = counter.load(Ordering::SeqCst);
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Length of a body whose pieces are as [`large`] makes them.
async fn check(mut body: hyper::body::Incoming) -> usize {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.expect("the body goes on").into_data() else {
            continue;
        };
        for (offset, byte) in (length..).zip(data.iter()).step_by(4093) {
            assert_eq!(*byte, mark(offset / PIECE), "at {offset}");
        }
        length += data.len();
    }
    length
}

async fn upload(connect: impl AsyncFnOnce(&Home) -> Http<super::support::Boxed>) {
    let steps = Steps::new();
    let read = steps.clone();
    let service = Service::start(move |request| {
        let read = read.clone();
        async move {
            read.wait_for(1).await;
            let length = check(request.into_body()).await;
            Response::new(full(length.to_string()))
        }
    })
    .await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut http = connect(&home).await;

    let taken = Arc::new(AtomicUsize::new(0));
    let body = large(taken.clone()).map_err(|never| match never {}).boxed();
    let request = Request::post("https://shop.example/")
        .header("host", "shop.example")
        .body(body)
        .unwrap();
    let response = tokio::spawn(async move { http.text(request).await });
    let stood = standstill(&taken).await;
    assert!(
        stood < ON_ITS_WAY,
        "{stood} bytes went though the service reads none"
    );
    steps.reach(1);
    let response = soon("the response", response).await.unwrap();
    assert_eq!(response, (200, TOTAL.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_over_http1() {
    upload(async |home: &Home| Client::new().http1(home.address(), "shop.example").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_over_http2() {
    upload(async |home: &Home| Client::new().http2(home.address(), "shop.example").await).await;
}

async fn download(connect: impl AsyncFnOnce(&Home) -> Http<super::support::Boxed>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let service = Service::start(move |_| {
        let body = large(count.clone()).map_err(|never| match never {}).boxed();
        async { Response::new(body) }
    })
    .await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut http = connect(&home).await;
    let request = Request::get("https://shop.example/")
        .header("host", "shop.example")
        .body(full(""))
        .unwrap();
    let response = http.send(request).await;
    assert_eq!(response.status(), 200);
    let stood = standstill(&taken).await;
    assert!(
        stood < ON_ITS_WAY,
        "{stood} bytes went though the client reads none"
    );
    let length = soon("the body", check(response.into_body())).await;
    assert_eq!(length, TOTAL);
}

#[tokio::test(flavor = "multi_thread")]
async fn download_over_http1() {
    download(async |home: &Home| Client::new().http1(home.address(), "shop.example").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn download_over_http2() {
    download(async |home: &Home| Client::new().http2(home.address(), "shop.example").await).await;
}

/// A service that answers before the end of a request gets no more of it than was on its way, and
/// the client its answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let go_on = Steps::new();
    let service = {
        let go_on = go_on.clone();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.read_u8().await.unwrap();
            let answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large";
            socket.write_all(answer).await.unwrap();
            // It reads nothing until the client has the answer, and then to the end.
            go_on.wait_for(1).await;
            let mut sink = tokio::io::sink();
            tokio::io::copy(&mut socket, &mut sink).await.unwrap_or(0)
        })
    };
    let home = Home::start(&[Site::new(&["shop.example"], &url)]).await;
    let mut http = Client::new().http2(home.address(), "shop.example").await;
    let body = large(Arc::default())
        .map_err(|never| match never {})
        .boxed();
    let request = Request::post("https://shop.example/").body(body).unwrap();
    let response = http.text(request).await;
    assert_eq!(response, (413, "too large".to_owned()));
    go_on.reach(1);
    let read = soon("the edge closes the connection", service)
        .await
        .unwrap();
    assert!(read < TOTAL as u64, "{read} bytes");
}
