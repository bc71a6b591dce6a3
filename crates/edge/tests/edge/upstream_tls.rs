//! A service behind `https://` is checked with the given CA.

use std::sync::Arc;

use keyward_pki::{Authority, KeyAlgorithm};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::support::{Client, Home, Site};

/// A service that says `secret` over TLS.
async fn service(authority: &Authority) -> std::net::SocketAddr {
    let issued = authority
        .issue_server(&["127.0.0.1"], KeyAlgorithm::P256)
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(issued.chain_der, issued.key_der)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let response = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
            let _ = stream.write_all(response).await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_ca_and_a_wrong_one() {
    let (right, wrong) = (
        Authority::new("right").unwrap(),
        Authority::new("wrong").unwrap(),
    );
    let address = service(&right).await;
    let mut home = Home::new();
    std::fs::write(home.path("right.pem"), right.ca_pem()).unwrap();
    std::fs::write(home.path("wrong.pem"), wrong.ca_pem()).unwrap();
    home.start_key_server().await;
    let url = format!("https://{address}");
    let sites = [
        Site::new(&["shop.example"], &url).with("upstream_ca = \"right.pem\""),
        Site::new(&["other.example"], &url).with("upstream_ca = \"wrong.pem\""),
    ];
    home.start_edge(&home.socket(), "", &sites, "").await;
    home.connected().await;
    let client = Client::new();
    let response = client.get(home.address(), "shop.example").await;
    assert_eq!(response, (200, "secret".to_owned()));
    assert_eq!(client.get(home.address(), "other.example").await.0, 502);
    home.log
        .line(&[
            "failed a request",
            "other.example",
            "TLS handshake with the service",
        ])
        .await;
}
