//! What TLS itself wants to know of an X.509 certificate (RFC 5280 §4.1), beside its key: who issued it
//! and how it is signed, to choose among chains, and whether its key may sign and delegate.
//!
//! This is no validation. Nothing here says that a certificate is to be trusted.

use crate::der::{Walk, oid, tag};

/// The parts of a certificate that TLS looks at.
#[derive(Debug, Clone, Copy)]
pub struct CertificateInfo<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    signature_algorithm: &'a [u8],
    not_before: u64,
    not_after: u64,
    key_usage: Option<u8>,
    delegation_usage: bool,
    /// The value of the subjectAltName extension.
    alternative_names: Option<&'a [u8]>,
}

impl<'a> CertificateInfo<'a> {
    /// Takes a certificate in DER apart; `None` if it is none.
    pub fn parse(certificate: &'a [u8]) -> Option<Self> {
        // Certificate  ::=  SEQUENCE  { tbsCertificate, signatureAlgorithm, signatureValue }
        let mut certificate = Walk::sequence(certificate)?;
        let mut tbs = Walk::new(certificate.expect(tag::SEQUENCE)?.content);
        let signature_algorithm = certificate.expect(tag::SEQUENCE)?.content;
        certificate.expect(tag::BIT_STRING)?;
        if !certificate.is_at_end() {
            return None;
        }
        if tbs.peek_tag()? == tag::CONTEXT_0 {
            tbs.any()?; // version
        }
        tbs.expect(tag::INTEGER)?; // serialNumber
        tbs.expect(tag::SEQUENCE)?; // signature
        let issuer = tbs.expect(tag::SEQUENCE)?.whole;
        let mut validity = Walk::new(tbs.expect(tag::SEQUENCE)?.content);
        let not_before = time(&mut validity)?;
        let not_after = time(&mut validity)?;
        let subject = tbs.expect(tag::SEQUENCE)?.whole;
        tbs.expect(tag::SEQUENCE)?; // subjectPublicKeyInfo
        let mut info = Self {
            issuer,
            subject,
            signature_algorithm,
            not_before,
            not_after,
            key_usage: None,
            delegation_usage: false,
            alternative_names: None,
        };
        while !tbs.is_at_end() {
            let element = tbs.any()?;
            // issuerUniqueID [1] and subjectUniqueID [2] are passed over.
            if element.tag == tag::CONTEXT_3 {
                info.read_extensions(element.content)?;
            }
        }
        Some(info)
    }

    /// Extension  ::=  SEQUENCE  { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
    fn read_extensions(&mut self, extensions: &'a [u8]) -> Option<()> {
        let mut extensions = Walk::sequence(extensions)?;
        while !extensions.is_at_end() {
            let mut extension = Walk::new(extensions.expect(tag::SEQUENCE)?.content);
            let id = extension.expect(tag::OID)?.content;
            let critical = extension.peek_tag()? == tag::BOOLEAN;
            if critical {
                extension.any()?;
            }
            let value = extension.expect(tag::OCTET_STRING)?.content;
            if id == oid::KEY_USAGE {
                let mut value = Walk::new(value);
                let bits = value.expect(tag::BIT_STRING)?.content;
                self.key_usage = Some(bits.get(1).copied().unwrap_or_default());
            } else if id == oid::SUBJECT_ALTERNATIVE_NAME {
                self.alternative_names = Some(value);
            } else if id == oid::DELEGATION_USAGE {
                // RFC 9345 §4.2: "The extension MUST be marked non-critical."
                self.delegation_usage = !critical;
            }
        }
        Some(())
    }

