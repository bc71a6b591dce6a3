//! curl, over HTTP/1.1 and HTTP/2.

use std::sync::LazyLock;

use keyward_peers::{Site, Stand, curl::Curl, peer_or_skip, stand::pattern};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

const MEGABYTES: usize = 8 << 20;
const VERSIONS: [(&str, &str); 2] = [("--http1.1", "1.1"), ("--http2", "2")];

#[test]
fn page() {
    let curl = peer_or_skip!("curl");
    for site in [
        Site::Ecdsa,
        Site::Rsa,
        Site::Both,
        Site::Ed25519,
        Site::Modern,
        Site::Legacy,
    ] {
        for (flag, version) in VERSIONS {
            let response = Curl::new(&curl, &STAND, &STAND.host(site), "/")
                .arg(flag)
                .run(b"");
            assert_eq!(
                response.http_version(),
                Some(version),
                "{site:?}:\n{}",
                response.0.text
            );
            let body = String::from_utf8_lossy(response.body()).into_owned();
            assert!(body.contains("Served through Keyward"), "{body}");
            response.0.succeeded();
        }
    }
}

#[test]
fn download() {
    let curl = peer_or_skip!("curl");
    for (flag, version) in VERSIONS {
        let path = format!("/bytes/{MEGABYTES}");
        let response = Curl::new(&curl, &STAND, &STAND.host(Site::Ecdsa), &path)
            .arg(flag)
            .run(b"");
        assert_eq!(response.http_version(), Some(version));
        assert!(
            response.body() == pattern(MEGABYTES),
            "HTTP/{version}: not what was sent"
        );
        response.0.succeeded();
    }
}

/// The service sends the body back while it comes in: both directions at once.
#[test]
fn upload() {
    let curl = peer_or_skip!("curl");
    let body = pattern(MEGABYTES);
    for (flag, version) in VERSIONS {
        for tls in ["1.2", "1.3"] {
            let response = Curl::new(&curl, &STAND, &STAND.host(Site::Ecdsa), "/echo")
                .arg(flag)
                .option("--tls-max", tls)
                .option("--data-binary", "@-")
                .option("--header", "Expect:")
                .run(&body);
            assert_eq!(
                response.http_version(),
                Some(version),
                "{}",
                response.0.text.len()
            );
            assert!(
                response.body() == body,
                "HTTP/{version}, TLS {tls}: not what was sent"
            );
            response.0.succeeded();
        }
    }
}

#[test]
fn forwarded_headers() {
    let curl = peer_or_skip!("curl");
    for (flag, _) in VERSIONS {
        let host = STAND.host(Site::Ecdsa);
        let response = Curl::new(&curl, &STAND, &host, "/headers")
            .arg(flag)
            .run(b"");
        let headers: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(headers["x-forwarded-proto"], "https", "{headers}");
        assert_eq!(headers["x-forwarded-for"], "127.0.0.1", "{headers}");
        assert_eq!(
            headers["host"],
            format!("{host}:{}", STAND.address().port()),
            "{headers}"
        );
        response.0.succeeded();
    }
}

/// Several requests on one HTTP/2 connection: one handshake.
#[test]
fn multiplexing() {
    let curl = peer_or_skip!("curl");
    let host = STAND.host(Site::Ecdsa);
    let base = format!("https://{host}:{}", STAND.address().port());
    let response = Curl::new(&curl, &STAND, &host, "/bytes/300000")
        .args(&["--http2", "--parallel"])
        .args(&[
            &format!("{base}/bytes/200000"),
            &format!("{base}/bytes/100000"),
            &format!("{base}/"),
        ])
        .run(b"");
    assert!(response.body().len() > 600_000, "{}", response.body().len());
    response.0.succeeded();
    assert_eq!(STAND.handshakes(&host, 1).len(), 1);
}
