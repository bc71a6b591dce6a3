//! Delegated credentials: the edge signs with a short-lived key of its own for clients that take that, and
//! has the key server sign for the others.

use keyward_tls::{ClientConfig, ClientConnection, Need, Step, UnixTime};
use keyward_wire::values::ProtocolVersion;
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Client, Home, Service, Site, soon, until};

const NAME: &str = "delegating.example";

const ALLOWED: &str = r#"
    [[edge]]
    name = "edge-1.example"
    keys = ["*"]
    operations = ["tls13-server-certificate-verify", "tls12-server-key-exchange", "delegated-credential"]
    names = ["*"]
    allow_no_sni = true
"#;

/// A certificate that may delegate (RFC 9345 §4.2), and its key at the key server.
fn delegating(home: &Home) {
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(3);
    params.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(30);
    let usage = [1, 3, 6, 1, 4, 1, 44363, 44];
    params.custom_extensions = vec![CustomExtension::from_oid_content(&usage, vec![5, 0])];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(home.path("delegating.pem"), certificate.pem()).unwrap();
    let file = home.path("keys/delegating.key");
    keyward_pki::write_private(&file, key.serialize_pem().as_bytes()).unwrap();
}

async fn home(rules: Option<&str>, settings: &[&str]) -> (Home, Service) {
    let service = Service::hello().await;
    let mut home = Home::new();
    delegating(&home);
    match rules {
        Some(rules) => home.start_key_server_with(rules).await,
        None => home.start_key_server().await,
    }
    let site = Site::with_chain(&[NAME], &service.url(), "delegating.pem");
    let site = settings
        .iter()
        .fold(site, |site, setting| site.with(setting));
    home.start_edge(&home.socket(), "", &[site], "").await;
    home.connected().await;
    soon("the keys are known", home.edge().keys_known()).await;
    (home, service)
}

/// A handshake of our own client, which takes delegated credentials and trusts anybody: whether it got one.
async fn gets_one(home: &Home) -> bool {
    let config = ClientConfig {
        delegated_credentials: true,
        resumption: false,
        ..ClientConfig::default()
    };
    let mut tls = ClientConnection::new(config.into(), NAME.parse().unwrap()).unwrap();
    let mut socket = TcpStream::connect(home.address()).await.unwrap();
    let mut delegated = None;
    loop {
        match tls.step(UnixTime::now()).expect("a good handshake") {
            Step::Need(Need::PeerCertificate(need)) => {
                delegated = Some(need.delegated_credential().is_some());
                tls.answer(need.answer(Ok(()))).unwrap();
            }
            Step::HandshakeComplete => break,
            Step::Blocked => {
                let out = tls.output().to_vec();
                socket.write_all(&out).await.unwrap();
                tls.consume_output(out.len());
                let mut buffer = [0; 4096];
                let read = soon("the edge's bytes", socket.read(&mut buffer))
                    .await
                    .unwrap();
                assert!(read > 0, "the edge has left");
                assert_eq!(tls.receive(&buffer[..read]), read);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(tls.negotiated().unwrap().version, ProtocolVersion::TLS13);
    delegated.expect("the server was asked about")
}

/// Waits until clients get one, or none.
async fn has_one(home: &Home, expected: bool) {
    let waiting = async {
        while gets_one(home).await != expected {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("a delegated credential comes or goes", waiting).await;
    // What they cost is counted by then.
    until("the clients have left", || {
        home.edge().counts().open_connections == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_need_no_key_server() {
    let (mut home, _service) = home(Some(ALLOWED), &["delegated_credential = {}"]).await;
    has_one(&home, true).await;
    let before = home.edge().counts();
    for round in 1..=3 {
        assert!(gets_one(&home).await);
        let counts = home.edge().counts();
        assert_eq!(
            counts.delegated_signatures,
            before.delegated_signatures + round
        );
        assert_eq!(counts.key_operations, before.key_operations);
    }
    // A client without: the certificate's own key signs.
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(home.path("delegating.pem")).unwrap();
    use rustls_pki_types::pem::PemObject as _;
    roots
        .add(rustls_pki_types::CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let mut client = Client::tls13();
    let provider = client.config.crypto_provider().clone();
    client.config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A self-signed end entity: rustls does not take it for its own issuer, and says so after the signature.
    let _ = client.connect(home.address(), NAME).await;
    until("the key server has signed", || {
        home.edge().counts().key_operations > before.key_operations
    })
    .await;

    home.kill_key_server();
    until("it is gone", || !home.edge().key_server_connected()).await;
    assert!(gets_one(&home).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn off_by_default() {
    let (home, _service) = home(Some(ALLOWED), &[]).await;
    assert!(!gets_one(&home).await);
    until("the key server has signed", || {
        home.edge().counts().key_operations == 1
    })
    .await;
    assert_eq!(home.edge().counts().delegated_signatures, 0);
}

/// The key server's rules have the last word.
#[tokio::test(flavor = "multi_thread")]
async fn not_without_the_key_servers_leave() {
    let (home, _service) = home(None, &["delegated_credential = { hours = 1 }"]).await;
    home.log
        .line(&["no delegated credential", "do not have the operation"])
        .await;
    assert!(!gets_one(&home).await);
    until("the key server has signed", || {
        home.edge().counts().key_operations == 1
    })
    .await;
}

/// Nor does one stay in use that the key server would not sign any more.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_server_takes_its_leave_back() {
    let (mut home, _service) = home(Some(ALLOWED), &["delegated_credential = {}"]).await;
    has_one(&home, true).await;
    home.kill_key_server();
    until("it is gone", || !home.edge().key_server_connected()).await;
    home.start_key_server().await;
    has_one(&home, false).await;
}

#[test]
fn a_certificate_that_may_not_delegate() {
    let home = Home::new();
    let site = Site::new(&["shop.example"], "http://127.0.0.1:1").with("delegated_credential = {}");
    let text = home.edge_config(&home.socket(), "", &[site], "");
    let error = keyward_edge::Config::parse(&text, &home.path("edge.toml")).unwrap_err();
    assert!(error.to_string().contains("may delegate"), "{error}");
}
