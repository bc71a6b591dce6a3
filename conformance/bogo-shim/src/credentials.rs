//! Certificates and keys from the runner's files.

use std::fs;
use std::sync::Arc;

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::KeyId;
use keyward_tls::{OcspResponse, SignedCertificateTimestampList};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::failure::{Failure, unimplemented, unmet};
use crate::key_holder::KeyHolder;
use crate::options::{Credential, Ocsp, Options};

/// What a connection shows, and who signs for it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// In order of preference, with the numbers that the runner gives them.
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) keys: KeyHolder,
}

/// What can be shown.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// The runner's number for it.
    pub(crate) number: i32,
    pub(crate) credential: Arc<keyward_tls::Credential>,
    must_match_issuer: bool,
}

impl Loaded {
    /// What may be shown to a peer that names these authorities.
    pub(crate) fn candidates(&self, authorities: &[Vec<u8>]) -> Vec<Arc<keyward_tls::Credential>> {
        self.certificates
            .iter()
            .filter(|it| !it.must_match_issuer || is_issued_by(&it.credential, authorities))
            .map(|it| it.credential.clone())
            .collect()
    }
}

fn is_issued_by(credential: &keyward_tls::Credential, authorities: &[Vec<u8>]) -> bool {
    let issuers = credential.chain().iter();
    issuers
        .filter_map(|certificate| CertificateInfo::parse(certificate))
        .any(|certificate| authorities.iter().any(|name| name == certificate.issuer()))
}

pub(crate) fn load(options: &Options) -> Result<Loaded, Failure> {
    let mut loaded = Loaded {
        certificates: Vec::new(),
        keys: KeyHolder::new(!options.run.is_server),
    };
    let (credentials, ocsp) = (&options.credentials, options.needs.ocsp);
    for (number, credential) in credentials.in_order() {
        let key = loaded.keys.add(private_key(&credential.key_file)?);
        let certificate = certificate(credential, ocsp, key)?;
        loaded.certificates.push(Certificate {
            number,
            credential: Arc::new(certificate),
            must_match_issuer: credential.must_match_issuer,
        });
    }
    Ok(loaded)
}

fn private_key(file: &str) -> Result<PrivateKey, Failure> {
    let pem = fs::read(file).map_err(|error| unmet(format!("{file}: {error}")))?;
    PrivateKey::from_pem(&pem).map_err(|error| unimplemented(format!("this key: {error}")))
}

/// The certificates in a file.
pub(crate) fn chain(file: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unmet(format!("{file}: {error}")))
}

fn certificate(
    credential: &Credential,
    ocsp: Ocsp,
    key: KeyId,
) -> Result<keyward_tls::Credential, Failure> {
    let chain = chain(&credential.cert_file)?;
    let certificate = keyward_tls::Credential::new(chain)
        .map_err(|error| unimplemented(format!("this certificate: {error}")))?;
    if certificate.key() != key {
        return Err(unimplemented("a certificate with another key than its own"));
    }
    let certificate = match &credential.signing_schemes[..] {
        [] => certificate,
        schemes => certificate.with_signing_schemes(schemes.to_vec()),
    };
    let certificate = if credential.scts.is_empty() {
        certificate
    } else {
        certificate
            .with_scts(SignedCertificateTimestampList(credential.scts.clone()))
            .map_err(|error| unmet(error.to_string()))?
    };
    if credential.ocsp_response.is_empty() || ocsp == Ocsp::Decline {
        return Ok(certificate);
    }
    certificate
        .with_ocsp(OcspResponse(credential.ocsp_response.clone()))
        .map_err(|error| unmet(error.to_string()))
}
