//! When no key server answers, or none has the key, a gokeyless server is asked: for the keys that are named for it, with every
//! client, and never for what a key server has refused.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_edge::FailureCause;
use keyward_keyserver::{Address, KeyServer, RunningKeyServer};
use rustls::AlertDescription;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::support::{Client, Home, Service, Site, alert_of, pki, soon, until};

/// A key server of Keyward's whose listener for gokeyless clients is on, with all keys.
async fn older(home: &Home) -> RunningKeyServer {
    let text = r#"
        listen = ["unix:older.sock"]
        certificate = "keyserver.pem"
        key = "keyserver.key"
        client_ca = "channel-ca.pem"
        [keys]
        directory = "keys"
        allow_raw_digest = ["ecdsa", "rsa"]
        allow_raw_rsa_decryption = ["rsa"]
        rsa_key_transport_also_signs = ["rsa"]
        [gokeyless]
        listen = ["127.0.0.1:0"]
        client_ca = "channel-ca.pem"
        [[edge]]
        name = "edge-1.example"
        keys = ["*"]
        operations = ["raw-digest", "raw-rsa-decryption"]
        names = ["*"]
        allow_no_sni = true
        "#
    .replace("older.sock", &home.path("older.sock").display().to_string());
    let config = keyward_keyserver::Config::parse(&text, home.path("older.toml")).unwrap();
    KeyServer::start(config).await.unwrap()
}

fn tcp(server: &RunningKeyServer) -> String {
    match &server.gokeyless_addresses()[0] {
        Address::Tcp { host, port } => format!("{host}:{port}"),
        Address::Unix(_) => panic!("the address is TCP"),
    }
}

fn section(address: &str, keys: &str) -> String {
    format!(
        r#"
        [gokeyless]
        address = "{address}"
        name = "keyserver"
        ca = "channel-ca.pem"
        certificate = "edge.pem"
        key = "edge.key"
        keys = {keys}
        [timeouts]
        key_operation_ms = 2000
        "#
    )
}

const BOTH: &str = r#"["ecdsa.pem", "rsa.pem"]"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_handshake_goes_on_without_a_key_server() {
    let service = Service::hello().await;
    let mut home = Home::new();
    let server = older(&home).await;
    let sites = [
        Site::new(&["last.shop.example"], &service.url()),
        Site::with_chain(&["rsa.shop.example"], &service.url(), "rsa.pem")
            .with("policy = \"legacy\""),
    ];
    let nobody = home.socket();
    home.start_edge(&nobody, "", &sites, &section(&tcp(&server), BOTH))
        .await;
    for client in [Client::tls13(), Client::tls12()] {
        for name in ["last.shop.example", "rsa.shop.example"] {
            assert_eq!(client.get(home.address(), name).await.0, 200, "{name}");
        }
    }
    let line = home
        .log
        .line(&["THE KEY SERVER OF LAST RESORT is used"])
        .await;
    assert!(line.contains(" WARN "), "{line}");
    assert_eq!(home.edge().counts().last_resort, 4);

    // OpenSSL's client, with each key exchange that there is.
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI has openssl");
        println!("skipped: openssl is not installed");
        return;
    }
    let mut expected = 4;
    for (name, arguments, suite) in [
        ("last.shop.example", &["-tls1_3"][..], "TLS_AES_"),
        (
            "last.shop.example",
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            "ECDHE-ECDSA",
        ),
        (
            "rsa.shop.example",
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"],
            "ECDHE-RSA",
        ),
        (
            "rsa.shop.example",
            &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
            "AES128-GCM-SHA256",
        ),
        (
            "rsa.shop.example",
            &["-tls1_2", "-cipher", "AES256-SHA"],
            "AES256-SHA",
        ),
    ] {
        let (address, ca) = (home.address(), home.path("sites-ca.pem"));
        let run = move || s_client(address, &ca, name, arguments);
        let output = soon("s_client", tokio::task::spawn_blocking(run))
            .await
            .unwrap();
        assert!(
            output.contains("HTTP/1.1 200"),
            "{name} {arguments:?}: {output}"
        );
        assert!(output.contains(suite), "{name} {arguments:?}: {output}");
        expected += 1;
        assert_eq!(home.edge().counts().last_resort, expected, "{arguments:?}");
    }
    server.shutdown().await;
}

