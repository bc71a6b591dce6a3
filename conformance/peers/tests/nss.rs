//! NSS, which is Firefox's TLS, by its `tstclnt`.

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use keyward_peers::{
    Site, Stand,
    nss::{Database, Tstclnt},
    peer_or_skip,
};

static STAND: LazyLock<Stand> = LazyLock::new(Stand::start);

const VERSIONS: [(&str, &str); 2] = [("tls1.3", "TLS 1.3"), ("tls1.2", "TLS 1.2")];

#[test]
fn versions_and_signatures() {
    let tstclnt = peer_or_skip!("tstclnt");
    let certutil = peer_or_skip!("certutil");
    let database = Database::create(&certutil, &STAND.directory().join("nss-versions"), &STAND);
    for (version, shown) in VERSIONS {
        for (site, signature) in [
            (Site::Ecdsa, "ecdsa_secp256r1_"),
            (Site::Rsa, "rsa_pss_rsae_"),
            (Site::Both, "ecdsa_secp256r1_"),
        ] {
            let host = STAND.host(site);
            let outcome = Tstclnt::new(&tstclnt, &database, &STAND, &host, version)
                .get("/")
                .answered();
            let scheme = outcome.signature().unwrap_or_default();
            assert!(
                scheme.starts_with(signature),
                "{version} {site:?}: {scheme}"
            );
            assert_eq!(STAND.handshake(&host).version.as_deref(), Some(shown));
        }
    }
}

#[test]
fn groups() {
    let tstclnt = peer_or_skip!("tstclnt");
    let certutil = peer_or_skip!("certutil");
    let database = Database::create(&certutil, &STAND.directory().join("nss-groups"), &STAND);
    for (group, iana) in [
        ("x25519", "x25519"),
        ("P256", "secp256r1"),
        ("P384", "secp384r1"),
    ] {
        let host = STAND.host(Site::Rsa);
        Tstclnt::new(&tstclnt, &database, &STAND, &host, "tls1.3")
            .args(&["-I", group])
            .get("/")
            .answered();
        assert_eq!(STAND.handshake(&host).group.as_deref(), Some(iana));
    }
}

/// A key share for the first group alone, which the edge does not have.
#[test]
fn hello_retry_request() {
    let tstclnt = peer_or_skip!("tstclnt");
    let certutil = peer_or_skip!("certutil");
    let database = Database::create(&certutil, &STAND.directory().join("nss-retry"), &STAND);
    let host = STAND.host(Site::Ecdsa);
    Tstclnt::new(&tstclnt, &database, &STAND, &host, "tls1.3")
        // `-e`: with the change_cipher_spec of middlebox compatibility between the two ClientHellos.
        .args(&["-I", "P521,P256", "-e"])
        .get("/")
        .answered();
    let record = STAND.handshake(&host);
    assert!(
        record
            .events
            .iter()
            .any(|event| event.what == "HelloRetryRequest"),
        "{record:#?}"
    );
}

#[test]
fn resumption() {
    let tstclnt = peer_or_skip!("tstclnt");
    let certutil = peer_or_skip!("certutil");
    let database = Database::create(&certutil, &STAND.directory().join("nss-resumption"), &STAND);
    for (name, version, arguments) in [
        ("TLS 1.3", "tls1.3", &["-u", "-L", "2"][..]),
        ("TLS 1.2 by ticket", "tls1.2", &["-u", "-G", "-L", "2"]),
        ("TLS 1.2 by session ID", "tls1.2", &["-G", "-L", "2"]),
        (
            "TLS 1.2 without extended master secret",
            "tls1.2",
            &["-u", "-L", "2"],
        ),
    ] {
        let host = STAND.host(Site::Ecdsa);
        Tstclnt::new(&tstclnt, &database, &STAND, &host, version)
            .args(arguments)
            .get("/")
            .answered();
        let counts: Vec<_> = STAND
            .handshakes(&host, 2)
            .iter()
            .map(|record| (record.resumed, record.key_operations))
            .collect();
        assert_eq!(counts, [(false, 1), (true, 0)], "{name}");
    }
}

#[test]
fn refusals() {
    let tstclnt = peer_or_skip!("tstclnt");
    let certutil = peer_or_skip!("certutil");
    let database = Database::create(&certutil, &STAND.directory().join("nss-refusals"), &STAND);
    for (what, host, version, error) in [
        (
            "TLS 1.2 under modern",
            STAND.host(Site::Modern),
            "tls1.2",
            "SSL_ERROR_PROTOCOL_VERSION_ALERT",
        ),
        (
            "an unknown name",
            "stranger.example".to_owned(),
            "tls1.3",
            "SSL_ERROR_UNRECOGNIZED_NAME_ALERT",
        ),
    ] {
        let outcome = Tstclnt::new(&tstclnt, &database, &STAND, &host, version).get("/");
        assert!(outcome.failed_with(error), "{what}:\n{}", outcome.0.text);
    }
}

/// What Firefox does with a delegated credential: it asks for one, and the edge signs by itself. `tstclnt` without
/// it has the key server sign.
#[test]
fn delegated_credentials() {
    let tstclnt = peer_or_skip!("tstclnt");
    let certutil = peer_or_skip!("certutil");
    let database = Database::create(&certutil, &STAND.directory().join("nss-delegated"), &STAND);
    let operations = |arguments: &[&str]| {
        let host = STAND.host(Site::Delegating);
        let outcome = Tstclnt::new(&tstclnt, &database, &STAND, &host, "tls1.3")
            .args(arguments)
            .get("/")
            .answered();
        assert_eq!(outcome.signature(), Some("ecdsa_secp256r1_sha256"));
        STAND.handshake(&host).key_operations
    };
    // The edge has its credential some moments after it started.
    let deadline = Instant::now() + Duration::from_secs(20);
    while operations(&["-B"]) != 0 {
        assert!(Instant::now() < deadline, "the edge never signs by itself");
        thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(operations(&[]), 1);
}
