//! Keys for RSASSA-PSS alone (RFC 4055 §1.2), with the OID `id-RSASSA-PSS` in the place of `rsaEncryption`.
//!
//! The numbers are those of any RSA key, so they go to AWS-LC as one; what the key may do stays here, in its
//! [`KeyKind`](crate::signature::KeyKind).

use crate::der::{Walk, element, oid, tag};
use crate::hash::HashAlgorithm;

/// What the parameters of such a key allow: every hash, or one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameters(pub(crate) Option<HashAlgorithm>);

/// The hashes that TLS has schemes for.
const HASHES: [HashAlgorithm; 3] = [
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
];

impl Parameters {
    /// Reads the content of an AlgorithmIdentifier with `id-RSASSA-PSS`; `None` if TLS has no scheme for it.
    ///
    /// Without parameters the key is good for all of them (RFC 4055 §1.2). RFC 9846 §4.3.3: "If the corresponding public key's parameters are
    /// present, then the parameters in the signature MUST be identical to those in the public key"; and those
    /// of TLS have MGF1 with the same hash, and a salt that is as long as its digest.
    pub(crate) fn read(identifier: &[u8]) -> Option<Self> {
        let mut walk = Walk::new(identifier);
        if walk.expect(tag::OID)?.content != oid::RSASSA_PSS {
            return None;
        }
        if walk.is_at_end() {
            return Some(Self(None));
        }
        let parameters = walk.expect(tag::SEQUENCE)?;
        if !walk.is_at_end() {
            return None;
        }
        let hash = read(parameters.content)?;
        Some(Self(Some(hash)))
    }

    /// The whole AlgorithmIdentifier, as everybody encodes it.
    fn encode(self) -> Vec<u8> {
        let parameters = self.0.map(|hash| {
            let hash_identifier = hash_identifier(hash);
            let mask = [element(tag::OID, oid::MGF1), hash_identifier.clone()].concat();
            let salt = u8::try_from(hash.output_len()).unwrap_or_default();
            let fields = [
                element(tag::CONTEXT_0, &hash_identifier),
                element(tag::CONTEXT_1, &element(tag::SEQUENCE, &mask)),
                element(tag::CONTEXT_2, &element(tag::INTEGER, &[salt])),
            ];
            element(tag::SEQUENCE, &fields.concat())
        });
        let id = element(tag::OID, oid::RSASSA_PSS);
        element(
            tag::SEQUENCE,
            &[id, parameters.unwrap_or_default()].concat(),
        )
    }

    /// The SubjectPublicKeyInfo of such a key, from that of the same numbers under `rsaEncryption`.
    pub(crate) fn spki(self, rsa_encryption: &[u8]) -> Option<Vec<u8>> {
        with_algorithm(&self.encode(), rsa_encryption)
    }
}

/// The SubjectPublicKeyInfo under `rsaEncryption` of the same numbers as in this one.
pub(crate) fn as_rsa_encryption(spki: &[u8]) -> Option<Vec<u8>> {
    let identifier = [element(tag::OID, oid::RSA_ENCRYPTION), NULL.to_vec()].concat();
    with_algorithm(&element(tag::SEQUENCE, &identifier), spki)
}

fn with_algorithm(algorithm: &[u8], spki: &[u8]) -> Option<Vec<u8>> {
    let mut walk = Walk::sequence(spki)?;
    walk.expect(tag::SEQUENCE)?;
    let key = walk.expect(tag::BIT_STRING)?.whole;
    walk.is_at_end()
        .then(|| element(tag::SEQUENCE, &[algorithm, key].concat()))
}

const NULL: [u8; 2] = [tag::NULL, 0];

/// RSASSA-PSS-params (RFC 4055 §3.1), if they are those of a scheme of TLS.
fn read(parameters: &[u8]) -> Option<HashAlgorithm> {
    let mut walk = Walk::new(parameters);
    let mut field = |tag| Some(Walk::new(walk.expect(tag)?.content));
    let hash = read_hash(field(tag::CONTEXT_0)?)?;
    let mut mask = field(tag::CONTEXT_1)?;
    let mut function = Walk::new(mask.expect(tag::SEQUENCE)?.content);
    let is_mgf1 = function.expect(tag::OID)?.content == oid::MGF1;
    let same = read_hash(function)? == hash && mask.is_at_end();
    let mut salt = field(tag::CONTEXT_2)?;
    let salt_len = salt.expect(tag::INTEGER)?.content;
    let full = u8::try_from(hash.output_len()).is_ok_and(|len| salt_len == [len]);
    // `trailerField [3] INTEGER DEFAULT 1` is left out in DER, having no other value.
    (is_mgf1 && same && full && salt.is_at_end() && walk.is_at_end()).then_some(hash)
}