fn s_client(address: SocketAddr, ca: &Path, name: &str, arguments: &[&str]) -> String {
    use std::io::Write;
    let mut child = Command::new("openssl")
        .env("OPENSSL_CONF", "/dev/null")
        .args([
            "s_client",
            "-connect",
            &address.to_string(),
            "-servername",
            name,
        ])
        .args([
            "-verify_hostname",
            name,
            "-verify_return_error",
            "-ign_eof",
            "-CAfile",
        ])
        .arg(ca)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(request.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    [output.stdout, output.stderr]
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_the_keys_that_are_named_and_for_no_refusal() {
    let service = Service::hello().await;
    let mut home = Home::new();
    let server = older(&home).await;
    let site = Site::with_chain(&["named.shop.example"], &service.url(), "ecdsa.pem");
    let nobody = home.socket();
    let rsa_alone = section(&tcp(&server), r#"["rsa.pem"]"#);
    home.start_edge(&nobody, "", &[site], &rsa_alone).await;
    let error = Client::new()
        .connect(home.address(), "named.shop.example")
        .await
        .unwrap_err();
    assert_eq!(alert_of(&error), Some(AlertDescription::InternalError));
    assert_eq!(home.edge().counts().last_resort, 0);
    drop(home);

    let mut home = Home::new();
    let refusing = older(&home).await;
    home.start_key_server_with(
        r#"
        [[edge]]
        name = "edge-1.example"
        keys = ["*"]
        operations = ["tls13-server-certificate-verify"]
        names = ["other.example"]
        "#,
    )
    .await;
    let site = Site::new(&["refused.shop.example"], &service.url());
    let address = home.socket();
    home.start_edge(&address, "", &[site], &section(&tcp(&refusing), BOTH))
        .await;
    home.connected().await;
    Client::new()
        .connect(home.address(), "refused.shop.example")
        .await
        .unwrap_err();
    // The client hears of it before it is counted.
    until("the refusal is counted", || {
        home.edge().counts().failed(FailureCause::KeyServerRefused) == 1
    })
    .await;
    let counts = home.edge().counts();
    assert_eq!((counts.last_resort, counts.last_resort_failed), (0, 0));
    refusing.shutdown().await;
    server.shutdown().await;
}

/// What a server by hand answers, by opcode and payload.
type Answer = Box<dyn Fn(u8, &[u8]) -> (u8, Vec<u8>) + Send + Sync>;

/// A server of the older protocol by hand, that answers each request as the test says: opcode and payload of the request to opcode
/// and payload of the answer.
async fn by_hand(
    home: &Home,
    answer: impl Fn(u8, &[u8]) -> (u8, Vec<u8>) + Send + Sync + 'static,
) -> SocketAddr {
    let mut roots = rustls::RootCertStore::empty();
    for ca in CertificateDer::pem_file_iter(home.path("channel-ca.pem")).unwrap() {
        roots.add(ca.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let chain = CertificateDer::pem_file_iter(home.path("keyserver.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(home.path("keyserver.key")).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, answer) = (TlsAcceptor::from(Arc::new(tls.clone())), answer.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(tcp).await else {
                    return;
                };
                let mut header = [0; 8];
                while stream.read_exact(&mut header).await.is_ok() {
                    assert_eq!(header[..2], [1, 0]);
                    let mut body = vec![0; u16::from_be_bytes([header[2], header[3]]).into()];
                    stream.read_exact(&mut body).await.unwrap();
                    assert!(8 + body.len() >= 1024, "short requests are padded");
                    let find = |tag| {
                        items(&body)
                            .into_iter()
                            .find(|item| item.0 == tag)
                            .map(|item| item.1)
                    };
                    assert_eq!(find(0x04).unwrap().len(), 20);
                    assert_eq!(find(0x02).unwrap(), b"hand.shop.example");
                    let (opcode, payload) = answer(find(0x11).unwrap()[0], &find(0x12).unwrap());
                    let mut reply = vec![0x11, 0, 1, opcode, 0x12];
                    reply.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
                    reply.extend(payload);
                    // Padded to another size than the usual one.
                    reply.extend([0x20, 0, 5, 0, 0, 0, 0, 0]);
                    let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                    let whole = [&[1, 0][..], &length, &header[4..], &reply].concat();
                    if stream.write_all(&whole).await.is_err() {
                        return;
                    }
                    let _ = stream.flush().await;
                }
            });
        }
    });
    address
}

fn items(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut items = Vec::new();
    while let [tag, high, low, rest @ ..] = body {
        let (data, behind) = rest.split_at(u16::from_be_bytes([*high, *low]).into());
        items.push((*tag, data.to_vec()));
        body = behind;
    }
    items
}

fn key(name: &str) -> PrivateKey {
    let issued = if name == "rsa" {
        &pki().rsa
    } else {
        &pki().ecdsa
    };
    PrivateKey::from_der(issued.key_der.secret_der()).unwrap()
}

async fn edge_with(home: &mut Home, service: &Service, server: SocketAddr) {
    let site = Site::new(&["hand.shop.example"], &service.url()).with("policy = \"legacy\"");
    let nobody = home.socket();
    home.start_edge(&nobody, "", &[site], &section(&server.to_string(), BOTH))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_by_hand_is_asked_by_digest_and_believed_only_with_a_signature() {
    let service = Service::hello().await;
    let mut home = Home::new();
    let ecdsa = key("ecdsa");
    let good = move |opcode: u8, digest: &[u8]| {
        assert_eq!((opcode, digest.len()), (0x15, 32));
        (
            0xf0,
            ecdsa
                .sign_digest(SignatureAlgorithm::EcdsaSha256, digest)
                .unwrap(),
        )
    };
    let server = by_hand(&home, good).await;
    edge_with(&mut home, &service, server).await;
    for client in [Client::tls13(), Client::tls12()] {
        assert_eq!(client.get(home.address(), "hand.shop.example").await.0, 200);
    }
    assert_eq!(home.edge().counts().last_resort, 2);
    drop(home);

    // A signature by another key, one that is none, an error, a reply that is none.
    let other = PrivateKey::generate_p256().unwrap();
    let forged = move |_: u8, digest: &[u8]| {
        (
            0xf0,
            other
                .sign_digest(SignatureAlgorithm::EcdsaSha256, digest)
                .unwrap(),
        )
    };
    let answers: [Answer; 4] = [
        Box::new(forged),
        Box::new(|_, _| (0xf0, vec![7; 70])),
        Box::new(|_, _| (0xff, vec![2])),
        Box::new(|_, _| (0x15, vec![7; 70])),
    ];
    for answer in answers {
        let mut home = Home::new();
        let server = by_hand(&home, answer).await;
        edge_with(&mut home, &service, server).await;
        let error = Client::tls13()
            .connect(home.address(), "hand.shop.example")
            .await
            .unwrap_err();
        assert_eq!(
            alert_of(&error),
            Some(AlertDescription::InternalError),
            "{error}"
        );
        let counts = home.edge().counts();
        assert_eq!((counts.last_resort, counts.last_resort_failed), (0, 1));
    }
}
