//! Without a key server full handshakes fail with `internal_error` and a log line that says why;
//! resumed ones, and what goes on, are not touched.

use keyward_edge::FailureCause;
use rustls::AlertDescription;

use super::support::{Client, Home, Service, Site, alert_of, full};

#[tokio::test(flavor = "multi_thread")]
async fn full_handshakes_fail_and_resumed_ones_go_on() {
    let service = Service::hello().await;
    let site = Site::new(&["down.shop.example"], &service.url());
    let mut home = Home::start_with("", &[site], "[timeouts]\nkey_operation_ms = 1000").await;
    let (old13, old12) = (Client::tls13(), Client::tls12());
    assert_eq!(old13.get(home.address(), "down.shop.example").await.0, 200);
    assert_eq!(old12.get(home.address(), "down.shop.example").await.0, 200);
    let mut open = Client::new()
        .http1(home.address(), "down.shop.example")
        .await;

    home.kill_key_server();
    for client in [Client::tls13(), Client::tls12()] {
        let error = client
            .connect(home.address(), "down.shop.example")
            .await
            .unwrap_err();
        assert_eq!(
            alert_of(&error),
            Some(AlertDescription::InternalError),
            "{error}"
        );
    }
    let line = home
        .log
        .line(&["for want of the key server", "down.shop.example"])
        .await;
    assert!(line.contains(" WARN ") && line.contains("peer="), "{line}");
    let unreachable = line.contains("key server out of reach") || line.contains("key server lost");
    assert!(unreachable, "{line}");
    let counts = home.edge().counts();
    let failed = counts.failed(FailureCause::KeyServerUnavailable)
        + counts.failed(FailureCause::KeyServerOverloaded);
    assert_eq!(failed, 2);

    for client in [old13, old12] {
        assert_eq!(client.get(home.address(), "down.shop.example").await.0, 200);
    }
    let counts = home.edge().counts();
    assert_eq!(
        (
            counts.handshakes_tls13_resumed,
            counts.handshakes_tls12_resumed
        ),
        (1, 1)
    );
    let request = http::Request::get("/")
        .header("host", "down.shop.example")
        .body(full(""))
        .unwrap();
    assert_eq!(open.text(request).await.0, 200);

    home.start_key_server().await;
    home.connected().await;
    assert_eq!(
        Client::tls13()
            .get(home.address(), "down.shop.example")
            .await
            .0,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_with_a_certificate_of_another_authority() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut open = Client::new().http1(home.address(), "shop.example").await;

    // The right name, by an authority of the same name that the key server has no reason to trust.
    let mut stranger = Home::new();
    let other = keyward_pki::Authority::new("channel").unwrap();
    let issued = other.issue_client("edge-1.example").unwrap();
    std::fs::write(stranger.path("edge.pem"), issued.chain_pem).unwrap();
    std::fs::write(stranger.path("edge.key"), issued.key_pem.as_bytes()).unwrap();
    let site = Site::new(&["stranger.shop.example"], &service.url());
    stranger.start_edge(&home.socket(), "", &[site], "").await;
    let error = Client::new()
        .connect(stranger.address(), "stranger.shop.example")
        .await
        .unwrap_err();
    assert_eq!(alert_of(&error), Some(AlertDescription::InternalError));
    stranger
        .log
        .line(&[
            "for want of the key server",
            "stranger.shop.example",
            "does not accept this edge's certificate",
        ])
        .await;
    let counts = stranger.edge().counts();
    assert_eq!(counts.failed(FailureCause::KeyServerUnavailable), 1);

    // The key server's own edge notices nothing.
    let fresh = Client::new().get(home.address(), "shop.example").await;
    assert_eq!(fresh.0, 200);
    let request = http::Request::get("/").header("host", "shop.example");
    assert_eq!(open.text(request.body(full("")).unwrap()).await.0, 200);
}
