//! Certification requests (PKCS#10, RFC 2986), with a subjectAltName extension and nothing else in them.

use keyward_crypto::signature::PublicKey;
use keyward_wire::values::SignatureScheme;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const BIT_STRING: u8 = 0x03;
const CONTEXT_0: u8 = 0xa0;
/// `dNSName [2]` of a GeneralName (RFC 5280 §4.2.1.6).
const DNS_NAME: u8 = 0x82;

/// 1.2.840.113549.1.9.14 (RFC 2985 §5.4.2)
const EXTENSION_REQUEST: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
/// 2.5.29.17
const SUBJECT_ALTERNATIVE_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// `INTEGER 0`
const VERSION_1: [u8; 3] = [0x02, 0x01, 0x00];
/// `BOOLEAN TRUE`
const TRUE: [u8; 3] = [0x01, 0x01, 0xff];
const NULL: [u8; 2] = [0x05, 0x00];

/// The bytes that a request for these names signs, its CertificationRequestInfo. The subject is empty: the names are in the
/// extension, which is critical then (RFC 5280 §4.2.1.6).
pub fn request_info(public_key: &PublicKey, names: &[String]) -> Vec<u8> {
    let names: Vec<u8> = names
        .iter()
        .flat_map(|name| element(DNS_NAME, &[name.as_bytes()]))
        .collect();
    let extension = element(
        SEQUENCE,
        &[
            &element(OID, &[&SUBJECT_ALTERNATIVE_NAME]),
            &TRUE,
            &element(OCTET_STRING, &[&element(SEQUENCE, &[&names])]),
        ],
    );
    let attribute = element(
        SEQUENCE,
        &[
            &element(OID, &[&EXTENSION_REQUEST]),
            &element(SET, &[&element(SEQUENCE, &[&extension])]),
        ],
    );
    element(
        SEQUENCE,
        &[
            &VERSION_1,
            &element(SEQUENCE, &[]),
            public_key.spki_der(),
            &element(CONTEXT_0, &[&attribute]),
        ],
    )
}

/// The whole request in DER; `None` for a scheme that certification authorities do not take.
pub fn request(info: &[u8], scheme: SignatureScheme, signature: &[u8]) -> Option<Vec<u8>> {
    let algorithm = algorithm_identifier(scheme)?;
    // No bit of the last byte is unused.
    let signature = element(BIT_STRING, &[&[0], signature]);
    Some(element(SEQUENCE, &[info, &algorithm, &signature]))
}

/// RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3. RSASSA-PSS is left to those who ask for it: PKCS#1 v1.5 is what authorities take.
pub(crate) fn algorithm_identifier(scheme: SignatureScheme) -> Option<Vec<u8>> {
    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let rsa = |last: u8| element(SEQUENCE, &[&element(OID, &[&RSA, &[last]]), &NULL]);
    let ecdsa = |last: u8| element(SEQUENCE, &[&element(OID, &[&ECDSA, &[last]])]);
    Some(match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => rsa(11),
        SignatureScheme::RSA_PKCS1_SHA384 => rsa(12),
        SignatureScheme::RSA_PKCS1_SHA512 => rsa(13),
        SignatureScheme::ECDSA_SECP256R1_SHA256 => ecdsa(2),
        SignatureScheme::ECDSA_SECP384R1_SHA384 => ecdsa(3),
        SignatureScheme::ECDSA_SECP521R1_SHA512 => ecdsa(4),
        SignatureScheme::ED25519 => element(SEQUENCE, &[&element(OID, &[&[0x2b, 0x65, 0x70]])]),
        _ => return None,
    })
}

/// One element of DER: tag, length in its shortest form (X.690 §10.1), the parts of its content.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(len @ ..0x80) => out.push(len),
        _ => {
            let len = content.len().to_be_bytes();
            let significant = &len[len.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | u8::try_from(significant.len()).expect("a length has eight bytes"));
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(&content);
    out
}
