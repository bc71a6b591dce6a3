//! The demo's small site, a process of its own that knows nothing of TLS.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::args::DemoSiteArgs;
use crate::attached::Parent;
use crate::failure::Failure;
use crate::stop::StopSignals;

/// The page at `/`.
pub(crate) const PAGE: &str = include_str!("page.html");

pub(crate) fn run(args: &DemoSiteArgs) -> Result<(), Failure> {
    crate::block_on(serve(args.attached))
}

async fn serve(attached: bool) -> Result<(), Failure> {
    let mut signals = StopSignals::catch()?;
    let mut parent = Parent::watch(attached);
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|cause| Failure::run_time(format!("the site cannot listen: {cause}")))?;
    let address = listener.local_addr().map_err(Failure::run_time)?;
    parent.ready(vec![address.to_string()])?;

    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(async move {
                        let connection = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service_fn(respond));
                        if let Err(error) = connection.await {
                            tracing::debug!("connection to the site: {error}");
                        }
                    });
                }
                Err(error) => tracing::warn!("the site cannot accept: {error}"),
            },
            _ = signals.wait() => return Ok(()),
            asked = parent.asked() => if asked.is_none() { return Ok(()) },
        }
    }
}

async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/") => (StatusCode::OK, PAGE),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "There is one page: /\n"),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "GET it.\n"),
    };
    let content_type = match status {
        StatusCode::OK => "text/html; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .header(CACHE_CONTROL, "no-store")
        .header(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        )
        .body(Full::new(Bytes::from_static(body.as_bytes())));
    // Every part of it is a constant.
    Ok(response.expect("constant headers are valid"))
}
