//! A certificate, read for its content. Nothing here decides about signatures.

use std::net::IpAddr;

use keyward_tls::UnixTime;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use x509_parser::extensions::{DistributionPointName, GeneralName, KeyUsage, ParsedExtension};
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate, X509Name, X509Version};
use x509_parser::public_key::RSAPublicKey;

use crate::text::{hex, printable};

/// `id-pe-tlsfeature` (RFC 7633 §4.1): 1.3.6.1.5.5.7.1.24.
const TLS_FEATURE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 24];
/// The TLS extension `status_request` in a TLS feature.
const STATUS_REQUEST: u32 = 5;
/// `id-ad-caIssuers` (RFC 5280 §4.2.2.1): where the issuer's certificate can be fetched.
const CA_ISSUERS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 2];

/// `id-pkix-ocsp-nocheck` (RFC 6960 §4.2.2.2.1).
const OCSP_NO_CHECK: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];

/// `rsaEncryption` (RFC 8017) and `id-RSASSA-PSS` (RFC 4055).
const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";

/// By their names in RFC 5758, RFC 8017, RFC 8410 and FIPS 204.
const SIGNATURE_ALGORITHMS: [(&str, &str); 16] = [
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.2", "dsa-with-SHA256"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

/// A certificate, read for its content.
pub(crate) struct Certificate<'a> {
    pub(crate) der: &'a [u8],
    parsed: X509Certificate<'a>,
}

/// A public key, as far as its strength goes.
pub(crate) struct Key {
    /// Such as `RSA 2048` or `ECDSA P-256`.
    pub(crate) text: String,
    /// The modulus of an RSA key.
    pub(crate) rsa_bits: Option<usize>,
}

impl<'a> Certificate<'a> {
    pub(crate) fn parse(der: &'a CertificateDer<'_>) -> Result<Self, String> {
        match X509Certificate::from_der(der) {
            Ok(([], parsed)) => Ok(Self { der, parsed }),
            Ok(_) => Err("there are bytes behind its end".to_owned()),
            Err(cause) => Err(cause.to_string()),
        }
    }

    /// What to call it: its common name, else a name that it is for, else its whole subject.
    pub(crate) fn title(&self) -> String {
        self.common_name()
            .or_else(|| self.names().into_iter().next())
            .unwrap_or_else(|| self.subject())
    }

    pub(crate) fn subject(&self) -> String {
        name_text(self.parsed.subject())
    }

    pub(crate) fn issuer(&self) -> String {
        name_text(self.parsed.issuer())
    }