/// RFC 4055 §2.1 has a hash with absent parameters and one with NULL mean the same.
fn read_hash(mut walk: Walk<'_>) -> Option<HashAlgorithm> {
    let mut identifier = Walk::new(walk.expect(tag::SEQUENCE)?.content);
    let id = identifier.expect(tag::OID)?.content;
    let has_null = !identifier.is_at_end();
    if has_null && !identifier.expect(tag::NULL)?.content.is_empty()
        || !identifier.is_at_end()
        || !walk.is_at_end()
    {
        return None;
    }
    HASHES.into_iter().find(|hash| hash_oid(*hash) == Some(id))
}

fn hash_identifier(hash: HashAlgorithm) -> Vec<u8> {
    let id = element(tag::OID, hash_oid(hash).unwrap_or_default());
    element(tag::SEQUENCE, &[&id[..], &NULL].concat())
}

const fn hash_oid(hash: HashAlgorithm) -> Option<&'static [u8]> {
    Some(match hash {
        HashAlgorithm::Sha256 => oid::SHA256,
        HashAlgorithm::Sha384 => oid::SHA384,
        HashAlgorithm::Sha512 => oid::SHA512,
        HashAlgorithm::Sha1 => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of an AlgorithmIdentifier.
    fn content(parameters: Parameters) -> Vec<u8> {
        let encoded = parameters.encode();
        Walk::new(&encoded).any().unwrap().content.to_vec()
    }

    #[test]
    fn parameters_are_read_as_they_are_written() {
        for hash in HASHES.map(Some).into_iter().chain([None]) {
            let parameters = Parameters(hash);
            assert_eq!(Parameters::read(&content(parameters)), Some(parameters));
        }
    }

    /// As `rustls_pki_types::alg_id` has it from RFC 4055 §6.
    #[test]
    fn they_are_written_as_by_others() {
        use rustls_pki_types::alg_id;
        for (hash, theirs) in [
            (HashAlgorithm::Sha256, alg_id::RSA_PSS_SHA256),
            (HashAlgorithm::Sha384, alg_id::RSA_PSS_SHA384),
            (HashAlgorithm::Sha512, alg_id::RSA_PSS_SHA512),
        ] {
            assert_eq!(content(Parameters(Some(hash))), theirs.as_ref());
        }
    }

    #[test]
    fn a_hash_may_lack_its_null() {
        let id = element(tag::SEQUENCE, &element(tag::OID, oid::SHA256));
        let mask = [element(tag::OID, oid::MGF1), id.clone()].concat();
        let fields = [
            element(tag::CONTEXT_0, &id),
            element(tag::CONTEXT_1, &element(tag::SEQUENCE, &mask)),
            element(tag::CONTEXT_2, &[tag::INTEGER, 1, 32]),
        ];
        assert_eq!(read(&fields.concat()), Some(HashAlgorithm::Sha256));
    }

    #[test]
    fn what_no_scheme_of_tls_has_is_refused() {
        let sound = content(Parameters(Some(HashAlgorithm::Sha384)));
        for at in 0..sound.len() {
            let mut other = sound.clone();
            other[at] ^= 1;
            assert_eq!(Parameters::read(&other), None, "{at}");
        }
        for length in 0..sound.len() {
            // The OID alone is a key for all hashes.
            if length != 11 {
                assert_eq!(Parameters::read(&sound[..length]), None, "{length}");
            }
        }
        assert_eq!(Parameters::read(&[&sound[..], &NULL].concat()), None);
        // An empty SEQUENCE is SHA-1, with a salt of 20 bytes.
        let sha1 = [&element(tag::OID, oid::RSASSA_PSS)[..], &[tag::SEQUENCE, 0]].concat();
        assert_eq!(Parameters::read(&sha1), None);
    }
}
