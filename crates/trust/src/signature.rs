//! Signed structures of X.509 and OCSP, and whether a key signed them.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use webpki::RawPublicKeyEntity;

use crate::algorithms;

/// `SEQUENCE { content, AlgorithmIdentifier, BIT STRING, … }`: a certificate, a BasicOCSPResponse.
pub(crate) struct Signed<'a> {
    /// What is signed, with its tag and length.
    pub(crate) content: &'a [u8],
    /// Inside of the AlgorithmIdentifier's SEQUENCE.
    algorithm: &'a [u8],
    signature: &'a [u8],
    /// What comes after the signature.
    pub(crate) rest: SliceReader<'a>,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureFault {
    /// An algorithm that is not accepted, such as SHA-1.
    Algorithm,
    /// Not made by this key over this content.
    Wrong,
}

impl<'a> Signed<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, der::Error> {
        let outer = AnyRef::from_der(der)?;
        outer.tag().assert_eq(Tag::Sequence)?;
        let mut reader = SliceReader::new(outer.value())?;
        let content = reader.tlv_bytes()?;
        let algorithm = AnyRef::decode(&mut reader)?;
        algorithm.tag().assert_eq(Tag::Sequence)?;
        let signature = BitStringRef::decode(&mut reader)?;
        Ok(Self {
            content,
            algorithm: algorithm.value(),
            signature: signature
                .as_bytes()
                .ok_or_else(|| Tag::BitString.value_error())?,
            rest: reader,
        })
    }

    /// Whether `key` signed it, with an algorithm that is accepted.
    pub(crate) fn verify(&self, key: &SubjectPublicKeyInfoDer<'_>) -> Result<(), SignatureFault> {
        let key = RawPublicKeyEntity::try_from(key).map_err(|_| SignatureFault::Wrong)?;
        let mut fault = SignatureFault::Algorithm;
        for algorithm in algorithms::accepted() {
            if algorithm.signature_alg_id().as_ref() != self.algorithm {
                continue;
            }
            if key
                .verify_signature(*algorithm, self.content, self.signature)
                .is_ok()
            {
                return Ok(());
            }
            fault = SignatureFault::Wrong;
        }
        Err(fault)
    }
}