    /// The subject's DER, with tag and length.
    pub(crate) fn subject_der(&self) -> &'a [u8] {
        self.parsed.tbs_certificate.subject.as_raw()
    }

    /// The issuer's DER, with tag and length.
    pub(crate) fn issuer_der(&self) -> &'a [u8] {
        self.parsed.tbs_certificate.issuer.as_raw()
    }

    /// Whether it names itself as its issuer.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject_der() == self.issuer_der()
    }

    /// The serial number's DER value: big-endian, two's complement.
    pub(crate) fn serial(&self) -> &'a [u8] {
        self.parsed.tbs_certificate.raw_serial()
    }

    pub(crate) fn serial_text(&self) -> String {
        hex(self.serial())
    }

    pub(crate) fn public_key_info(&self) -> SubjectPublicKeyInfoDer<'a> {
        SubjectPublicKeyInfoDer::from(self.parsed.tbs_certificate.subject_pki.raw)
    }

    /// The bytes of the key's BIT STRING, without tag, length and unused bits.
    pub(crate) fn public_key_bytes(&self) -> &[u8] {
        &self
            .parsed
            .tbs_certificate
            .subject_pki
            .subject_public_key
            .data
    }

    pub(crate) fn not_before(&self) -> UnixTime {
        unix_time(self.parsed.validity().not_before)
    }

    pub(crate) fn not_after(&self) -> UnixTime {
        unix_time(self.parsed.validity().not_after)
    }

    pub(crate) fn common_name(&self) -> Option<String> {
        self.parsed
            .subject()
            .iter_common_name()
            .find_map(|name| name.as_str().ok())
            .map(printable)
    }

    /// The DNS names and IP addresses that it is for.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(Some(extension)) = self.parsed.subject_alternative_name() else {
            return Vec::new();
        };
        extension
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(printable(name)),
                GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
                _ => None,
            })
            .collect()
    }

    /// The key usage extension; `None` if it has none and may be used for anything. One that does not
    /// parse allows nothing.
    pub(crate) fn key_usage(&self) -> Option<KeyUsage> {
        match self.parsed.key_usage() {
            Ok(extension) => extension.map(|extension| *extension.value),
            Err(_) => Some(KeyUsage { flags: 0 }),
        }
    }

    /// Key usages by their names in RFC 5280.
    pub(crate) fn key_usages(&self) -> Vec<&'static str> {
        let Some(usage) = self.key_usage() else {
            return Vec::new();
        };
        [
            (usage.digital_signature(), "digitalSignature"),
            (usage.non_repudiation(), "nonRepudiation"),
            (usage.key_encipherment(), "keyEncipherment"),
            (usage.data_encipherment(), "dataEncipherment"),
            (usage.key_agreement(), "keyAgreement"),
            (usage.key_cert_sign(), "keyCertSign"),
            (usage.crl_sign(), "cRLSign"),
        ]
        .into_iter()
        .filter_map(|(is_set, name)| is_set.then_some(name))
        .collect()
    }

    /// Whether its key may sign certificates. RFC 5280 §6.1.4 (n): "If a key usage extension is present, verify that the
    /// keyCertSign bit is set."
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.key_usage().is_none_or(|usage| usage.key_cert_sign())
    }

    /// Whether the client should not ask whether it is revoked: RFC 6960 §4.2.2.2.1: "A CA may specify that an OCSP client
    /// can trust a responder for the lifetime of the responder's certificate."
    pub(crate) fn has_no_check(&self) -> bool {
        // "The value of the extension SHALL be NULL."
        self.extension(OCSP_NO_CHECK) == Some(&[5, 0])
    }

    /// Extended key usages by name, others by number; `None` if the extension is not there and it may be used for anything.
    /// One that does not parse allows nothing.
    pub(crate) fn extended_key_usages(&self) -> Option<Vec<String>> {
        let usage = match self.parsed.extended_key_usage() {
            Ok(extension) => extension?.value,
            Err(_) => return Some(Vec::new()),
        };
        let usages = [
            (usage.any, "anyExtendedKeyUsage"),
            (usage.server_auth, "serverAuth"),
            (usage.client_auth, "clientAuth"),
            (usage.code_signing, "codeSigning"),
            (usage.email_protection, "emailProtection"),
            (usage.time_stamping, "timeStamping"),
            (usage.ocsp_signing, "OCSPSigning"),
        ]
        .into_iter()
        .filter(|(is_set, _)| *is_set)
        .map(|(_, name)| name.to_owned())
        .chain(usage.other.iter().map(Oid::to_id_string))
        .collect();
        Some(usages)
    }

    pub(crate) fn is_authority(&self) -> bool {
        self.parsed.is_ca()
    }

    /// Whether others may be verified with its key once it is trusted. RFC 5280 §4.2.1.9: "If the basic constraints
    /// extension is not present in a version 3 certificate, or the extension is present but the cA boolean is not
    /// asserted, then the certified public key MUST NOT be used to verify certificate signatures." One of version 1
    /// cannot say what it is: who trusts it has decided.
    pub(crate) fn may_issue(&self) -> bool {
        self.parsed.version() == X509Version::V1 || self.is_authority()
    }

    /// How many CAs it allows below itself.
    pub(crate) fn path_length(&self) -> Option<usize> {
        let extension = self.parsed.basic_constraints().ok()??;
        let length = extension.value.path_len_constraint?;
        usize::try_from(length).ok()
    }

    /// Whether a server with it must staple an OCSP response (RFC 7633). An extension that does not parse
    /// demands it.
    pub(crate) fn must_staple(&self) -> bool {
        let Some(value) = self.extension(TLS_FEATURE) else {
            return false;
        };
        <Vec<u32>>::from_der(value).map_or(true, |(_, features)| features.contains(&STATUS_REQUEST))
    }

    /// Where its issuer's certificate can be fetched.
    pub(crate) fn issuer_url(&self) -> Option<String> {
        self.parsed.extensions().iter().find_map(|extension| {
            let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
                return None;
            };
            access
                .accessdescs
                .iter()
                .find_map(|description| match &description.access_location {
                    GeneralName::URI(url) if is_oid(&description.access_method, CA_ISSUERS) => {
                        Some(printable(url))
                    }
                    _ => None,
                })
        })
    }

    /// Where its issuer publishes revocation lists.
    pub(crate) fn crl_url(&self) -> Option<String> {
        self.parsed.extensions().iter().find_map(|extension| {
            let ParsedExtension::CRLDistributionPoints(points) = extension.parsed_extension()
            else {
                return None;
            };
            points.points.iter().find_map(|point| {
                let Some(DistributionPointName::FullName(names)) = &point.distribution_point else {
                    return None;
                };
                names.iter().find_map(|name| match name {
                    GeneralName::URI(url) => Some(printable(url)),
                    _ => None,
                })
            })
        })
    }

    /// A critical extension that nobody here knows.
    pub(crate) fn unknown_critical_extension(&self) -> Option<String> {
        self.parsed
            .extensions()
            .iter()
            .find(|extension| {
                extension.critical
                    && matches!(
                        extension.parsed_extension(),
                        ParsedExtension::UnsupportedExtension { .. }
                            | ParsedExtension::ParseError { .. }
                    )
            })
            .map(|extension| extension.oid.to_id_string())
    }

    pub(crate) fn key(&self) -> Key {
        let info = self.parsed.public_key();
        let algorithm = info.algorithm.algorithm.to_id_string();
        let rsa_bits = match algorithm.as_str() {
            // A key that nobody can read has no strength.
            RSA_ENCRYPTION | RSA_PSS => Some(
                RSAPublicKey::from_der(&info.subject_public_key.data)
                    .map_or(0, |(_, key)| rsa_bits(key.modulus)),
            ),
            _ => None,
        };
        let parameter = info
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.as_oid().ok());
        let text = match (algorithm.as_str(), rsa_bits) {
            (RSA_ENCRYPTION, Some(bits)) => format!("RSA {bits}"),
            (RSA_PSS, Some(bits)) => format!("RSA-PSS {bits}"),
            ("1.2.840.10045.2.1", _) => {
                match parameter.map(|curve| curve.to_id_string()).as_deref() {
                    Some("1.2.840.10045.3.1.7") => "ECDSA P-256".to_owned(),
                    Some("1.3.132.0.34") => "ECDSA P-384".to_owned(),
                    Some("1.3.132.0.35") => "ECDSA P-521".to_owned(),
                    Some(curve) => format!("ECDSA on curve {curve}"),
                    None => "ECDSA on a curve without a name".to_owned(),
                }
            }
            ("1.3.101.112", _) => "Ed25519".to_owned(),
            ("1.3.101.113", _) => "Ed448".to_owned(),
            ("2.16.840.1.101.3.4.3.17", _) => "ML-DSA-44".to_owned(),
            ("2.16.840.1.101.3.4.3.18", _) => "ML-DSA-65".to_owned(),
            ("2.16.840.1.101.3.4.3.19", _) => "ML-DSA-87".to_owned(),
            (oid, _) => format!("key of type {oid}"),
        };
        Key { text, rsa_bits }
    }

    /// The algorithm of the signature on it, such as `ecdsa-with-SHA256`.
    pub(crate) fn signature_algorithm(&self) -> String {
        let oid = self.parsed.signature_algorithm.algorithm.to_id_string();
        let known = SIGNATURE_ALGORITHMS
            .iter()
            .find(|(number, _)| *number == oid)
            .map(|(_, name)| (*name).to_owned());
        known.unwrap_or(oid)
    }

    /// How many signed certificate timestamps are in it.
    pub(crate) fn embedded_timestamps(&self) -> usize {
        self.parsed
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SCT(timestamps) => Some(timestamps.len()),
                _ => None,
            })
            .unwrap_or_default()
    }

    fn extension(&self, oid: &[u64]) -> Option<&'a [u8]> {
        self.parsed
            .extensions()
            .iter()
            .find(|extension| is_oid(&extension.oid, oid))
            .map(|extension| extension.value)
    }
}

