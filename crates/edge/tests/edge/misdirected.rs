//! A request for a host of another site than the connection's gets 421.

use http::Request;

use super::support::{Client, Home, Service, Site, full};

#[tokio::test(flavor = "multi_thread")]
async fn hosts_stay_with_their_sites() {
    let (shop, other) = (Service::hello().await, Service::hello().await);
    let sites = [
        Site::new(&["shop.example", "*.shop.example"], &shop.url()),
        Site::new(&["other.example"], &other.url()),
    ];
    let home = Home::start(&sites).await;
    let client = Client::new();
    let mut http1 = client.http1(home.address(), "shop.example").await;
    let mut http2 = client.http2(home.address(), "shop.example").await;
    for (host, status) in [
        ("shop.example", 200),
        ("shop.example:8443", 200),
        ("SHOP.example", 200),
        ("a.shop.example", 200),
        ("other.example", 421),
        ("unknown.example", 421),
        ("127.0.0.1", 421),
        ("shop.example", 200),
    ] {
        let request = Request::get("/")
            .header("host", host)
            .body(full(""))
            .unwrap();
        let (shown, text) = http1.text(request).await;
        assert_eq!(shown, status, "HTTP/1.1 {host}: {text}");
        let uri = format!("https://{host}/");
        let (shown, text) = http2.text(Request::get(uri).body(full("")).unwrap()).await;
        assert_eq!(shown, status, "HTTP/2 {host}: {text}");
    }
    assert_eq!(other.connections(), 0);
    home.log
        .line(&["refused a request", "status=421", "other.example"])
        .await;
}
