//! A key server that goes away in the middle of a handshake, or that does not answer: that
//! handshake fails at once or at its deadline, and with a new key server all is well.

use std::time::{Duration, Instant};

use rustls::AlertDescription;

use super::support::{Client, Home, Relay, Service, Site, alert_of, full, soon};

/// A name that no other test uses, to find the log lines by.
const NAME: &str = "killed.shop.example";

async fn home_behind_relay(service: &Service, after: &str) -> (Home, Relay) {
    let mut home = Home::new();
    home.start_key_server().await;
    let relay = Relay::start(&home.path("key.sock")).await;
    let site = Site::new(&[NAME], &service.url());
    home.start_edge(relay.address(), "", &[site], after).await;
    home.connected().await;
    (home, relay)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_and_started_again() {
    let service = Service::hello().await;
    let (mut home, relay) =
        home_behind_relay(&service, "[timeouts]\nkey_operation_ms = 3000").await;
    let address = home.address();
    // A client that is there, and one that was there.
    let mut open = Client::new().http1(address, NAME).await;
    let (known13, known12) = (Client::tls13(), Client::tls12());
    for known in [&known13, &known12] {
        assert_eq!(known.get(address, NAME).await.0, 200);
    }
    relay.hold();
    let waiting = tokio::spawn(async move { Client::new().connect(address, NAME).await });
    relay.holds(500).await;
    home.kill_key_server();
    relay.cut();
    // Who needs no key goes on.
    for known in [known13, known12] {
        assert_eq!(known.get(address, NAME).await.0, 200);
    }
    let request = http::Request::get("/").header("host", NAME);
    let response = open.text(request.body(full("")).unwrap()).await;
    assert_eq!(response.0, 200);
    let counts = home.edge().counts();
    assert_eq!(
        (
            counts.handshakes_tls13_resumed,
            counts.handshakes_tls12_resumed
        ),
        (1, 1)
    );
    let error = soon("the end of the handshake", waiting)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        alert_of(&error),
        Some(AlertDescription::InternalError),
        "{error}"
    );
    home.log.line(&["for want of the key server", NAME]).await;

    relay.release();
    home.start_key_server().await;
    home.connected().await;
    assert_eq!(Client::new().get(address, NAME).await.0, 200);
}

/// Where another key server is there at once, the handshake does not even fail: doing an operation
/// twice does no harm, so it is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn another_takes_over() {
    let service = Service::hello().await;
    let (mut home, relay) = home_behind_relay(&service, "").await;
    let mut spare = Home::new();
    spare.start_key_server().await;
    relay.hold();
    let address = home.address();
    let waiting = tokio::spawn(async move { Client::new().get(address, NAME).await });
    relay.holds(500).await;
    relay.redirect(&spare.path("key.sock"));
    home.kill_key_server();
    relay.cut();
    relay.release();
    assert_eq!(soon("the response", waiting).await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_at_the_deadline() {
    let service = Service::hello().await;
    let (home, relay) = home_behind_relay(&service, "[timeouts]\nkey_operation_ms = 300").await;
    relay.hold();
    let start = Instant::now();
    let error = Client::new()
        .connect(home.address(), NAME)
        .await
        .unwrap_err();
    assert_eq!(
        alert_of(&error),
        Some(AlertDescription::InternalError),
        "{error}"
    );
    assert!(start.elapsed() >= Duration::from_millis(300));
    home.log
        .line(&["WARN", "for want of the key server", NAME, "deadline"])
        .await;
}
