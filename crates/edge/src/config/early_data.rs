//! `early_data`: from the written setting to the checked one.

use http::Method;
use keyward_config::{Source, Spanned};

use super::raw::RawEarlyData;
use super::read::Checked;
use super::upstream::UpstreamAddress;

/// Which early data (0-RTT) a site takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyDataConfig {
    /// The most that a client may send, in bytes.
    pub max_bytes: u32,
    /// The methods of requests that are forwarded before the handshake is complete; others wait for it.
    pub methods: Vec<Method>,
}

/// A request's header, and a second and third one.
const DEFAULT_BYTES: u32 = 16 * 1024;
/// All of it may have to be kept until it is read.
const MAX_BYTES: i64 = 64 * 1024;

/// What a site says about early data.
pub(super) fn read(
    source: &Source,
    raw: Option<&Spanned<RawEarlyData>>,
    upstream: &UpstreamAddress,
) -> Checked<Option<EarlyDataConfig>> {
    let Some(raw) = raw else {
        return Ok(None);
    };
    if matches!(upstream, UpstreamAddress::Tcp(_)) {
        return Err(source.problem(
            raw.span(),
            "a tcp:// service cannot have early data: it may be a replay, and nothing would tell the \
             service so",
            "remove early_data, or use an http:// or https:// upstream",
        ));
    }
    let written = raw.get_ref();
    let max_bytes = source.number(written.max_bytes.as_ref(), 512..=MAX_BYTES, DEFAULT_BYTES)?;
    let methods = match &written.methods {
        None => vec![Method::GET, Method::HEAD, Method::OPTIONS],
        Some(methods) => methods
            .iter()
            .map(|written| method(source, written))
            .collect::<Checked<_>>()?,
    };
    Ok(Some(EarlyDataConfig { max_bytes, methods }))
}

fn method(source: &Source, written: &Spanned<String>) -> Checked<Method> {
    let text = written.get_ref();
    let problem = |cause: String, remedy| Err(source.problem(written.span(), cause, remedy));
    // Methods are case-sensitive (RFC 9110 §9.1).
    let Ok(method) = Method::from_bytes(text.as_bytes()) else {
        return problem(
            format!("\"{text}\" is no HTTP method"),
            "write methods as in [\"GET\", \"HEAD\", \"OPTIONS\"]",
        );
    };
    let does_something = [
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::CONNECT,
    ];
    if does_something.contains(&method) || text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return problem(
            format!("a request with \"{text}\" cannot be left to whoever recorded it"),
            "list safe methods alone (RFC 9110 §9.2.1), in capitals; requests with others wait for the \
             handshake",
        );
    }
    Ok(method)
}
