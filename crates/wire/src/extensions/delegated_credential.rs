//! `delegated_credential` in a CertificateEntry (RFC 9345 §4): the credential itself, not yet taken apart. What the peer
//! can verify is a list of signature schemes, as in `signature_algorithms`.

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Put, Reader};
use crate::values::SignatureScheme;

pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    if reader.is_empty() {
        return Err(reader.error("delegated_credential", DecodeErrorKind::Truncated));
    }
    Ok(reader.take_rest().to_vec())
}

pub(super) fn encode(credential: &[u8], out: &mut Vec<u8>) {
    out.put_bytes(credential);
}

/// A key that signs in the place of a certificate's for a few days (RFC 9345 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegatedCredential {
    /// How long it is valid, in seconds from the certificate's notBefore.
    pub valid_time: u32,
    /// How its key signs: the one scheme of CertificateVerify that it is good for.
    pub dc_cert_verify_algorithm: SignatureScheme,
    /// Its key, a SubjectPublicKeyInfo in DER: 1 to 2^24-1 bytes.
    pub subject_public_key_info: Vec<u8>,
    /// How the certificate's key has signed it.
    pub algorithm: SignatureScheme,
    /// By the certificate's key, over the certificate and all of the above: at most 2^16-1 bytes.
    pub signature: Vec<u8>,
}

impl DelegatedCredential {
    /// What of it is signed: `DelegatedCredential.cred`, then `DelegatedCredential.algorithm`.
    pub fn signed_part(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_u32(self.valid_time);
        self.dc_cert_verify_algorithm.encode(&mut out);
        out.put_opaque_u24(&self.subject_public_key_info);
        self.algorithm.encode(&mut out);
        out
    }
}

impl Encode for DelegatedCredential {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_bytes(&self.signed_part());
        out.put_opaque_u16(&self.signature);
    }
}

impl<'a> Decode<'a> for DelegatedCredential {
    const NAME: &'static str = "DelegatedCredential";

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            valid_time: reader.u32("Credential.valid_time")?,
            dc_cert_verify_algorithm: Decode::decode(reader)?,
            subject_public_key_info: reader
                .opaque_u24("Credential.ASN1_subjectPublicKeyInfo", 1..=0xff_ffff)?
                .to_vec(),
            algorithm: Decode::decode(reader)?,
            signature: reader
                .opaque_u16("DelegatedCredential.signature", 0..=0xffff)?
                .to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_encoded_as_the_rfc_says() {
        let credential = DelegatedCredential {
            valid_time: 0x0102_0304,
            dc_cert_verify_algorithm: SignatureScheme::ED25519,
            subject_public_key_info: vec![0xaa; 3],
            algorithm: SignatureScheme::ECDSA_SECP256R1_SHA256,
            signature: vec![0xbb; 2],
        };
        let bytes = [
            1, 2, 3, 4, 8, 7, 0, 0, 3, 0xaa, 0xaa, 0xaa, 4, 3, 0, 2, 0xbb, 0xbb,
        ];
        assert_eq!(credential.to_bytes(), bytes);
        assert_eq!(credential.signed_part(), bytes[..14]);
        assert_eq!(DelegatedCredential::from_bytes(&bytes), Ok(credential));
        for length in 0..bytes.len() {
            assert!(
                DelegatedCredential::from_bytes(&bytes[..length]).is_err(),
                "{length}"
            );
        }
    }
}
