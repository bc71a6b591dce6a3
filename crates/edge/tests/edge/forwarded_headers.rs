//! What the service is told about the client comes from the edge.

use http::{Request, Response};

use super::support::{Client, Home, Service, Site, full};

#[tokio::test(flavor = "multi_thread")]
async fn x_forwarded_and_hop_by_hop() {
    let service = Service::start(|request| async move {
        let mut lines: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        Response::builder()
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("x-end", "1")
            .body(full(lines.join("\n")))
            .unwrap()
    })
    .await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let client = Client::new();
    let mut http1 = client.http1(home.address(), "shop.example").await;
    let request = Request::get("/")
        .header("host", "shop.example:8443")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-forwarded-proto", "http")
        .header("x-forwarded-port", "80")
        .header("forwarded", "for=10.0.0.1")
        .header("connection", "x-secret, keep-alive")
        .header("x-secret", "1")
        .header("te", "trailers")
        .header("x-own", "1")
        .body(full(""))
        .unwrap();
    let response = http1.send(request).await;
    assert_eq!(response.headers()["x-end"], "1");
    for name in ["x-hop", "keep-alive", "connection"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
    let text = super::support::bytes_of(response.into_body()).await;
    let expected = "connection: te\nhost: shop.example:8443\nte: trailers\nvia: 1.1 keyward\n\
                    x-forwarded-for: 127.0.0.1\nx-forwarded-host: shop.example:8443\n\
                    x-forwarded-proto: https\nx-own: 1";
    assert_eq!(text, expected);

    let mut http2 = client.http2(home.address(), "shop.example").await;
    let request = Request::get("https://shop.example/")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(full(""))
        .unwrap();
    let (_, text) = http2.text(request).await;
    let expected = "cookie: a=1; b=2\nhost: shop.example\nvia: 2.0 keyward\n\
                    x-forwarded-for: 127.0.0.1\nx-forwarded-host: shop.example\n\
                    x-forwarded-proto: https";
    assert_eq!(text, expected);
}
