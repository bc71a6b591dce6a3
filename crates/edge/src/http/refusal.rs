//! Responses of the edge's own: what it refuses, and what the service does not answer.

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode, Version};

use super::body::ResponseBody;
use super::pool::UpstreamError;
use crate::upstream::ConnectError;

/// A request that is not served, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// For the log; the client gets the status and a general sentence.
    pub(super) cause: String,
    /// The connection cannot be used on: what follows on it may not be what it seems.
    pub(super) close: bool,
}

impl Refusal {
    pub(super) fn bad_request(cause: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            cause: cause.into(),
            close: true,
        }
    }

    pub(super) fn not_implemented(cause: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_IMPLEMENTED,
            ..Self::bad_request(cause)
        }
    }

    pub(super) fn misdirected(cause: impl Into<String>) -> Self {
        Self {
            status: StatusCode::MISDIRECTED_REQUEST,
            cause: cause.into(),
            close: false,
        }
    }

    /// The service did not come up with a response.
    pub(super) fn upstream(error: &UpstreamError) -> Self {
        let status = match error {
            UpstreamError::Connect(ConnectError::TimedOut(_)) | UpstreamError::TimedOut(_) => {
                StatusCode::GATEWAY_TIMEOUT
            }
            UpstreamError::ClientBody { timed_out: true } => StatusCode::REQUEST_TIMEOUT,
            UpstreamError::ClientBody { timed_out: false } => StatusCode::BAD_REQUEST,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self {
            status,
            cause: error.to_string(),
            close: matches!(error, UpstreamError::ClientBody { .. }),
        }
    }

    /// Whether it is trouble behind the edge, and not the client's doing.
    pub(super) fn is_ours(&self) -> bool {
        self.status.is_server_error() && self.status != StatusCode::NOT_IMPLEMENTED
    }

    pub(super) fn response(&self, version: Version) -> Response<ResponseBody> {
        let mut response = Response::new(ResponseBody::own(format!(
            "{}\n{}\n",
            self.status,
            explanation(self.status)
        )));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.close && version < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// For the user of a browser; nothing of what is behind the edge.
fn explanation(status: StatusCode) -> &'static str {
    match status {
        StatusCode::MISDIRECTED_REQUEST => {
            "This connection is not for that host. Connect again for it."
        }
        StatusCode::BAD_GATEWAY => "The service behind this server cannot be reached.",
        StatusCode::GATEWAY_TIMEOUT => "The service behind this server does not answer in time.",
        StatusCode::REQUEST_TIMEOUT => "The request did not arrive in time.",
        StatusCode::NOT_IMPLEMENTED => "This server does not serve such requests.",
        _ => "The request is not valid.",
    }
}
