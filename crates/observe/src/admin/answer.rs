//! One request, one answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tracing::error;

use super::{Shared, host, process};
use crate::metrics::Format;
use crate::page;

const TEXT: &str = "text/plain; charset=utf-8";

/// What an answer says: status, kind and content.
type Said = (StatusCode, &'static str, String);

pub(super) async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let headers = request.headers();
    let mut extra = HeaderMap::new();
    let (status, kind, content) = if !matches!(*request.method(), Method::GET | Method::HEAD) {
        extra.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        said(
            StatusCode::METHOD_NOT_ALLOWED,
            "nothing can be changed here\n",
        )
    } else if shared.loopback && !names_this_machine(headers) {
        said(
            StatusCode::MISDIRECTED_REQUEST,
            "ask for this address by number, or as localhost\n",
        )
    } else {
        let format = Format::accepted(text(headers, &ACCEPT).unwrap_or_default());
        // What is said may take milliseconds, with many certificates.
        let saying = tokio::task::spawn_blocking(move || say(&path, format, &shared));
        saying.await.unwrap_or_else(|cause| {
            error!(%cause, "a request to the admin address failed");
            said(StatusCode::INTERNAL_SERVER_ERROR, "a bug; see the log\n")
        })
    };
    let mut response = Response::new(Full::new(Bytes::from(content)));
    *response.status_mut() = status;
    *response.headers_mut() = extra;
    let fixed = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        // Whatever got into the page does nothing.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn said(status: StatusCode, text: &str) -> Said {
    (status, TEXT, text.to_owned())
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Without `Host`, it is no browser.
fn names_this_machine(headers: &HeaderMap) -> bool {
    match headers.get(HOST) {
        Some(host) => host.to_str().is_ok_and(host::is_this_machine),
        None => true,
    }
}

fn say(path: &str, format: Format, shared: &Arc<Shared>) -> Said {
    let about = &shared.about;
    match path {
        "/" => {
            let page = shared.subject.page();
            let not_ready = shared.subject.not_ready();
            let html = page::render(about, shared.started.elapsed(), &not_ready, &page);
            (StatusCode::OK, "text/html; charset=utf-8", html)
        }
        "/style.css" => (
            StatusCode::OK,
            "text/css; charset=utf-8",
            page::STYLE.to_owned(),
        ),
        "/metrics" => {
            let shared = Arc::clone(shared);
            let written = format.text(move |out| {
                out.gauges(
                    "keyward_build_info",
                    "1, with the version of the software",
                    [([("version", shared.about.version)], 1)],
                )?;
                process::metrics(out, shared.started_at)?;
                shared.subject.metrics(out)
            });
            match written {
                Ok(text) => (StatusCode::OK, format.content_type(), text),
                Err(_) => said(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the metrics cannot be written\n",
                ),
            }
        }
        "/healthz" => said(StatusCode::OK, "alive\n"),
        "/readyz" => match &shared.subject.not_ready()[..] {
            [] => said(StatusCode::OK, "ready\n"),
            reasons => {
                let reasons: String = reasons.iter().map(|reason| line(reason)).collect();
                let text = format!("not ready\n{reasons}");
                (StatusCode::SERVICE_UNAVAILABLE, TEXT, text)
            }
        },
        "/version" => (
            StatusCode::OK,
            TEXT,
            format!(
                "keyward {} ({})\n",
                about.version,
                about.role.to_lowercase()
            ),
        ),
        _ => said(
            StatusCode::NOT_FOUND,
            "there are /, /metrics, /healthz, /readyz and /version\n",
        ),
    }
}

/// One reason, on one line whatever is in it.
fn line(reason: &str) -> String {
    let escaped: String = reason.chars().map(crate::text::visible).collect();
    format!("- {escaped}\n")
}
