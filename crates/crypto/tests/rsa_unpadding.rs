//! RSA key transport: every malformed padding gives exactly the substitute, and nothing else shows (RFC 5246 §7.4.7.1).

#[path = "support/data.rs"]
mod support;

use keyward_crypto::hkdf::Secret;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::rsa_kex::{encrypt_premaster, padded_premaster, premaster, substitute_block};
use proptest::prelude::*;
use support::data;

const TLS12: u16 = 0x0303;
const SUBSTITUTE: [u8; 48] = [0x5a; 48];

/// A well-formed block: 00 02, padding without zeros, 00, and a premaster secret of TLS 1.2.
fn good_block(len: usize) -> Vec<u8> {
    let mut block = vec![0xee; len];
    block[0] = 0;
    block[1] = 2;
    block[len - 49] = 0;
    block[len - 48..].copy_from_slice(&secret());
    block
}

fn secret() -> [u8; 48] {
    let mut secret: [u8; 48] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    secret[..2].copy_from_slice(&TLS12.to_be_bytes());
    secret
}

fn assert_substituted(block: &[u8], what: &str) {
    assert_eq!(*premaster(block, TLS12, &SUBSTITUTE), SUBSTITUTE, "{what}");
    // Handed out as a block, the version is for whoever unpads it to look at.
    if !what.contains("version") {
        let substitute = vec![0xaa; block.len()];
        assert_eq!(*padded_premaster(block, &substitute), substitute, "{what}");
    }
}

#[test]
fn a_good_block_gives_its_premaster_secret() {
    for len in [59, 60, 128, 256, 384, 512] {
        assert_eq!(
            *premaster(&good_block(len), TLS12, &SUBSTITUTE),
            secret(),
            "{len} bytes"
        );
    }
}

#[test]
fn what_a_client_encrypts_a_server_decrypts() {
    let key = PrivateKey::from_pem(&data("rsa2048.pkcs8.pem")).unwrap();
    let first = encrypt_premaster(key.public_key(), &secret()).unwrap();
    let second = encrypt_premaster(key.public_key(), &secret()).unwrap();
    assert_eq!(first.len(), 256);
    assert_ne!(first, second, "the padding is random");
    for ciphertext in [first, second] {
        let block = key.rsa_decrypt_raw(&ciphertext).unwrap();
        assert_eq!(*premaster(&block, TLS12, &SUBSTITUTE), secret());
    }
}

#[test]
fn a_key_that_is_not_rsa_encrypts_nothing() {
    let key = PrivateKey::from_pem(&data("p256.pkcs8.pem")).unwrap();
    assert!(encrypt_premaster(key.public_key(), &secret()).is_err());
}

#[test]
fn zeros_within_the_premaster_secret_are_its_own() {
    let mut block = good_block(256);
    block[256 - 46..].fill(0);
    let mut expected = [0; 48];
    expected[..2].copy_from_slice(&TLS12.to_be_bytes());
    assert_eq!(*premaster(&block, TLS12, &SUBSTITUTE), expected);
}

/// Every position where a byte is checked, with every value that is wrong there.
#[test]
fn every_wrong_byte_gives_the_substitute() {
    let len = 256;
    for value in 1..=255 {
        let mut block = good_block(len);
        block[0] = value;
        assert_substituted(&block, "first byte not 00");

        let mut block = good_block(len);
        block[len - 49] = value;
        assert_substituted(&block, "no separator before the last 48 bytes");
    }
    for value in (0..=255).filter(|value| *value != 2) {
        let mut block = good_block(len);
        block[1] = value;
        assert_substituted(&block, "block type not 02");
    }
    for index in 2..len - 49 {
        let mut block = good_block(len);
        block[index] = 0;
        assert_substituted(&block, "a zero in the padding: the message is too long");
    }
    for (index, right) in [(len - 48, 3), (len - 47, 3)] {
        for value in (0..=255).filter(|value| *value != right) {
            let mut block = good_block(len);
            block[index] = value;
            assert_substituted(&block, "wrong version");
        }
    }
}

