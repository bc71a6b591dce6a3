//! As much DER (X.690) as it takes to find what TLS looks at in a certificate and to tell key formats apart. What is found
//! goes to AWS-LC or a path validation, which parse it in full; no key is believed because of this walk alone.

/// Universal and context tags that the walk meets.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    /// `dNSName [2]` of a GeneralName.
    pub(crate) const DNS_NAME: u8 = 0x82;
    pub(crate) const CONTEXT_0: u8 = 0xa0;
    pub(crate) const CONTEXT_1: u8 = 0xa1;
    pub(crate) const CONTEXT_2: u8 = 0xa2;
    pub(crate) const CONTEXT_3: u8 = 0xa3;
}

/// One element: its tag, its content, and all its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Reads elements one after the other. `None` means: this is not DER, or not what was expected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// A walk through the one SEQUENCE that `bytes` is, with nothing behind it.
    pub(crate) fn sequence(bytes: &'a [u8]) -> Option<Self> {
        let mut outer = Self::new(bytes);
        let inside = outer.expect(tag::SEQUENCE)?;
        outer.is_at_end().then(|| Self::new(inside.content))
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek_tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        let element = self.any()?;
        (element.tag == tag).then_some(element)
    }

    pub(crate) fn any(&mut self) -> Option<Element<'a>> {
        let all = self.rest;
        let (&tag, rest) = all.split_first()?;
        // High tag numbers (X.690 §8.1.2.4) occur in nothing that is read here.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Longer lengths than three bytes' worth are not certificates or keys.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = bytes
                    .iter()
                    .fold(0, |len, &byte| len << 8 | usize::from(byte));
                // DER: the length is in its shortest form (X.690 §10.1).
                if bytes[0] == 0 || len < 0x80 {
                    return None;
                }
                (len, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.rest = rest;
        Some(Element {
            tag,
            content,
            whole: &all[..all.len() - rest.len()],
        })
    }
}

/// Object identifiers, the content of their elements.
pub(crate) mod oid {
    /// 2.5.29.17
    pub(crate) const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
    /// 1.2.840.113549.1.1.1
    pub(crate) const RSA_ENCRYPTION: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    /// 1.2.840.113549.1.1.10
    pub(crate) const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    /// 1.2.840.113549.1.1.8
    pub(crate) const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
    /// 1.2.840.10045.2.1
    pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    /// 1.2.840.10045.3.1.7
    pub(crate) const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    /// 1.3.132.0.34
    pub(crate) const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    /// 1.3.132.0.35
    pub(crate) const SECP521R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    /// 1.3.101.112
    pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    /// 1.3.101.113
    pub(crate) const ED448: &[u8] = &[0x2b, 0x65, 0x71];
    /// 1.2.840.113549.1.1.5
    pub(crate) const SHA1_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
    /// 1.2.840.113549.1.1.11
    pub(crate) const SHA256_WITH_RSA: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    /// 1.2.840.113549.1.1.12
    pub(crate) const SHA384_WITH_RSA: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
    /// 1.2.840.113549.1.1.13
    pub(crate) const SHA512_WITH_RSA: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d];
    /// 1.2.840.10045.4.1
    pub(crate) const ECDSA_WITH_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    /// 1.2.840.10045.4.3.2
    pub(crate) const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    /// 1.2.840.10045.4.3.3
    pub(crate) const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
    /// 1.2.840.10045.4.3.4
    pub(crate) const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
    /// 2.16.840.1.101.3.4.2.1
    pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    /// 2.16.840.1.101.3.4.2.2
    pub(crate) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
    /// 2.16.840.1.101.3.4.2.3
    pub(crate) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
    /// 2.16.840.1.101.3.4.3.17
    pub(crate) const ML_DSA_44: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11];
    /// 2.16.840.1.101.3.4.3.18
    pub(crate) const ML_DSA_65: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12];
    /// 2.16.840.1.101.3.4.3.19
    pub(crate) const ML_DSA_87: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13];
    /// 2.5.29.15
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    /// 1.3.6.1.4.1.44363.44
    pub(crate) const DELEGATION_USAGE: &[u8] =
        &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xda, 0x4b, 0x2c];
}

/// The SubjectPublicKeyInfo in an X.509 certificate, all its bytes.
pub(crate) fn certificate_spki(certificate: &[u8]) -> Option<&[u8]> {
    // Certificate  ::=  SEQUENCE  { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280 §4.1)
    let mut certificate = Walk::sequence(certificate)?;
    let mut tbs = Walk::new(certificate.expect(tag::SEQUENCE)?.content);
    certificate.expect(tag::SEQUENCE)?;
    certificate.expect(tag::BIT_STRING)?;
    if !certificate.is_at_end() {
        return None;
    }
    // version [0] EXPLICIT, DEFAULT v1
    if tbs.peek_tag()? == tag::CONTEXT_0 {
        tbs.any()?;
    }
    tbs.expect(tag::INTEGER)?; // serialNumber
    tbs.expect(tag::SEQUENCE)?; // signature
    tbs.expect(tag::SEQUENCE)?; // issuer
    tbs.expect(tag::SEQUENCE)?; // validity
    tbs.expect(tag::SEQUENCE)?; // subject
    Some(tbs.expect(tag::SEQUENCE)?.whole)
}

/// An AlgorithmIdentifier: the algorithm's OID, and the OID in its parameters if that is what they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AlgorithmIdentifier<'a> {
    pub(crate) algorithm: &'a [u8],
    pub(crate) curve: Option<&'a [u8]>,
}

impl<'a> AlgorithmIdentifier<'a> {
    pub(crate) fn read(walk: &mut Walk<'a>) -> Option<Self> {
        let mut inside = Walk::new(walk.expect(tag::SEQUENCE)?.content);
        let algorithm = inside.expect(tag::OID)?.content;
        let curve = inside.expect(tag::OID).map(|oid| oid.content);
        Some(Self { algorithm, curve })
    }
}

/// One element, of at most 65535 bytes of content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    match (high, low) {
        (0, ..0x80) => [&[tag, low], content].concat(),
        (0, _) => [&[tag, 0x81, low], content].concat(),
        _ => [&[tag, 0x82, high, low], content].concat(),
    }
}

/// How many bits a positive INTEGER's content has.
pub(crate) fn bit_len(integer: &[u8]) -> usize {
    let significant = integer.iter().skip_while(|byte| **byte == 0);
    let leading = significant
        .clone()
        .next()
        .map_or(0, |byte| byte.leading_zeros());
    significant.count() * 8 - leading as usize
}
