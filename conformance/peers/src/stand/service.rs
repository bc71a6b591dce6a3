//! The service behind the edge: a small HTTP/1.1 server, and one that echoes bytes.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    io,
    net::{TcpListener, TcpStream},
};

/// The background of the page at `/`, red, green and blue.
pub const BACKGROUND: [u8; 3] = [0x0b, 0x6e, 0x4f];

/// The page: its script asks for `/headers` and puts in what the service saw of the request.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Keyward</title>
<style>html { background: #0b6e4f; color: #fff; font: 48px sans-serif }</style>
<h1>Served through Keyward</h1>
<p id="scheme">script has not run</p>
<script>
fetch("/headers").then(answer => answer.json()).then(headers => {
  document.getElementById("scheme").textContent = "forwarded as " + headers["x-forwarded-proto"];
});
</script>
"#;

/// Where the two services listen.
pub(super) struct Upstream {
    /// HTTP/1.1: `/` is a page, `/headers` the request's headers as JSON, `/bytes/N` the first N bytes of [`pattern`], and
    /// `/echo` the request's body.
    pub(super) http: SocketAddr,
    /// Sends back what it gets.
    pub(super) echo: SocketAddr,
}

/// Starts both, until the runtime ends.
pub(super) async fn start() -> Upstream {
    let (http, http_address) = listen().await;
    let (echo, echo_address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = http.accept().await {
            tokio::spawn(
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)),
            );
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = echo.accept().await {
            tokio::spawn(send_back(stream));
        }
    });
    Upstream {
        http: http_address,
        echo: echo_address,
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free loopback port");
    let address = listener
        .local_addr()
        .expect("a bound listener has an address");
    (listener, address)
}

async fn send_back(mut stream: TcpStream) -> io::Result<u64> {
    let (mut reader, mut writer) = stream.split();
    io::copy(&mut reader, &mut writer).await
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Infallible> {
    let path = request.uri().path().to_owned();
    let (content_type, body) = match (request.method(), path.as_str()) {
        (&Method::GET, "/") => ("text/html", whole(PAGE)),
        (&Method::GET, "/headers") => {
            let headers = request.headers();
            let map: serde_json::Map<_, _> = headers
                .keys()
                .map(|name| {
                    let values: Vec<_> = headers
                        .get_all(name)
                        .iter()
                        .map(|value| String::from_utf8_lossy(value.as_bytes()))
                        .collect();
                    (name.to_string(), json!(values.join(", ")))
                })
                .collect();
            (
                "application/json",
                whole(serde_json::Value::Object(map).to_string()),
            )
        }
        (&Method::POST | &Method::PUT, "/echo") => {
            ("application/octet-stream", request.into_body().boxed())
        }
        _ => match path
            .strip_prefix("/bytes/")
            .and_then(|length| length.parse().ok())
        {
            Some(length) => ("application/octet-stream", whole(pattern(length))),
            None => {
                let mut response = Response::new(whole("not found\n"));
                *response.status_mut() = StatusCode::NOT_FOUND;
                return Ok(response);
            }
        },
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static(content_type),
    );
    Ok(response)
}

fn whole(body: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed()
}

/// `length` bytes that do not repeat within a record, so that a lost or doubled piece shows.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_pattern_starts_with_the_shorter() {
        assert_eq!(pattern(100), pattern(1000)[..100]);
        assert_eq!(pattern(3).len(), 3);
    }
}
