//! Stopping: no new connections, requests under way are finished, clients are told, and what does
//! not end in time is cut.

use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::support::{Boxed, Client, Home, Service, Site, Steps, bytes_of, full, soon};

fn get() -> Request<Boxed> {
    Request::get("https://shop.example/")
        .header("host", "shop.example")
        .body(full(""))
        .unwrap()
}

/// A service that answers once `steps` has reached 2, and says 1 when it has the request.
async fn waiting_service(steps: &Steps) -> Service {
    let steps = steps.clone();
    Service::start(move |_| {
        let steps = steps.clone();
        async move {
            steps.reach(1);
            steps.wait_for(2).await;
            Response::new(full("done"))
        }
    })
    .await
}

async fn in_flight(http2: bool) {
    let steps = Steps::new();
    let service = waiting_service(&steps).await;
    let mut home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let address = home.address();
    let client = Client::new();
    let mut busy = if http2 {
        client.http2(address, "shop.example").await
    } else {
        client.http1(address, "shop.example").await
    };
    let mut idle = client.connect(address, "shop.example").await.unwrap();
    let response = tokio::spawn(async move { (busy.send(get()).await, busy) });
    steps.wait_for(1).await;

    let edge = home.edge.take().unwrap();
    let stopping = tokio::spawn(edge.shutdown(Duration::from_secs(30)));
    // The idle connection ends while the busy one goes on. It is new, so it has a second for its
    // first request.
    let end = soon("the end", idle.read_to_end(&mut Vec::new())).await;
    assert_eq!(end.expect("with close_notify"), 0);
    assert!(!stopping.is_finished());
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nothing listens"
    );
    steps.reach(2);
    let (response, busy) = soon("the response", response).await.unwrap();
    assert_eq!(response.status(), 200);
    if !http2 {
        assert_eq!(response.headers()["connection"], "close");
    }
    assert_eq!(bytes_of(response.into_body()).await, "done");
    // HTTP/2 has GOAWAY; either way the connection ends in order.
    busy.ended().await.expect("closed in order");
    assert_eq!(soon("the edge stops", stopping).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http1_request_is_finished() {
    in_flight(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http2_request_is_finished() {
    in_flight(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_time_is_cut() {
    for http2 in [false, true] {
        let steps = Steps::new();
        let service = waiting_service(&steps).await;
        let mut home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
        let mut busy = if http2 {
            Client::new().http2(home.address(), "shop.example").await
        } else {
            Client::new().http1(home.address(), "shop.example").await
        };
        let response = tokio::spawn(async move { busy.try_send(get()).await.map(|_| ()) });
        steps.wait_for(1).await;
        let start = Instant::now();
        assert_eq!(home.stop_edge(Duration::from_millis(200)).await, 1);
        assert!(start.elapsed() >= Duration::from_millis(200));
        assert!(soon("the client", response).await.unwrap().is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_it_ends_everything() {
    let service = Service::hello().await;
    let mut home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut http = Client::new().http1(home.address(), "shop.example").await;
    assert_eq!(http.text(get()).await.0, 200);
    drop(home.edge.take());
    let _ = http.ended().await;
}
