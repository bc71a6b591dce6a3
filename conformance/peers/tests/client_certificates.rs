//! Clients' certificates, from curl, OpenSSL and GnuTLS, through the edge to the service.

use std::sync::LazyLock;

use keyward_peers::{Site, Stand, curl::Curl, gnutls::GnutlsCli, openssl::SClient, peer_or_skip};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

const HANDSHAKE_FAILURE: u8 = 40;
const CERTIFICATE_EXPIRED: u8 = 45;
const UNKNOWN_CA: u8 = 48;
const CERTIFICATE_REQUIRED: u8 = 116;

#[test]
fn curl_shows_one() {
    let curl = peer_or_skip!("curl");
    let (certificate, key) = STAND.client_files();
    // The PEM's lines are the Byte Sequence of RFC 9440, but for the ends of lines.
    let pem = std::fs::read_to_string(&certificate).unwrap();
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    let expected = format!(":{}:", lines.collect::<String>());
    for version in ["--http1.1", "--http2"] {
        for tls in ["1.2", "1.3"] {
            let response = Curl::new(&curl, &STAND, &STAND.host(Site::Mutual), "/headers")
                .args(&[version, "--tls-max", tls])
                .option("--cert", certificate.to_str().unwrap())
                .option("--key", key.to_str().unwrap())
                .option("--header", "Client-Cert: :bGllcw==:")
                .run(b"");
            let seen: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(seen["client-cert"], expected, "{version}, TLS {tls}");
            response.0.succeeded();
        }
    }
    // A site that asks for none, of a client that would have one and claims to have another.
    let response = Curl::new(&curl, &STAND, &STAND.host(Site::Ecdsa), "/headers")
        .option("--cert", certificate.to_str().unwrap())
        .option("--key", key.to_str().unwrap())
        .option("--header", "Client-Cert: :bGllcw==:")
        .run(b"");
    let seen: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert!(seen.get("client-cert").is_none(), "{seen}");
    response.0.succeeded();
}

#[test]
fn openssl_shows_one_and_resumes() {
    let openssl = peer_or_skip!("openssl");
    let (certificate, key) = STAND.client_files();
    for version in ["-tls1_2", "-tls1_3"] {
        let host = STAND.host(Site::Mutual);
        let session = STAND.directory().join(format!("mutual{version}.session"));
        let client = |option| {
            SClient::new(&openssl, &STAND, &host)
                .arg(version)
                .option("-cert", &certificate)
                .option("-key", &key)
                .option(option, &session)
                .get("/headers")
                .answered()
        };
        let first = client("-sess_out");
        let second = client("-sess_in");
        assert!(!first.session().resumed && second.session().resumed);
        for outcome in [first, second] {
            let text = &outcome.0.text;
            assert!(text.contains("\"client-cert\":\":"), "{text}");
        }
    }
}

#[test]
fn without_one() {
    let openssl = peer_or_skip!("openssl");
    for (version, alert) in [
        ("-tls1_2", HANDSHAKE_FAILURE),
        ("-tls1_3", CERTIFICATE_REQUIRED),
    ] {
        let outcome = SClient::new(&openssl, &STAND, &STAND.host(Site::Mutual))
            .arg(version)
            .get("/");
        assert_eq!(outcome.alert(), Some(alert), "{}", outcome.0.text);
    }
    let gnutls = peer_or_skip!("gnutls-cli");
    for (version, alert) in [
        ("1.2", "Handshake failed"),
        ("1.3", "Certificate is required"),
    ] {
        let priority = format!("NORMAL:-VERS-ALL:+VERS-TLS{version}");
        let outcome = GnutlsCli::new(&gnutls, &STAND, &STAND.host(Site::Mutual), &priority);
        let outcome = outcome.get(&STAND, "/");
        assert!(outcome.alert(alert), "{}", outcome.0.text);
    }
}

#[test]
fn with_a_strangers_or_an_expired_one() {
    let openssl = peer_or_skip!("openssl");
    let gnutls = peer_or_skip!("gnutls-cli");
    let stranger = keyward_pki::Authority::new("stranger").unwrap();
    let issued = stranger.issue_client("client.example").unwrap();
    issued.save(STAND.directory(), "stranger").unwrap();
    // It was valid until the moment in which it was made, when the stand began.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    for (name, alert, words) in [
        ("stranger", UNKNOWN_CA, "CA is unknown"),
        ("expired", CERTIFICATE_EXPIRED, "Certificate is expired"),
    ] {
        let file = |ending| STAND.directory().join(format!("{name}.{ending}"));
        for version in ["1.2", "1.3"] {
            let outcome = SClient::new(&openssl, &STAND, &STAND.host(Site::Mutual))
                .arg(&format!("-tls{}", version.replace('.', "_")))
                .option("-cert", file("pem"))
                .option("-key", file("key"))
                .get("/");
            assert_eq!(outcome.alert(), Some(alert), "{}", outcome.0.text);
            let priority = format!("NORMAL:-VERS-ALL:+VERS-TLS{version}");
            let outcome = GnutlsCli::new(&gnutls, &STAND, &STAND.host(Site::Mutual), &priority)
                .args(&["--x509certfile", file("pem").to_str().unwrap()])
                .args(&["--x509keyfile", file("key").to_str().unwrap()])
                .get(&STAND, "/");
            assert!(outcome.alert(words), "{}", outcome.0.text);
        }
    }
}
