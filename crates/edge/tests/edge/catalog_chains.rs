//! A site without certificate files shows the chains of the key server's catalog, and each client
//! the one that it can use.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::support::{Client, Home, Service, Site, pki, soon};

/// As rustls' own, but offers RSA only.
#[derive(Debug)]
struct RsaOnly(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for RsaOnly {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(leaf, chain, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]
    }
}

fn rsa_only(mut client: Client) -> Client {
    let mut roots = RootCertStore::empty();
    // The site certificates are signed by an ECDSA CA, so the chain is checked with that.
    roots.add(pki().sites.ca_der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = RsaOnly(verifier.build().unwrap());
    client
        .config
        .dangerous()
        .set_certificate_verifier(Arc::new(verifier));
    client
}

async fn leaf(client: Client, home: &Home) -> CertificateDer<'static> {
    let stream = client
        .connect(home.address(), "shop.example")
        .await
        .unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn ecdsa_first_and_rsa_where_needed() {
    let service = Service::hello().await;
    for site in [
        Site::from_catalog(&["shop.example"], &service.url()),
        Site::new(&["shop.example"], &service.url()),
    ] {
        let home = Home::start(&[site]).await;
        soon("the catalog", home.edge().keys_known()).await;
        let (ecdsa, rsa) = (&pki().ecdsa.chain_der[0], &pki().rsa.chain_der[0]);
        for (with_all, with_rsa) in [
            (Client::tls13(), Client::tls13()),
            (Client::tls12(), Client::tls12()),
        ] {
            assert_eq!(&leaf(with_all, &home).await, ecdsa);
            assert_eq!(&leaf(rsa_only(with_rsa), &home).await, rsa);
        }
    }
}

/// Until the key server has told the chains, clients get `internal_error`, and then they are served.
#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_comes_later() {
    let service = Service::hello().await;
    let mut home = Home::new();
    let site = Site::from_catalog(&["later.shop.example"], &service.url());
    home.start_edge(&home.socket(), "", &[site], "").await;
    let error = Client::new()
        .connect(home.address(), "later.shop.example")
        .await
        .unwrap_err();
    let alert = super::support::alert_of(&error);
    assert_eq!(alert, Some(rustls::AlertDescription::InternalError));
    home.log
        .line(&["not told a certificate chain", "later.shop.example"])
        .await;
    home.start_key_server().await;
    home.connected().await;
    soon("the catalog", home.edge().keys_known()).await;
    assert_eq!(
        Client::new()
            .get(home.address(), "later.shop.example")
            .await
            .0,
        200
    );
}
