//! Keys and certificates from files and from peers: PEM and DER, private and public.

use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::{PublicKey, SignatureAlgorithm};

/// One input: the first byte chooses the form.
pub fn run(data: &[u8]) {
    let Some((form, bytes)) = data.split_first() else {
        return;
    };
    match form % 4 {
        0 => private(PrivateKey::from_pem(bytes).ok()),
        1 => private(PrivateKey::from_der(bytes).ok()),
        2 => public(PublicKey::from_spki_der(bytes).ok()),
        _ => {
            let key = PublicKey::from_certificate_der(bytes).ok();
            if let Some(key) = &key {
                assert_eq!(key.is_of_certificate_der(bytes), Ok(true));
            }
            public(key);
        }
    }
}

/// A key that was accepted signs, and its public half says that it did.
fn private(key: Option<PrivateKey>) {
    let Some(key) = key else { return };
    let mut usable = false;
    for algorithm in SignatureAlgorithm::ALL {
        let signature = key.sign(algorithm, b"message");
        assert_eq!(
            signature.is_ok(),
            key.public_key().supports(algorithm),
            "{algorithm:?}"
        );
        if let Ok(signature) = signature {
            usable = true;
            let verified = key.public_key().verify(algorithm, b"message", &signature);
            assert!(verified.is_ok(), "{algorithm:?}");
        }
    }
    assert!(usable, "a key that can do nothing was accepted");
}

/// A public key comes back from its encoding, and takes no noise for a signature.
fn public(key: Option<PublicKey>) {
    let Some(key) = key else { return };
    let again = PublicKey::from_spki_der(key.spki_der()).expect("our own encoding");
    assert_eq!(again, key);
    for algorithm in SignatureAlgorithm::ALL {
        assert!(key.verify(algorithm, b"message", &[0x30; 64]).is_err());
    }
}