fn is_oid(oid: &Oid<'_>, numbers: &[u64]) -> bool {
    oid.iter()
        .is_some_and(|components| components.eq(numbers.iter().copied()))
}

/// Bits of an RSA modulus, a DER integer's value.
fn rsa_bits(modulus: &[u8]) -> usize {
    let start = modulus.iter().take_while(|byte| **byte == 0).count();
    modulus[start..].first().map_or(0, |first| {
        (modulus.len() - start) * 8 - first.leading_zeros() as usize
    })
}

/// A distinguished name (DER) as text, fit for a terminal; `None` if it does not parse.
pub fn distinguished_name(der: &[u8]) -> Option<String> {
    match X509Name::from_der(der) {
        Ok(([], name)) => Some(name_text(&name)),
        _ => None,
    }
}

fn name_text(name: &X509Name<'_>) -> String {
    let text = printable(&name.to_string());
    if text.is_empty() {
        "a certificate without a subject".to_owned()
    } else {
        text
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// Times before 1970 count as 1970.
pub(crate) fn unix_time(time: ASN1Time) -> UnixTime {
    UnixTime::from_secs(u64::try_from(time.timestamp()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_modulus_is_counted_in_bits() {
        assert_eq!(rsa_bits(&[]), 0);
        assert_eq!(rsa_bits(&[0, 0x80, 0]), 16);
        assert_eq!(rsa_bits(&[1, 0]), 9);
    }
}