    /// The distinguished name of the issuer, DER.
    pub fn issuer(&self) -> &'a [u8] {
        self.issuer
    }

    /// Whether issuer and subject are the same: nobody validates the signature of a trust anchor.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// From when it is valid, in seconds since 1970.
    pub fn not_before(&self) -> u64 {
        self.not_before
    }

    /// Until when it is valid, in seconds since 1970.
    pub fn not_after(&self) -> u64 {
        self.not_after
    }

    /// The names in the subjectAltName extension (RFC 5280 §4.2.1.6), none if there is no such extension; `None` if one of
    /// them is no DNS name.
    pub fn dns_names(&self) -> Option<Vec<&'a str>> {
        let Some(value) = self.alternative_names else {
            return Some(Vec::new());
        };
        // GeneralName  ::=  CHOICE  { ..., dNSName [2] IA5String, ... }
        let mut names = Walk::sequence(value)?;
        let mut found = Vec::new();
        while !names.is_at_end() {
            let name = names.expect(tag::DNS_NAME)?.content;
            found.push(
                std::str::from_utf8(name)
                    .ok()
                    .filter(|name| name.is_ascii())?,
            );
        }
        Some(found)
    }

    /// Whether the key may sign: the `digitalSignature` bit is set, or there is no Key Usage extension
    /// (RFC 5280 §4.2.1.3).
    pub fn may_sign(&self) -> bool {
        self.key_usage
            .is_none_or(|bits| bits & DIGITAL_SIGNATURE != 0)
    }

    /// Whether secrets may be encrypted to the key: the `keyEncipherment` bit is set, or there is no Key
    /// Usage extension (RFC 5280 §4.2.1.3).
    pub fn may_encipher_keys(&self) -> bool {
        self.key_usage
            .is_none_or(|bits| bits & KEY_ENCIPHERMENT != 0)
    }

    /// Whether the key may sign delegated credentials. RFC 9345 §4.2: "It has the DelegationUsage
    /// extension"; "It has the digitalSignature KeyUsage".
    pub fn may_delegate(&self) -> bool {
        let signs = self
            .key_usage
            .is_some_and(|bits| bits & DIGITAL_SIGNATURE != 0);
        self.delegation_usage && signs
    }

    /// The IANA `SignatureScheme`s that a peer lists if it can verify the certificate's signature: any of
    /// them will do. Empty for an algorithm that is not known.
    pub fn signature_schemes(&self) -> &'static [u16] {
        let mut algorithm = Walk::new(self.signature_algorithm);
        let Some(id) = algorithm.expect(tag::OID) else {
            return &[];
        };
        match id.content {
            oid::SHA1_WITH_RSA => &[0x0201],
            oid::SHA256_WITH_RSA => &[0x0401],
            oid::SHA384_WITH_RSA => &[0x0501],
            oid::SHA512_WITH_RSA => &[0x0601],
            oid::ECDSA_WITH_SHA1 => &[0x0203],
            oid::ECDSA_WITH_SHA256 => &[0x0403],
            oid::ECDSA_WITH_SHA384 => &[0x0503],
            oid::ECDSA_WITH_SHA512 => &[0x0603],
            oid::ED25519 => &[0x0807],
            oid::ED448 => &[0x0808],
            oid::ML_DSA_44 => &[0x0904],
            oid::ML_DSA_65 => &[0x0905],
            oid::ML_DSA_87 => &[0x0906],
            // Whether the issuer's key is for PSS alone is in the issuer's certificate.
            oid::RSASSA_PSS => match pss_hash(&mut algorithm) {
                Some(oid::SHA256) => &[0x0804, 0x0809],
                Some(oid::SHA384) => &[0x0805, 0x080a],
                Some(oid::SHA512) => &[0x0806, 0x080b],
                _ => &[],
            },
            _ => &[],
        }
    }
}

/// Bit 0 of KeyUsage, the first of a BIT STRING.
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;

/// RSASSA-PSS-params  ::=  SEQUENCE  { hashAlgorithm \[0\] HashAlgorithm DEFAULT sha1Identifier, ... }
/// (RFC 4055 §3.1).
fn pss_hash<'a>(algorithm: &mut Walk<'a>) -> Option<&'a [u8]> {
    let mut parameters = Walk::new(algorithm.expect(tag::SEQUENCE)?.content);
    let mut hash = Walk::sequence(parameters.expect(tag::CONTEXT_0)?.content)?;
    Some(hash.expect(tag::OID)?.content)
}

/// Time  ::=  CHOICE  { utcTime, generalTime }, both to the second and in Zulu time (RFC 5280 §4.1.2.5).
fn time(walk: &mut Walk<'_>) -> Option<u64> {
    let element = walk.any()?;
    let (year_len, text) = match element.tag {
        tag::UTC_TIME => (2, element.content),
        tag::GENERALIZED_TIME => (4, element.content),
        _ => return None,
    };
    let (digits, b"Z") = text.split_at_checked(year_len + 10)? else {
        return None;
    };
    let (year, rest) = digits.split_at(year_len);
    let mut year = number(year)?;
    if element.tag == tag::UTC_TIME {
        // RFC 5280 §4.1.2.5.1: "Where YY is greater than or equal to 50, the year SHALL be interpreted
        // as 19YY".
        year += if year >= 50 { 1900 } else { 2000 };
    }
    let mut fields = [0; 5];
    for (field, digits) in fields.iter_mut().zip(rest.chunks(2)) {
        *field = number(digits)?;
    }
    let [month, day, hour, minute, second] = fields;
    let plausible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    plausible.then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(digit - b'0'))
    })
}

/// Days from 1970 to a date of the Gregorian calendar, whose year is taken to begin in March so that the
/// leap day is its last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &[u8]) -> Option<u64> {
        let mut der = vec![tag::UTC_TIME, u8::try_from(text.len()).unwrap()];
        der.extend_from_slice(text);
        time(&mut Walk::new(&der))
    }

    fn generalized(text: &[u8]) -> Option<u64> {
        let mut der = vec![tag::GENERALIZED_TIME, u8::try_from(text.len()).unwrap()];
        der.extend_from_slice(text);
        time(&mut Walk::new(&der))
    }

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(utc(b"700101000000Z"), Some(0));
        assert_eq!(utc(b"491231235959Z"), Some(2_524_607_999));
        assert_eq!(generalized(b"20000229120000Z"), Some(951_825_600));
        assert_eq!(generalized(b"20000301000000Z"), Some(951_868_800));
        assert_eq!(generalized(b"21000301000000Z"), Some(4_107_542_400));
        assert_eq!(generalized(b"20261124111010Z"), Some(1_795_518_610));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            &b"7001010000Z"[..],
            b"700101000000+0100",
            b"70010100000xZ",
            b"701301000000Z",
            b"700100000000Z",
            b"",
        ] {
            assert_eq!(utc(text), None, "{}", text.escape_ascii());
        }
        assert_eq!(generalized(b"19691231235959Z"), None);
    }
}
