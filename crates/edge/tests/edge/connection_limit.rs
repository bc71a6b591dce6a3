//! At the connection limit accepting pauses, which the log says; nobody is turned away.

use std::time::Duration;

use super::support::{Client, Home, Service, Site, full, soon};

#[tokio::test(flavor = "multi_thread")]
async fn the_third_waits_for_a_place() {
    let service = Service::hello().await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &site, "[limits]\nconnections = 2").await;
    let client = Client::new();
    let first = client
        .http1::<super::support::Boxed>(home.address(), "shop.example")
        .await;
    let mut second = client.http1(home.address(), "shop.example").await;
    home.log
        .line(&["connection limit is reached", "limit=2"])
        .await;

    let address = home.address();
    let third = tokio::spawn(async move { Client::new().get(address, "shop.example").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!third.is_finished());
    assert_eq!(home.edge().counts().open_connections, 2);
    let request = http::Request::get("/")
        .header("host", "shop.example")
        .body(full(""))
        .unwrap();
    assert_eq!(
        second.text(request).await.0,
        200,
        "those who are there are served"
    );

    drop(first);
    assert_eq!(soon("the third", third).await.unwrap().0, 200);
    home.log.line(&["accepting goes on"]).await;
    assert!(home.edge().counts().accept_pauses >= 1);
}

/// A listener that nobody connects to does not take a place from the others.
#[tokio::test(flavor = "multi_thread")]
async fn listeners_share_the_places() {
    let service = Service::hello().await;
    let site = [Site::new(&["shop.example"], &service.url())];
    let after = "[[listen]]\naddress = \"127.0.0.1:0\"\n[limits]\nconnections = 1";
    let home = Home::start_with("", &site, after).await;
    let client = Client::new();
    for _ in 0..3 {
        for address in home.edge().addresses() {
            assert_eq!(client.get(*address, "shop.example").await.0, 200);
        }
    }
}
