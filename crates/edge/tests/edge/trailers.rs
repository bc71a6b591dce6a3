//! Trailers go through in both directions.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::support::{Boxed, Client, Home, Service, Site, soon};

fn with_trailer(value: &'static str) -> Boxed {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static(value));
    let frames: [Result<_, Infallible>; 2] = [
        Ok(Frame::data(Bytes::from_static(b"content"))),
        Ok(Frame::trailers(trailers)),
    ];
    StreamBody::new(futures_util::stream::iter(frames))
        .map_err(|never| match never {})
        .boxed()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_in_both_protocols() {
    let service = Service::start(|request| async move {
        let body = request.into_body().collect().await.unwrap();
        let sum = body
            .trailers()
            .and_then(|trailers| trailers.get("x-sum"))
            .cloned();
        let mut response = Response::builder().header("trailer", "x-sum");
        if let Some(sum) = sum {
            response = response.header("x-got", sum);
        }
        response.body(with_trailer("down")).unwrap()
    })
    .await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    for mut http in [
        Client::new().http1(home.address(), "shop.example").await,
        Client::new().http2(home.address(), "shop.example").await,
    ] {
        let request = Request::post("https://shop.example/")
            .header("host", "shop.example")
            .header("te", "trailers")
            .header("trailer", "x-sum")
            .body(with_trailer("up"))
            .unwrap();
        let response = http.send(request).await;
        assert_eq!(response.headers()["x-got"], "up");
        let body = soon("the body", response.into_body().collect())
            .await
            .unwrap();
        assert_eq!(body.trailers().expect("trailers")["x-sum"], "down");
        assert_eq!(body.to_bytes(), "content");
    }
}
