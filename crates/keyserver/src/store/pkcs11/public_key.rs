//! The public half of a token's key: from the object beside it, from what the private key shows, or from its certificate.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use der::{Decode, Encode};
use keyward_crypto::signature::PublicKey;
use pkcs1::RsaPublicKey;
use spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};

/// `rsaEncryption` (RFC 3279 §2.3.1), whose parameters are NULL.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480 §2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `id-Ed25519` (RFC 8410 §3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Of the private key with this `CKA_ID`. `Err` is the cause, for people.
pub(super) fn find(
    session: &Session,
    private: ObjectHandle,
    key_type: KeyType,
    id: &[u8],
) -> Result<PublicKey, String> {
    let beside = |class| {
        let template = [Attribute::Class(class), Attribute::Id(id.to_vec())];
        let found = session.find_objects(&template);
        // Without an ID nothing says which belong together.
        found
            .unwrap_or_default()
            .into_iter()
            .filter(|_| !id.is_empty())
    };
    let shown = beside(ObjectClass::PUBLIC_KEY)
        .chain([private])
        .find_map(|object| shown(session, object, key_type));
    if let Some(key) = shown {
        return key;
    }
    let certificate = beside(ObjectClass::CERTIFICATE).find_map(|object| {
        let value = session
            .get_attributes(object, &[AttributeType::Value])
            .ok()?;
        value.into_iter().find_map(|attribute| match attribute {
            Attribute::Value(der) => Some(der),
            _ => None,
        })
    });
    match certificate {
        Some(der) => PublicKey::from_certificate_der(&der)
            .map_err(|error| format!("the public key in its certificate cannot be used: {error}")),
        None => Err(
            "the token has neither its public key nor its certificate under the same CKA_ID"
                .to_owned(),
        ),
    }
}

/// What this object shows of a public key, if it shows all of it.
fn shown(
    session: &Session,
    object: ObjectHandle,
    key_type: KeyType,
) -> Option<Result<PublicKey, String>> {
    let wanted = match key_type {
        KeyType::RSA => [AttributeType::Modulus, AttributeType::PublicExponent],
        KeyType::EC | KeyType::EC_EDWARDS => [AttributeType::EcParams, AttributeType::EcPoint],
        other => return Some(Err(format!("keys of type {other} are not served"))),
    };
    let (mut first, mut second) = (None, None);
    for attribute in session.get_attributes(object, &wanted).ok()? {
        match attribute {
            Attribute::Modulus(value) | Attribute::EcParams(value) => first = Some(value),
            Attribute::PublicExponent(value) | Attribute::EcPoint(value) => second = Some(value),
            _ => {}
        }
    }
    let (first, second) = first
        .zip(second)
        .filter(|(first, second)| !first.is_empty() && !second.is_empty())?;
    let spki = match key_type {
        KeyType::RSA => rsa(&first, &second),
        KeyType::EC => elliptic(&first, &second),
        _ => edwards(&second),
    };
    let spki = spki.map_err(|error| format!("its public key is malformed: {error}"));
    Some(spki.and_then(|spki| {
        PublicKey::from_spki_der(&spki)
            .map_err(|error| format!("its public key cannot be used: {error}"))
    }))
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> der::Result<Vec<u8>> {
    let key = RsaPublicKey {
        modulus: UintRef::new(modulus)?,
        public_exponent: UintRef::new(exponent)?,
    };
    let algorithm = AlgorithmIdentifierRef {
        oid: RSA,
        parameters: Some(AnyRef::NULL),
    };
    spki(algorithm, &key.to_der()?)
}

fn elliptic(parameters: &[u8], point: &[u8]) -> der::Result<Vec<u8>> {
    let algorithm = AlgorithmIdentifierRef {
        oid: EC,
        parameters: Some(AnyRef::from_der(parameters)?),
    };
    spki(algorithm, plain(point))
}

/// The curve is told by the length: Ed448's keys have 57 bytes, and are not served.
fn edwards(point: &[u8]) -> der::Result<Vec<u8>> {
    let algorithm = AlgorithmIdentifierRef {
        oid: ED25519,
        parameters: None,
    };
    spki(algorithm, plain(point))
}

/// PKCS #11 2.40 §2.3.3 has CKA_EC_POINT as an OCTET STRING with the point in it; some tokens have the point alone.
fn plain(point: &[u8]) -> &[u8] {
    OctetStringRef::from_der(point).map_or(point, |inner| inner.as_bytes())
}

fn spki(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> der::Result<Vec<u8>> {
    let subject_public_key = BitStringRef::from_bytes(key)?;
    SubjectPublicKeyInfoRef {
        algorithm,
        subject_public_key,
    }
    .to_der()
}
