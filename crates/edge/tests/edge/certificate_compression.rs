//! Clients that take compressed certificates get them, unless the configuration says otherwise.

use super::support::{Client, Home, Service, Site};

async fn sent(before: &str) -> String {
    let service = Service::hello().await;
    let before = format!("handshake_records = \"records.jsonl\"\n{before}");
    let sites = [Site::new(&["shop.example"], &service.url())];
    let mut home = Home::start_with(&before, &sites, "").await;
    let mut client = Client::tls13();
    client.config.cert_decompressors = vec![&Unzip];
    // Several: the second is answered from what the first one has left.
    for _ in 0..2 {
        client.config.resumption = rustls::client::Resumption::disabled();
        assert_eq!(client.get(home.address(), "shop.example").await.0, 200);
    }
    home.stop_edge(std::time::Duration::from_secs(5)).await;
    std::fs::read_to_string(home.path("records.jsonl")).unwrap()
}

#[derive(Debug)]
struct Unzip;

impl rustls::compress::CertDecompressor for Unzip {
    fn decompress(
        &self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), rustls::compress::DecompressionFailed> {
        use std::io::Read as _;
        let mut reader = flate2::read::ZlibDecoder::new(input);
        reader
            .read_exact(output)
            .map_err(|_| rustls::compress::DecompressionFailed)
    }

    fn algorithm(&self) -> rustls::CertificateCompressionAlgorithm {
        rustls::CertificateCompressionAlgorithm::Zlib
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_by_default() {
    let records = sent("").await;
    assert_eq!(
        records.matches("\"CompressedCertificate\"").count(),
        2,
        "{records}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn off() {
    let records = sent("certificate_compression = false").await;
    assert!(!records.contains("CompressedCertificate"));
    assert!(records.contains("\"Certificate\""), "{records}");
}
