//! A name that no site has gets `unrecognized_name`, unless there is a default site.

use keyward_edge::FailureCause;
use rustls::AlertDescription;

use super::support::{Client, Home, Service, Site, alert_of};

#[tokio::test(flavor = "multi_thread")]
async fn no_default_site() {
    let service = Service::hello().await;
    let site = Site::new(&["shop.example", "*.shop.example"], &service.url());
    let home = Home::start(&[site]).await;
    let client = Client::new();
    for name in ["other.example", "a.b.shop.example", "unknown.example"] {
        let error = client.connect(home.address(), name).await.unwrap_err();
        assert_eq!(
            alert_of(&error),
            Some(AlertDescription::UnrecognisedName),
            "{name}: {error}"
        );
        let line = home.log.line(&["refused a connection", name]).await;
        assert!(line.contains(" INFO "), "{line}");
    }
    assert_eq!(home.edge().counts().failed(FailureCause::UnknownName), 3);
    assert_eq!(home.edge().counts().key_operations, 0);
    for name in ["shop.example", "a.shop.example"] {
        assert_eq!(client.get(home.address(), name).await.0, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_name() {
    let home = Home::start(&[Site::new(&["shop.example"], "http://127.0.0.1:1")]).await;
    // rustls sends no server name for an address.
    let error = Client::new()
        .connect(home.address(), "127.0.0.1")
        .await
        .unwrap_err();
    assert_eq!(alert_of(&error), Some(AlertDescription::UnrecognisedName));
    home.log
        .line(&["refused a connection", "sends no server name"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_site_takes_them() {
    let (shop, other) = (Service::hello().await, Service::hello().await);
    let sites = [
        Site::new(&["shop.example"], &shop.url()),
        Site::new(&["other.example"], &other.url()).with("default = true"),
    ];
    let home = Home::start(&sites).await;
    let client = Client::new();
    // The certificate has the name, the sites have not.
    assert_eq!(client.get(home.address(), "tcp.example").await.0, 200);
    assert_eq!((shop.connections(), other.connections()), (0, 1));
}
