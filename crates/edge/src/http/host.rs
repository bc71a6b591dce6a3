//! Which host a request is for.

use http::Version;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use super::refusal::Refusal;

/// The host that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestHost {
    /// As the client wrote it, with the port if there is one.
    pub(super) authority: Authority,
    /// In lower case, without port and trailing dot.
    pub(super) name: String,
}

/// Finds the one host of a request. `server_name` stands in for HTTP/1.0 clients that send none.
pub(super) fn of(request: &Parts, server_name: Option<&str>) -> Result<RequestHost, Refusal> {
    let mut fields = request.headers.get_all(HOST).iter();
    let field = fields.next();
    // RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
    // request message that lacks a Host header field and to any request message that contains more
    // than one Host header field line or a Host header field with an invalid field value."
    if fields.next().is_some() {
        return Err(Refusal::bad_request("more than one Host header field"));
    }
    let field = field
        .map(|value| {
            value
                .to_str()
                .ok()
                .and_then(|text| text.parse::<Authority>().ok())
                .ok_or_else(|| Refusal::bad_request("the Host header field is no host"))
        })
        .transpose()?;
    let authority = match (request.uri.authority(), field) {
        (Some(target), Some(field)) => {
            // RFC 9113 §8.3.1: "A server SHOULD treat a request as malformed if it contains a Host
            // header field that identifies an entity that differs from the entity in the
            // ":authority" pseudo-header field." For HTTP/1.1, RFC 9112 §3.2.2 lets the target win;
            // two names in one request are a smuggler's tool all the same.
            if !target.as_str().eq_ignore_ascii_case(field.as_str()) {
                return Err(Refusal::bad_request(
                    "the target and the Host header field differ",
                ));
            }
            target.clone()
        }
        (Some(target), None) if request.version != Version::HTTP_11 => target.clone(),
        (None, Some(field)) => field,
        (None, None) if request.version == Version::HTTP_10 => server_name
            .and_then(|name| name.parse().ok())
            .ok_or_else(|| Refusal::bad_request("no host"))?,
        _ => return Err(Refusal::bad_request("no Host header field")),
    };
    // RFC 9110 §4.2.4: "a recipient SHOULD parse for userinfo and treat its presence as an error; it
    // is likely being used to obscure the authority for the sake of phishing attacks."
    if authority.as_str().contains('@') {
        return Err(Refusal::bad_request("user information in the host"));
    }
    let host = authority.host().to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host).to_owned();
    if name.is_empty() {
        return Err(Refusal::bad_request("an empty host"));
    }
    Ok(RequestHost { authority, name })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn host(version: Version, uri: &str, fields: &[&str]) -> Result<String, Refusal> {
        let mut request = Request::builder().version(version).uri(uri);
        for field in fields {
            request = request.header(HOST, *field);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        of(&parts, Some("sni.example")).map(|host| host.name)
    }

    #[test]
    fn one_host_in_the_usual_places() {
        let ok = |version, uri, fields: &[&str]| host(version, uri, fields).expect("a host");
        assert_eq!(ok(Version::HTTP_11, "/", &["A.example:8443"]), "a.example");
        assert_eq!(ok(Version::HTTP_11, "/", &["a.example."]), "a.example");
        assert_eq!(ok(Version::HTTP_11, "/", &["[::1]:8443"]), "[::1]");
        assert_eq!(ok(Version::HTTP_2, "https://a.example/", &[]), "a.example");
        assert_eq!(
            ok(Version::HTTP_2, "https://a.example/", &["a.example"]),
            "a.example"
        );
        assert_eq!(
            ok(Version::HTTP_11, "http://a.example/", &["a.example"]),
            "a.example"
        );
        assert_eq!(ok(Version::HTTP_10, "/", &[]), "sni.example");
    }

    #[test]
    fn everything_else_is_refused() {
        for (version, uri, fields) in [
            (Version::HTTP_11, "/", &[][..]),
            (Version::HTTP_11, "http://a.example/", &[]),
            (Version::HTTP_11, "/", &["a.example", "a.example"]),
            (Version::HTTP_11, "/", &["a.example, b.example"]),
            (Version::HTTP_11, "/", &[""]),
            (Version::HTTP_11, "/", &["user@a.example"]),
            (Version::HTTP_11, "http://a.example/", &["b.example"]),
            (Version::HTTP_2, "https://a.example/", &["b.example"]),
            (Version::HTTP_2, "/", &[]),
        ] {
            assert!(host(version, uri, fields).is_err(), "{uri} {fields:?}");
        }
    }
}
