//! Which PEM section is the key, and which of the three structures a DER key has.

use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use super::KeyError;
use crate::der::{AlgorithmIdentifier, Walk, oid, tag};
use crate::rsa_pss::Parameters;
use crate::signature::KeyKind;

/// The DER of the one private key in `pem`.
pub(super) fn der_from_pem(pem: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let labels = labels(pem);
    if has_encryption_header(pem) {
        return Err(KeyError::Encryption {
            scheme: "PEM's old kind, which makes the key with MD5".to_owned(),
        });
    }
    // These the PEM reader below does not know, and would skip without a word.
    if labels.iter().any(|label| label == "OPENSSH PRIVATE KEY") {
        return Err(KeyError::OpenSsh);
    }
    if labels.iter().any(|label| label == "DSA PRIVATE KEY") {
        return Err(unsupported("DSA"));
    }

    let mut keys = Vec::new();
    // Nor this; but what is in it is told from a plain key by its structure.
    let plain_labels = replace(pem, b" ENCRYPTED PRIVATE KEY-----", b" PRIVATE KEY-----");
    let pem = plain_labels.as_slice();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|error| KeyError::Pem(describe(&error)))?;
        if matches!(
            kind,
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey
        ) {
            keys.push(Zeroizing::new(der));
        }
    }
    match keys.len() {
        0 => Err(KeyError::NoPrivateKey { found: labels }),
        1 => Ok(keys.swap_remove(0)),
        count => Err(KeyError::SeveralPrivateKeys { count }),
    }
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut replaced = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

fn describe(error: &rustls_pki_types::pem::Error) -> String {
    use rustls_pki_types::pem::Error;
    match error {
        Error::MissingSectionEnd { end_marker } => {
            format!(
                "the line `-----END {}-----` is missing",
                String::from_utf8_lossy(end_marker)
            )
        }
        Error::IllegalSectionStart { .. } => "a line `-----BEGIN` is cut short".to_owned(),
        Error::Base64Decode(_) => "the Base64 between the lines is broken".to_owned(),
        _ => "unreadable".to_owned(),
    }
}

fn labels(pem: &[u8]) -> Vec<String> {
    lines(pem)
        .filter_map(|line| line.strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----"))
        .map(|label| String::from_utf8_lossy(label).escape_debug().to_string())
        .collect()
}

/// Whether the section is called encrypted.
pub(super) fn is_encrypted(pem: &[u8]) -> bool {
    labels(pem)
        .iter()
        .any(|label| label == "ENCRYPTED PRIVATE KEY")
}

/// PEM encryption of OpenSSL's old kind (RFC 1421 §4.6.1.1), within an `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
fn has_encryption_header(pem: &[u8]) -> bool {
    lines(pem).any(|line| line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED"))
}

fn lines(pem: &[u8]) -> impl Iterator<Item = &[u8]> {
    pem.split(|byte| matches!(byte, b'\n' | b'\r'))
        .map(<[u8]>::trim_ascii_end)
}

/// What kind of private key a DER structure holds, as told by its outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format<'a> {
    /// PrivateKeyInfo (RFC 5958 §2), with the algorithm that it names.
    Pkcs8(Algorithm<'a>),
    /// RSAPrivateKey (RFC 8017 §A.1.2).
    Pkcs1,
    /// ECPrivateKey (RFC 5915 §3), with the curve's OID if it has one, and the scalar's length in bytes.
    Sec1 {
        curve: Option<&'a [u8]>,
        scalar_len: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm<'a> {
    Rsa,
    RsaPss(Parameters),
    Ec { curve: Option<&'a [u8]> },
    Ed25519,
    MlDsa(KeyKind),
}

impl<'a> Format<'a> {
    pub(super) fn of(der: &'a [u8]) -> Result<Self, KeyError> {
        let mut walk = Walk::sequence(der).ok_or(KeyError::Malformed)?;
        let first = walk.any().ok_or(KeyError::Malformed)?;
        let second = walk.peek_tag().ok_or(KeyError::Malformed)?;
        match (first.tag, second) {
            // version, privateKeyAlgorithm, ...
            (tag::INTEGER, tag::SEQUENCE) => {
                let whole = { walk }.expect(tag::SEQUENCE);
                let whole = whole.ok_or(KeyError::Malformed)?.content;
                let identifier = AlgorithmIdentifier::read(&mut walk).ok_or(KeyError::Malformed)?;
                Ok(Self::Pkcs8(pkcs8_algorithm(identifier, whole)?))
            }
            // version, modulus, ...
            (tag::INTEGER, tag::INTEGER) => Ok(Self::Pkcs1),
            // version, privateKey, [0] parameters, ...
            (tag::INTEGER, tag::OCTET_STRING) => {
                let scalar = walk.expect(tag::OCTET_STRING).ok_or(KeyError::Malformed)?;
                let curve = walk
                    .expect(tag::CONTEXT_0)
                    .and_then(|parameters| Walk::new(parameters.content).expect(tag::OID))
                    .map(|oid| oid.content);
                Ok(Self::Sec1 {
                    curve,
                    scalar_len: scalar.content.len(),
                })
            }
            // EncryptedPrivateKeyInfo (RFC 5958 §3): encryptionAlgorithm, encryptedData
            (tag::SEQUENCE, tag::OCTET_STRING) => Err(KeyError::Encrypted),
            // Certificate (RFC 5280 §4.1): tbsCertificate, signatureAlgorithm, ...
            (tag::SEQUENCE, tag::SEQUENCE) => Err(KeyError::Certificate),
            _ => Err(KeyError::Malformed),
        }
    }
}

fn pkcs8_algorithm<'a>(
    identifier: AlgorithmIdentifier<'a>,
    whole: &'a [u8],
) -> Result<Algorithm<'a>, KeyError> {
    match identifier.algorithm {
        oid::RSA_ENCRYPTION => Ok(Algorithm::Rsa),
        oid::EC_PUBLIC_KEY => Ok(Algorithm::Ec {
            curve: identifier.curve,
        }),
        oid::ED25519 => Ok(Algorithm::Ed25519),
        oid::ML_DSA_44 => Ok(Algorithm::MlDsa(KeyKind::MlDsa44)),
        oid::ML_DSA_65 => Ok(Algorithm::MlDsa(KeyKind::MlDsa65)),
        oid::ML_DSA_87 => Ok(Algorithm::MlDsa(KeyKind::MlDsa87)),
        oid::ED448 => Err(unsupported("Ed448")),
        oid::RSASSA_PSS => match Parameters::read(whole) {
            Some(parameters) => Ok(Algorithm::RsaPss(parameters)),
            None => Err(unsupported(
                "RSASSA-PSS with parameters that no scheme of TLS has: one hash of SHA-256, SHA-384 and \
                 SHA-512 in both places, and a salt as long as its digest",
            )),
        },
        other => Err(unsupported(&dotted(other))),
    }
}

pub(super) fn unsupported(algorithm: &str) -> KeyError {
    KeyError::UnsupportedAlgorithm {
        algorithm: algorithm.to_owned(),
    }
}

/// An OID's content as `OID 1.2.840…` (X.690 §8.19).
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut arc = 0_u64;
    for byte in oid {
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - first * 40]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    let arcs: Vec<_> = arcs.iter().map(u64::to_string).collect();
    format!("OID {}", arcs.join("."))
}
