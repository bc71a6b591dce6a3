//! The server's Certificate, compressed (RFC 8879).

use std::sync::Arc;

use keyward_compression::{ALGORITHMS, decompress};
use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, ClientConfig, Credential, OcspResponse,
    ServerConfig, SignedCertificateTimestampList, TraceEvent, TraceItem,
};
use keyward_wire::codec::Decode;
use keyward_wire::extensions::CertificateEntryExtensions;
use keyward_wire::handshake::{self, CertificateEntry, CertificateTls13, CompressedCertificate};
use keyward_wire::values::{
    CertificateCompressionAlgorithm as Algorithm, HandshakeType, SignatureScheme,
};
use rustls::compress::{CertDecompressor, DecompressionFailed};

use crate::support::{
    ClientOptions, Duo, HandClient, KeyAlgorithm, Pair, Site, Visitor, client_config,
    client_identity, identity,
};

/// A site with a chain long enough to become smaller.
fn site() -> Arc<Site> {
    let plain = identity(KeyAlgorithm::P256);
    let chain = vec![plain.certificate.chain()[0].clone(); 3];
    let credential = Credential::new(chain).unwrap();
    let credential = credential.with_ocsp(OcspResponse(vec![5; 500])).unwrap();
    let scts = SignedCertificateTimestampList(vec![0, 4, 0, 2, 7, 7]);
    let credential = credential.with_scts(scts).unwrap();
    let mut site = Site::new(&[]);
    site.identities.push(Arc::new(plain.with(credential)));
    Arc::new(site)
}

fn config(algorithms: &[Algorithm]) -> ServerConfig {
    ServerConfig {
        certificate_compression: algorithms.to_vec(),
        ..ServerConfig::default()
    }
}

fn connect(site: &Arc<Site>, ours: &[Algorithm], offered: Option<&[Algorithm]>) -> HandClient {
    let mut client = HandClient::with_config(site, config(ours));
    client.hello.extensions.compress_certificate = offered.map(<[_]>::to_vec);
    client.handshake();
    client
}

fn has(client: &HandClient, typ: HandshakeType) -> bool {
    handshake::split(&client.messages)
        .map(Result::unwrap)
        .any(|message| message.message_type == typ)
}

#[test]
fn it_is_compressed_with_our_first_that_the_client_knows() {
    let site = site();
    for ours in [
        &[Algorithm::BROTLI, Algorithm::ZSTD, Algorithm::ZLIB][..],
        &[Algorithm::ZSTD, Algorithm::BROTLI],
        &[Algorithm::ZLIB, Algorithm(0xfafa)],
    ] {
        let offered = [
            Algorithm(0x1234),
            Algorithm::ZLIB,
            Algorithm::ZSTD,
            Algorithm::BROTLI,
        ];
        let client = connect(&site, ours, Some(&offered));
        let compressed: CompressedCertificate = client.message();
        assert_eq!(compressed.algorithm, ours[0]);
        assert!(!has(&client, HandshakeType::CERTIFICATE));
        let certificate = decompress(&compressed, 10_000).unwrap();
        let certificate = CertificateTls13::from_bytes(&certificate).unwrap();
        assert_eq!(certificate.certificate_list.len(), 3);
        assert!(certificate.certificate_request_context.is_empty());
    }
}

/// RFC 8879 §4: "The algorithm MUST be one of the algorithms listed in the peer's compress_certificate
/// extension."
#[test]
fn it_is_not_compressed_for_a_client_that_does_not_know_how() {
    let site = site();
    for (ours, offered) in [
        (&ALGORITHMS[..], None),
        (&ALGORITHMS, Some(&[Algorithm(0x1234)][..])),
        (&[], Some(&ALGORITHMS)),
        (&[Algorithm::ZLIB], Some(&[Algorithm::ZSTD])),
        (&[Algorithm(0x1234)], Some(&[Algorithm(0x1234)])),
    ] {
        let client = connect(&site, ours, offered);
        assert!(has(&client, HandshakeType::CERTIFICATE));
        assert!(!has(&client, HandshakeType::COMPRESSED_CERTIFICATE));
    }
}

/// What is in it depends on the client, also where the message comes out of the cache.
#[test]
fn each_client_gets_what_it_asked_for_in_it() {
    let site = site();
    for _ in 0..2 {
        for (ocsp, scts) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut client = HandClient::with_config(&site, config(&[Algorithm::ZLIB]));
            let extensions = &mut client.hello.extensions;
            extensions.compress_certificate = Some(vec![Algorithm::ZLIB]);
            extensions.status_request = ocsp;
            extensions.signed_certificate_timestamp = scts;
            client.handshake();
            let compressed: CompressedCertificate = client.message();
            let certificate = decompress(&compressed, 10_000).unwrap();
            let certificate = CertificateTls13::from_bytes(&certificate).unwrap();
            let leaf = &certificate.certificate_list[0].extensions;
            assert_eq!(leaf.status_request, ocsp.then(|| vec![5; 500]));
            let expected = scts.then(|| vec![0, 4, 0, 2, 7, 7]);
            assert_eq!(leaf.signed_certificate_timestamp, expected);
            for issuer in &certificate.certificate_list[1..] {
                assert!(issuer.extensions.status_request.is_none());
            }
        }
    }
}

