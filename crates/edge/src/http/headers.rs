//! Header fields on their way through: what belongs to one connection stays on it, and what the
//! service is told about the client comes from the edge alone.

use std::net::IpAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Uri, Version};

use super::client_certificate::{self, ClientCertificate};
use super::host::RequestHost;
use super::refusal::Refusal;

/// Header fields that mean one connection (RFC 9110 §7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [&str; 6] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

const EARLY_DATA: HeaderName = HeaderName::from_static("early-data");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Refuses what could mean one thing to the edge and another to the service.
pub(super) fn check_request(request: &Parts) -> Result<(), Refusal> {
    // RFC 9112 §6.1: "A server that receives a request message with a transfer coding it does not
    // understand SHOULD respond with 501 (Not Implemented)." hyper takes any list that ends with
    // chunked; the service would get a body whose inner coding nobody announces.
    let mut codings = request.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::not_implemented(
                "a transfer coding other than chunked",
            ));
        }
        if request.headers.contains_key(CONTENT_LENGTH) {
            return Err(Refusal::bad_request(
                "Content-Length beside Transfer-Encoding",
            ));
        }
    }
    if request.headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
        return Err(Refusal::bad_request("more than one Content-Length"));
    }
    if request.method == Method::CONNECT {
        return Err(Refusal::not_implemented("the method CONNECT"));
    }
    Ok(())
}

/// The protocol that a client wants to change to, if it can.
pub(super) fn requested_upgrade(request: &Parts) -> Option<HeaderValue> {
    if request.version != Version::HTTP_11 || !connection_names(&request.headers, "upgrade") {
        return None;
    }
    let mut fields = request.headers.get_all(UPGRADE).iter();
    let protocol = fields.next()?;
    // Behind h2c or another TLS (RFC 2817) the service would see requests that no rule of the edge has seen.
    let hides_requests = protocol.to_str().map_or(true, |list| {
        list.split(',').any(|token| {
            let name = token.split('/').next().unwrap_or_default().trim();
            name.eq_ignore_ascii_case("h2c") || name.eq_ignore_ascii_case("tls")
        })
    });
    (fields.next().is_none() && !hides_requests).then(|| protocol.clone())
}

/// What the edge knows of the client and tells the service.
pub(super) struct About<'a> {
    pub(super) address: IpAddr,
    pub(super) certificate: Option<&'a ClientCertificate>,
    /// The request is early data, and forwarded before the handshake is complete.
    pub(super) early: bool,
}

/// Makes the client's header into the one that the service gets.
pub(super) fn to_service(
    request: &mut Parts,
    host: &RequestHost,
    client: &About<'_>,
    upgrade: Option<&HeaderValue>,
) {
    let headers = &mut request.headers;
    let takes_trailers = headers
        .get_all(TE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|coding| coding.trim().eq_ignore_ascii_case("trailers"));
    remove_hop_by_hop(headers);
    remove_claims(headers);
    join_cookies(headers);
    // hyper answers `100-continue` itself, once the service takes the body.
    headers.remove(EXPECT);
    headers.remove("http2-settings");

    let authority = host.authority.as_str();
    if let Ok(value) = HeaderValue::from_str(authority) {
        headers.insert(HOST, value.clone());
        headers.insert(FORWARDED_HOST, value);
    }
    if let Ok(value) = HeaderValue::from_str(&client.address.to_string()) {
        headers.insert(FORWARDED_FOR, value);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    if let Some(certificate) = client.certificate {
        certificate.tell(headers);
    }
    // RFC 8470 §5.1: "An intermediary that forwards a request prior to the completion of the TLS handshake
    // with its client MUST send it with the Early-Data header field set to "1"", and "An intermediary MUST
    // NOT remove this header field if it is present in a request": one before this edge may have set it.
    if client.early || headers.contains_key(EARLY_DATA) {
        headers.insert(EARLY_DATA, HeaderValue::from_static("1"));
    }
    // RFC 9110 §7.6.3: "An HTTP-to-HTTP gateway MUST send an appropriate Via header field in each
    // inbound request message".
    headers.append(VIA, via(request.version));
    match upgrade {
        Some(protocol) => {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol.clone());
        }
        None if takes_trailers => {
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        None => {}
    }
    request.uri = origin_form(&request.uri);
    request.version = Version::HTTP_11;
    // What the client's connection left there is not for the service's.
    request.extensions.clear();
}

/// Makes the service's header into the one that the client gets.
pub(super) fn to_client(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    client_certificate::guard_caches(headers);
}

fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::HTTP_2 => "2.0 keyward",
        Version::HTTP_10 => "1.0 keyward",
        _ => "1.1 keyward",
    })
}

fn origin_form(uri: &Uri) -> Uri {
    let path = uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::from(path)
}

