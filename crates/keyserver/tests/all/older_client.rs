//! A client of the older protocol, made by hand from the protocol's facts: no codec of the product's is in it.

use std::sync::Arc;

use keyward_crypto::hash::HashAlgorithm;
use keyward_keyserver::{Address, RunningKeyServer};
use keyward_pki::Authority;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::support::{Home, PATIENCE, Site};

pub(crate) const CLIENT: &str = "old-1.example";

/// The authority of gokeyless clients, which is another than the edges', and a client of it.
pub(crate) fn authority(home: &Home) -> Authority {
    let authority = Authority::new("older private CA").unwrap();
    let dir = home.path("older");
    std::fs::create_dir(&dir).unwrap();
    authority.save(&dir).unwrap();
    authority
        .issue_client(CLIENT)
        .unwrap()
        .save(&dir, CLIENT)
        .unwrap();
    authority
}

/// The section that lets them in, and a rule for the client.
pub(crate) fn section(operations: &str) -> String {
    format!(
        r#"
        [gokeyless]
        listen = ["127.0.0.1:0"]
        client_ca = "older/ca.pem"
        [[edge]]
        name = "{CLIENT}"
        keys = ["*"]
        operations = {operations}
        names = ["*"]
        allow_no_sni = true
        "#
    )
}

pub(crate) struct OlderClient {
    pub(crate) stream: TlsStream<TcpStream>,
}

/// What came back: the id, and the items by tag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: u32,
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) async fn connect(
    home: &Home,
    server: &RunningKeyServer,
    identity: &str,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<OlderClient> {
    let mut roots = RootCertStore::empty();
    roots.add(home.authority.ca_der().clone()).unwrap();
    let chain = CertificateDer::pem_file_iter(home.path(&format!("{identity}.pem")))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(home.path(&format!("{identity}.key"))).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    let Address::Tcp { host, port } = &server.gokeyless_addresses()[0] else {
        panic!("the address is TCP")
    };
    let stream = TcpStream::connect((host.as_str(), *port)).await?;
    let name = ServerName::try_from("keyserver").unwrap();
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await?;
    Ok(OlderClient { stream })
}

pub(crate) fn item(tag: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [&[tag][..], &length, data].concat()
}

pub(crate) fn message(id: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let body = items.concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[1, 0][..], &length, &id.to_be_bytes(), &body].concat()
}

/// The SHA-1 of the key's bits, by another reading of the certificate than the key server's.
pub(crate) fn ski(site: &Site) -> Vec<u8> {
    let (_, certificate) = X509Certificate::from_der(site.certificate()).unwrap();
    let bits = certificate.public_key().subject_public_key.as_ref();
    HashAlgorithm::Sha1.digest(bits).to_vec()
}

/// A request without padding.
pub(crate) fn request(id: u32, opcode: u8, site: &Site, payload: &[u8]) -> Vec<u8> {
    let items = [
        item(0x11, &[opcode]),
        item(0x04, &ski(site)),
        item(0x12, payload),
    ];
    message(id, &items)
}

impl OlderClient {
    pub(crate) async fn new(home: &Home, server: &RunningKeyServer) -> Self {
        let identity = format!("older/{CLIENT}");
        connect(home, server, &identity, &rustls::version::TLS13)
            .await
            .unwrap()
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next answer, or none when the server has closed. It is as long as every answer, and has the items of an answer.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        let mut header = [0; 8];
        let read = timeout(PATIENCE, self.stream.read_exact(&mut header)).await;
        read.expect("the server is silent").ok()?;
        assert_eq!(header[..2], [1, 0]);
        let length = u16::from_be_bytes([header[2], header[3]]);
        let mut body = vec![0; length.into()];
        timeout(PATIENCE, self.stream.read_exact(&mut body))
            .await
            .expect("the server is silent")
            .unwrap();
        let (mut opcode, mut payload) = (None, None);
        let mut rest = &body[..];
        while let [tag, high, low, data @ ..] = rest {
            let (data, behind) = data.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            match tag {
                0x11 => assert!(opcode.replace(data[0]).is_none() && data.len() == 1),
                0x12 => assert!(payload.replace(data.to_vec()).is_none()),
                0x20 => assert!(data.iter().all(|byte| *byte == 0)),
                other => panic!("tag {other:#04x} in an answer"),
            }
            rest = behind;
        }
        assert!(rest.is_empty());
        assert!(
            header.len() + body.len() >= 1024,
            "short answers are padded"
        );
        Some(Answer {
            id: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            opcode: opcode.unwrap(),
            payload: payload.unwrap(),
        })
    }

    pub(crate) async fn ask(&mut self, bytes: &[u8]) -> Answer {
        self.send(bytes).await;
        self.next().await.expect("the server closed")
    }

    /// The code of the error that this request is answered with.
    pub(crate) async fn error(&mut self, bytes: &[u8]) -> u8 {
        let answer = self.ask(bytes).await;
        assert_eq!(
            (answer.opcode, answer.payload.len()),
            (0xff, 1),
            "{answer:?}"
        );
        answer.payload[0]
    }

    /// The result of a request.
    pub(crate) async fn result(&mut self, bytes: &[u8]) -> Vec<u8> {
        let answer = self.ask(bytes).await;
        assert_eq!(answer.opcode, 0xf0, "{answer:?}");
        answer.payload
    }
}