/// A message of any other length than 48 bytes, well padded otherwise.
#[test]
fn every_other_message_length_gives_the_substitute() {
    let len = 256;
    for message_len in (0..=len - 11).filter(|message_len| *message_len != 48) {
        let mut block = vec![0xee; len];
        block[0] = 0;
        block[1] = 2;
        block[len - message_len - 1] = 0;
        // Wherever a reader might take the secret from, the version is right.
        if message_len >= 2 {
            block[len - message_len..len - message_len + 2].copy_from_slice(&TLS12.to_be_bytes());
        }
        block[len - 48..len - 46].copy_from_slice(&TLS12.to_be_bytes());
        assert_substituted(&block, "message of another length");
    }
}

#[test]
fn other_malformations_give_the_substitute() {
    assert_substituted(&[0; 256], "all zeros");
    assert_substituted(&[0xff; 256], "all ones");
    let mut type_1 = good_block(256);
    type_1[1] = 1;
    type_1[2..256 - 49].fill(0xff);
    assert_substituted(&type_1, "a signature's padding");
    let mut no_separator = good_block(256);
    no_separator[2..].fill(0xee);
    assert_substituted(&no_separator, "no zero anywhere");
    let mut shifted = good_block(256);
    shifted.rotate_left(1);
    assert_substituted(&shifted, "the leading zero dropped");
}

/// RFC 8017 §7.2.2 refuses a block "if the length of PS is less than 8 octets"; and a block too short to
/// hold a premaster secret at all.
#[test]
fn short_blocks_give_the_substitute() {
    for len in 0..59 {
        let mut block = vec![0xee; len];
        if len >= 51 {
            block = good_block(len);
        }
        assert_substituted(&block, "block too short");
    }
}

#[test]
fn the_version_is_the_one_that_was_offered() {
    let block = good_block(59);
    assert_eq!(*premaster(&block, TLS12, &SUBSTITUTE), secret());
    for version in (0..=u16::MAX).filter(|version| *version != TLS12) {
        assert_eq!(*premaster(&block, version, &SUBSTITUTE), SUBSTITUTE);
    }
}

/// The same rule, written as anybody would who need not care about time.
fn naive(block: &[u8], version: u16, substitute: &[u8; 48]) -> [u8; 48] {
    let [0, 2, rest @ ..] = block else {
        return *substitute;
    };
    let Some(padding_len) = rest.iter().position(|byte| *byte == 0) else {
        return *substitute;
    };
    let message = &rest[padding_len + 1..];
    match <[u8; 48]>::try_from(message) {
        Ok(message) if padding_len >= 8 && message[..2] == version.to_be_bytes() => message,
        _ => *substitute,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn same_as_naive_near_good_blocks(
        len in 51_usize..300,
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(0), Just(2), Just(3), any::<u8>()]), 0..4),
        version in prop_oneof![4 => Just(TLS12), 1 => Just(0x0301), 1 => any::<u16>()],
        substitute in prop::array::uniform32(any::<u8>()),
    ) {
        let mut block = good_block(len);
        for (index, value) in edits {
            *index.get_mut(&mut block[..]) = value;
        }
        let mut whole = [0x77; 48];
        whole[..32].copy_from_slice(&substitute);
        prop_assert_eq!(*premaster(&block, version, &whole), naive(&block, version, &whole));
    }

    #[test]
    fn same_as_naive_on_anything(block in prop::collection::vec(prop_oneof![Just(0_u8), Just(2), Just(3), any::<u8>()], 0..300)) {
        prop_assert_eq!(*premaster(&block, TLS12, &SUBSTITUTE), naive(&block, TLS12, &SUBSTITUTE));
    }
}

/// From the client's encryption to the premaster secret, through AWS-LC.
#[test]
fn what_a_client_encrypts_is_what_comes_out() {
    use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};

    for name in ["rsa2048", "rsa3072", "rsa4096"] {
        let key = PrivateKey::from_pem(&data(&format!("{name}.pkcs8.pem"))).unwrap();
        let public = PublicEncryptingKey::from_der(key.public_key().spki_der()).unwrap();
        let public = Pkcs1PublicEncryptingKey::new(public).unwrap();
        let mut buffer = vec![0; public.ciphertext_size()];
        let ciphertext = public.encrypt(&secret(), &mut buffer).unwrap();

        let block = key.rsa_decrypt_raw(ciphertext).unwrap();
        assert_eq!(block.len(), ciphertext.len());
        assert_eq!(*premaster(&block, TLS12, &SUBSTITUTE), secret());

        // A ciphertext that nobody made decrypts to some block, without an error.
        let mut forged = ciphertext.to_vec();
        forged[100] ^= 1;
        let block = key.rsa_decrypt_raw(&forged).unwrap();
        assert_eq!(*premaster(&block, TLS12, &SUBSTITUTE), SUBSTITUTE);
    }
}

