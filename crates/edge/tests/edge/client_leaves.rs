//! A client that goes away while the key server or the service works for it is noticed at once, and
//! the work cancelled.

use std::time::Duration;

use http::Request;
use keyward_edge::FailureCause;
use tokio::net::TcpStream;

use super::support::{Client, Home, Relay, Service, Site, Steps, full, until};

#[tokio::test(flavor = "multi_thread")]
async fn before_the_key_server_answers() {
    let mut home = Home::new();
    home.start_key_server().await;
    let relay = Relay::start(&home.path("key.sock")).await;
    let site = Site::new(&["shop.example"], "http://127.0.0.1:1");
    // Both limits are longer than the test's patience: only the client's leaving can end this.
    let after = "[timeouts]\nkey_operation_ms = 60000\nhandshake_ms = 60000";
    home.start_edge(relay.address(), "", &[site], after).await;
    home.connected().await;
    relay.hold();
    let socket = TcpStream::connect(home.address()).await.unwrap();
    let client = Client::new();
    let handshake = client.connect_over(socket, "shop.example");
    tokio::select! {
        _ = handshake => panic!("the handshake cannot end"),
        () = relay.holds(500) => {}
    }
    // The select has dropped the client's socket.
    until("the edge has noticed", || {
        let counts = home.edge().counts();
        counts.failed(FailureCause::ClientLeft) == 1 && counts.open_connections == 0
    })
    .await;
    relay.release();
    // The key server is told to forget it, or has done it for nothing; it is well either way.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(home.edge().key_server_connected());
}

/// Reaches step 2 when it is dropped.
struct Cancelled(Steps);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.reach(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_service_answers() {
    for http2 in [false, true] {
        let steps = Steps::new();
        let service = {
            let steps = steps.clone();
            Service::start(move |_| {
                let cancelled = Cancelled(steps.clone());
                async move {
                    cancelled.0.reach(1);
                    std::future::pending().await
                }
            })
            .await
        };
        let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
        let mut http = if http2 {
            Client::new().http2(home.address(), "shop.example").await
        } else {
            Client::new().http1(home.address(), "shop.example").await
        };
        let request = Request::get("https://shop.example/")
            .header("host", "shop.example")
            .body(full(""))
            .unwrap();
        tokio::select! {
            _ = http.try_send(request) => panic!("there is no response"),
            () = steps.wait_for(1) => {}
        }
        drop(http);
        steps.wait_for(2).await;
        until("it is gone", || home.edge().counts().open_connections == 0).await;
    }
}