/// Of Ed25519 alone: a key and a signature are most of it, and nothing occurs twice.
#[test]
fn a_chain_that_would_not_become_smaller_is_sent_as_it_is() {
    let mut site = Site::new(&[]);
    site.identities.push(identity(KeyAlgorithm::Ed25519));
    let site = Arc::new(site);
    for algorithm in ALGORITHMS {
        let mut client = HandClient::with_config(&site, config(&[algorithm]));
        client.hello.extensions.signature_algorithms = Some(vec![SignatureScheme::ED25519]);
        client.hello.extensions.compress_certificate = Some(vec![algorithm]);
        client.handshake();
        let sent = handshake::split(&client.messages).map(Result::unwrap);
        let sent = sent.filter(|message| {
            [
                HandshakeType::CERTIFICATE,
                HandshakeType::COMPRESSED_CERTIFICATE,
            ]
            .contains(&message.message_type)
        });
        let plain = CertificateTls13 {
            certificate_request_context: Vec::new(),
            certificate_list: vec![CertificateEntry {
                cert_data: identity(KeyAlgorithm::Ed25519).certificate.chain()[0].to_vec(),
                extensions: CertificateEntryExtensions::default(),
            }],
        };
        let length = handshake::to_message(&plain).len();
        for message in sent {
            let compressed = message.message_type == HandshakeType::COMPRESSED_CERTIFICATE;
            assert_eq!(message.bytes.len() < length, compressed);
            assert!(message.bytes.len() <= length);
        }
    }
}

/// rustls's view of our decompressor.
#[derive(Debug)]
struct Decompressor(Algorithm);

impl CertDecompressor for Decompressor {
    fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
        let message = CompressedCertificate {
            algorithm: self.0,
            uncompressed_length: u32::try_from(output.len()).unwrap(),
            compressed_certificate_message: input.to_vec(),
        };
        let bytes = decompress(&message, output.len()).map_err(|_| DecompressionFailed)?;
        output.copy_from_slice(&bytes);
        Ok(())
    }

    fn algorithm(&self) -> rustls::CertificateCompressionAlgorithm {
        self.0.0.into()
    }
}

#[test]
fn rustls_understands_it() {
    for (algorithm, decompressor) in [
        (Algorithm::ZLIB, &Decompressor(Algorithm::ZLIB)),
        (Algorithm::BROTLI, &Decompressor(Algorithm::BROTLI)),
        (Algorithm::ZSTD, &Decompressor(Algorithm::ZSTD)),
    ] {
        let mut client = Arc::into_inner(client_config(ClientOptions::default())).unwrap();
        client.cert_decompressors = vec![decompressor];
        let mut pair = Pair::with_config(&Arc::new(client), &site(), config(&[algorithm]));
        pair.handshake();
        pair.echo();
    }
}

#[test]
fn our_two_sides_compress_both_ways() {
    for algorithm in ALGORITHMS {
        let mut site = Arc::into_inner(site()).unwrap();
        let request = ClientCertificateRequest::default();
        site.client_authentication = ClientAuthentication::Required(request);
        let plain = client_identity(KeyAlgorithm::P256);
        let chain = vec![plain.certificate.chain()[0].clone(); 3];
        let identity = plain.with(Credential::new(chain).unwrap());
        let visitor = Visitor {
            identities: Some(vec![Arc::new(identity)]),
            ..Visitor::default()
        };
        let client = ClientConfig {
            certificate_compression: vec![algorithm],
            ..ClientConfig::default()
        };
        let (site, visitor) = (Arc::new(site), Arc::new(visitor));
        let mut duo = Duo::with(&site, &visitor, client, config(&[algorithm]));
        duo.handshake();
        duo.echo();
        let compressed = TraceItem::Handshake(HandshakeType::COMPRESSED_CERTIFICATE);
        for trace in [duo.client.take_trace(), duo.server.take_trace()] {
            let found = trace.iter().filter(|event| match event {
                TraceEvent::Sent { what, .. } | TraceEvent::Received { what, .. } => {
                    *what == compressed
                }
                _ => false,
            });
            assert_eq!(found.count(), 2);
        }
        assert_eq!(duo.server.peer_certificates().len(), 3);
        assert_eq!(duo.client.peer_certificates().len(), 3);
    }
}