fn connection_names(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case(name))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // RFC 9110 §7.6.1: intermediaries "MUST parse a received Connection header field before a
    // message is forwarded and, for each connection-option in this field, remove any header or
    // trailer field(s) from the message with the same name".
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|token| token.trim().parse().ok())
        // Framing stays what hyper has read the message by.
        // RFC 8470 §5.1: "Early-Data MUST NOT appear in a Connection header field."
        .filter(|name| *name != CONTENT_LENGTH && *name != TRAILER && *name != EARLY_DATA)
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What only the edge may say about the client. Services that map header names to variables (CGI,
/// WSGI) take `_` for `-`, and some make one of whatever is no letter or digit, so those spellings go as well.
pub(super) fn remove_claims(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let name = name
                .as_str()
                .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            name.starts_with("x-forwarded-")
                || name == "forwarded"
                || name == "x-real-ip"
                // RFC 9440 §2.4: "Any occurrence of the Client-Cert or Client-Cert-Chain header fields in
                // the original incoming request MUST be removed or overwritten before forwarding the
                // request."
                || name == "client-cert"
                || name == "client-cert-chain"
        })
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
}

/// RFC 9113 §8.2.3: "If there are multiple Cookie header fields after decompression, these MUST be
/// concatenated into a single octet string using the two-octet delimiter of 0x3b, 0x20".
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().count() < 2 {
        return;
    }
    let crumbs: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn forwarded(version: Version, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder()
            .version(version)
            .uri("https://a.example/p?q=1");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let host = RequestHost {
            authority: "a.example:8443".parse().expect("a host"),
            name: "a.example".into(),
        };
        let upgrade = requested_upgrade(&parts);
        let client = About {
            address: [192, 0, 2, 1].into(),
            certificate: None,
            early: false,
        };
        to_service(&mut parts, &host, &client, upgrade.as_ref());
        parts
    }

    #[test]
    fn the_client_cannot_speak_for_the_edge() {
        let parts = forwarded(
            Version::HTTP_11,
            &[
                ("x-forwarded-for", "10.0.0.1"),
                ("X_Forwarded_For", "10.0.0.1"),
                ("x-forwarded-port", "1"),
                ("forwarded", "for=10.0.0.1"),
                ("x-real-ip", "10.0.0.1"),
                ("client-cert", ":AAAA:"),
                ("Client_Cert", ":AAAA:"),
                ("client.cert", ":AAAA:"),
                ("client-cert-chain", ":AAAA:"),
                ("connection", "x-forwarded-proto, x-private"),
                ("x-private", "1"),
                ("x-public", "1"),
            ],
        );
        let headers = &parts.headers;
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "a.example:8443");
        assert_eq!(headers["host"], "a.example:8443");
        assert_eq!(headers["via"], "1.1 keyward");
        assert_eq!(headers["x-public"], "1");
        assert_eq!(headers.len(), 6, "{headers:?}");
        assert_eq!(parts.uri, "/p?q=1");
        assert_eq!(parts.version, Version::HTTP_11);
    }

    #[test]
    fn what_was_early_before_stays_so() {
        let fields = [("early-data", "0"), ("connection", "early-data, close")];
        let parts = forwarded(Version::HTTP_11, &fields);
        assert_eq!(parts.headers["early-data"], "1");
        assert!(
            !forwarded(Version::HTTP_11, &[])
                .headers
                .contains_key("early-data")
        );
    }

    #[test]
    fn cookie_crumbs_become_one_field() {
        let parts = forwarded(Version::HTTP_2, &[("cookie", "a=1"), ("cookie", "b=2")]);
        assert_eq!(parts.headers.get_all("cookie").iter().count(), 1);
        assert_eq!(parts.headers["cookie"], "a=1; b=2");
    }

    #[test]
    fn upgrades_but_not_to_h2c_nor_to_tls() {
        let websocket = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
        ];
        let parts = forwarded(Version::HTTP_11, &websocket);
        assert_eq!(parts.headers["connection"], "upgrade");
        assert_eq!(parts.headers["upgrade"], "websocket");
        for (version, fields) in [
            (Version::HTTP_2, websocket),
            (
                Version::HTTP_11,
                [
                    ("connection", "upgrade, http2-settings"),
                    ("upgrade", "h2c"),
                ],
            ),
            (
                Version::HTTP_11,
                [("connection", "upgrade"), ("upgrade", "websocket, TLS/1.0")],
            ),
            (
                Version::HTTP_11,
                [("connection", "close"), ("upgrade", "websocket")],
            ),
        ] {
            let parts = forwarded(version, &fields);
            assert!(!parts.headers.contains_key("upgrade"), "{fields:?}");
            assert!(!parts.headers.contains_key("connection"), "{fields:?}");
        }
    }

    #[test]
    fn trailers_are_asked_for_where_the_client_takes_them() {
        let parts = forwarded(Version::HTTP_11, &[("te", "gzip;q=1, trailers")]);
        assert_eq!(parts.headers["te"], "trailers");
        assert_eq!(parts.headers["connection"], "te");
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        for (fields, status) in [
            (vec![("transfer-encoding", "gzip, chunked")], 501),
            (
                vec![
                    ("transfer-encoding", "chunked"),
                    ("transfer-encoding", "chunked"),
                ],
                501,
            ),
            (
                vec![("transfer-encoding", "chunked"), ("content-length", "1")],
                400,
            ),
            (vec![("content-length", "1"), ("content-length", "1")], 400),
        ] {
            let mut request = Request::builder();
            for (name, value) in &fields {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let refusal = check_request(&parts).expect_err("refused");
            assert_eq!(refusal.status.as_u16(), status, "{fields:?}");
        }
    }
}
