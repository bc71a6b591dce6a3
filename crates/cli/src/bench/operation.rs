//! A real operation, as an edge sends it, and how its answer is verified.

use std::sync::Arc;

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};
use keyward_keyop::{Operation, tls13};
use keyward_protocol::encode_request;
use keyward_tls::{
    CertificateAnswer, Credential, Need, Policy, ServerConfig, ServerConnection, Step, UnixTime,
};
use keyward_wire::values::SignatureScheme;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};

use crate::failure::Failure;

/// Longer than any of them waits.
const DEADLINE_MS: u32 = 30_000;

/// Where in a request's frame its id is.
const ID: std::ops::Range<usize> = 4..8;

/// One operation that is asked for again and again: a key server keeps nothing between them.
pub(crate) struct Prepared {
    /// The request, with id 0.
    frame: Vec<u8>,
    message: Vec<u8>,
    algorithm: SignatureAlgorithm,
    public: PublicKey,
}

impl Prepared {
    /// The signature of a TLS 1.3 server with this chain, for a client that asks for `name`.
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, name: &str) -> Result<Self, Failure> {
        let leaf = chain
            .first()
            .ok_or_else(|| Failure::run_time("there is no certificate for the key"))?;
        let public = PublicKey::from_certificate_der(leaf).map_err(Failure::run_time)?;
        let operation = operation(chain, name)?;
        let Operation::Tls13ServerCertificateVerify(verify) = &operation else {
            return Err(Failure::run_time("the engine asks for another operation"));
        };
        let hash = tls13::transcript_hash(&verify.messages, HashAlgorithm::Sha256)
            .map_err(Failure::run_time)?;
        let frame = encode_request(0, DEADLINE_MS, &operation)
            .map_err(|error| Failure::run_time(format!("the request is too large: {error}")))?;
        Ok(Self {
            frame: frame.to_vec(),
            message: tls13::server_certificate_verify_message(&hash),
            algorithm: algorithm(verify.scheme)?,
            public,
        })
    }

    /// Appends the request, with this id.
    pub(crate) fn request(&self, id: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.frame);
        out[start..][ID].copy_from_slice(&id.to_be_bytes());
    }

    /// Bytes of a request.
    pub(crate) fn len(&self) -> usize {
        self.frame.len()
    }

    pub(crate) fn verify(&self, signature: &[u8]) -> Result<(), Failure> {
        self.public
            .verify(self.algorithm, &self.message, signature)
            .map_err(|_| Failure::run_time("a reply's signature does not verify"))
    }

    /// The same signature, and nothing else.
    pub(crate) fn sign(&self, key: &PrivateKey) -> Result<Vec<u8>, Failure> {
        key.sign(self.algorithm, &self.message)
            .map_err(Failure::run_time)
    }
}

fn operation(chain: Vec<CertificateDer<'static>>, name: &str) -> Result<Operation, Failure> {
    let mut engine =
        ServerConnection::new(Arc::new(ServerConfig::default())).map_err(Failure::run_time)?;
    engine.receive(&client_hello(name)?);
    let certificate = Credential::new(chain).map_err(Failure::run_time)?;
    let certificate = Arc::new(certificate);
    loop {
        let answer = match engine.step(UnixTime::now()).map_err(Failure::run_time)? {
            Step::Need(Need::Certificate(need)) => need.answer(Ok(CertificateAnswer {
                candidates: vec![certificate.clone()],
                policy: Arc::new(Policy::intermediate()),
                ..CertificateAnswer::default()
            })),
            Step::Need(Need::KeyOperation(need)) => return Ok(need.into_parts().1),
            _ => return Err(Failure::run_time("the handshake needs no key")),
        };
        engine.answer(answer).map_err(Failure::run_time)?;
    }
}

/// With the usual post-quantum key exchange, which makes it large.
fn client_hello(name: &str) -> Result<Vec<u8>, Failure> {
    let mut provider: CryptoProvider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Failure::run_time)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).map_err(Failure::run_time)?;
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(Failure::run_time)?;
    let mut hello = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut hello).map_err(Failure::run_time)?;
    }
    Ok(hello)
}

fn algorithm(scheme: SignatureScheme) -> Result<SignatureAlgorithm, Failure> {
    Ok(match scheme {
        SignatureScheme::ECDSA_SECP256R1_SHA256 => SignatureAlgorithm::EcdsaSha256,
        SignatureScheme::ECDSA_SECP384R1_SHA384 => SignatureAlgorithm::EcdsaSha384,
        SignatureScheme::ECDSA_SECP521R1_SHA512 => SignatureAlgorithm::EcdsaSha512,
        SignatureScheme::ED25519 => SignatureAlgorithm::Ed25519,
        SignatureScheme::RSA_PSS_RSAE_SHA256 => SignatureAlgorithm::RsaPssSha256,
        SignatureScheme::RSA_PSS_RSAE_SHA384 => SignatureAlgorithm::RsaPssSha384,
        SignatureScheme::RSA_PSS_RSAE_SHA512 => SignatureAlgorithm::RsaPssSha512,
        other => {
            return Err(Failure::usage(format!(
                "keys that sign with {other:?} are not measured"
            )));
        }
    })
}