/// What raw RSA refuses can all be seen without the key.
#[test]
fn ciphertexts_out_of_range_are_refused() {
    let key = PrivateKey::from_pem(&data("rsa2048.pkcs8.pem")).unwrap();
    for len in [0, 1, 255, 257, 512] {
        assert!(key.rsa_decrypt_raw(&vec![1; len]).is_err(), "{len} bytes");
    }
    assert!(
        key.rsa_decrypt_raw(&[0xff; 256]).is_err(),
        "not below the modulus"
    );
    assert!(key.rsa_decrypt_raw(&[0; 256]).is_err(), "zero");
    let mut below = [0xff; 256];
    below[0] = 0;
    assert!(key.rsa_decrypt_raw(&below).is_ok(), "below the modulus");

    for name in ["p256.pkcs8.pem", "ed25519.pkcs8.pem"] {
        let key = PrivateKey::from_pem(&data(name)).unwrap();
        assert!(key.rsa_decrypt_raw(&[1; 256]).is_err());
    }
}

/// A replayed question must get the answer that it got before: a fresh substitute each time would tell by its change
/// that the padding is wrong.
#[test]
fn the_substitute_follows_from_the_key_and_the_question() {
    let key = |name: &str| PrivateKey::from_pem(&data(name)).unwrap();
    let (pkcs8, pkcs1, other) = (
        key("rsa2048.pkcs8.pem"),
        key("rsa2048.pkcs1.pem"),
        key("rsa3072.pkcs8.pem"),
    );
    let substitute =
        |key: &PrivateKey, question: &[u8]| *key.rsa_implicit_rejection(&[question]).unwrap();

    assert_eq!(substitute(&pkcs8, b"first"), substitute(&pkcs8, b"first"));
    assert_eq!(
        substitute(&pkcs8, b"first"),
        substitute(&pkcs1, b"first"),
        "the format of the file does not matter"
    );
    assert_ne!(substitute(&pkcs8, b"first"), substitute(&pkcs8, b"other"));
    assert_ne!(substitute(&pkcs8, b"first"), substitute(&other, b"first"));
    assert!(
        key("p256.pkcs8.pem")
            .rsa_implicit_rejection(&[b"first"])
            .is_err()
    );
}

#[test]
fn a_good_block_is_handed_out_whatever_its_version() {
    for len in [59, 60, 128, 256, 384, 512, 1024] {
        let mut block = good_block(len);
        block[len - 48] = 9;
        assert_eq!(
            *padded_premaster(&block, &vec![0xaa; len]),
            block,
            "{len} bytes"
        );
    }
}

#[test]
fn a_substitute_has_the_form_of_a_block_and_follows_from_its_seed() {
    for len in [59, 256, 384, 512, 1024] {
        let block = substitute_block(len, &Secret::from_slice(&[7; 48])).unwrap();
        assert_eq!(block.len(), len);
        let secret = *premaster(&block, TLS12, &SUBSTITUTE);
        assert_ne!(secret, SUBSTITUTE, "it unpads");
        assert_eq!(block[len - 48..], secret);
        let other = vec![0xaa; len];
        assert_eq!(
            padded_premaster(&block, &other),
            block,
            "and passes for a real one"
        );
        let same = substitute_block(len, &Secret::from_slice(&[7; 48])).unwrap();
        assert_eq!(same, block);
        let different = substitute_block(len, &Secret::from_slice(&[8; 48])).unwrap();
        assert_ne!(different, block);
    }
    for len in [0, 58, 1025] {
        assert!(
            substitute_block(len, &Secret::from_slice(&[7; 48])).is_err(),
            "{len} bytes"
        );
    }
}
