//! HKDF and the TLS 1.3 key schedule against published values (RFC 5869, RFC 8448).

#[path = "support/hex.rs"]
mod support;

use keyward_crypto::hash::HashAlgorithm::{Sha256, Sha384, Sha512};
use keyward_crypto::hkdf::{Secret, expand_label, expand_label_secret, extract};
use support::hex;
use zeroize::ZeroizeOnDrop;

/// RFC 5869 appendix A.1 to A.3, the extract half (the expand half is within every TLS 1.3 label).
#[test]
fn rfc_5869_extract() {
    let cases = [
        (
            hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
            hex("000102030405060708090a0b0c"),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        ),
        (
            (0x00..=0x4f).collect(),
            (0x60..=0xaf).collect(),
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        ),
        (
            hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
            Vec::new(),
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        ),
    ];
    for (ikm, salt, prk) in cases {
        assert_eq!(extract(Sha256, &salt, &ikm).as_bytes(), hex(prk));
    }
}

/// RFC 8448 §3, "Simple 1-RTT Handshake".
#[test]
fn rfc_8448_simple_handshake() {
    let early = extract(Sha256, &[], &[0; 32]);
    assert_eq!(
        early.as_bytes(),
        hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a")
    );

    let derived = expand_label_secret(Sha256, &early, b"derived", &Sha256.digest(b""));
    assert_eq!(
        derived.as_bytes(),
        hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba")
    );

    let ecdhe = hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
    let handshake = extract(Sha256, derived.as_bytes(), &ecdhe);
    assert_eq!(
        handshake.as_bytes(),
        hex("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac")
    );

    let client_hello_to_server_hello =
        hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
    let server = expand_label_secret(
        Sha256,
        &handshake,
        b"s hs traffic",
        &client_hello_to_server_hello,
    );
    assert_eq!(
        server.as_bytes(),
        hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    );
    let client = expand_label_secret(
        Sha256,
        &handshake,
        b"c hs traffic",
        &client_hello_to_server_hello,
    );
    assert_eq!(
        client.as_bytes(),
        hex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21")
    );

    let mut key = [0; 16];
    expand_label(Sha256, &server, b"key", b"", &mut key);
    assert_eq!(key[..], hex("3fce516009c21727d0f2e4e86ee403bc"));
    let mut iv = [0; 12];
    expand_label(Sha256, &server, b"iv", b"", &mut iv);
    assert_eq!(iv[..], hex("5d313eb2671276ee13000b30"));
    let finished = expand_label_secret(Sha256, &server, b"finished", b"");
    assert_eq!(
        finished.as_bytes(),
        hex("008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8")
    );

    let derived = expand_label_secret(Sha256, &handshake, b"derived", &Sha256.digest(b""));
    let master = extract(Sha256, derived.as_bytes(), &[0; 32]);
    assert_eq!(
        master.as_bytes(),
        hex("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919")
    );
}

/// RFC 9001 §A.1 and §A.5: QUIC derives its keys with the same function.
#[test]
fn rfc_9001_keys() {
    let assert_expands = |secret: &Secret, label: &str, expected: &str| {
        let mut out = vec![0; expected.len() / 2];
        expand_label(Sha256, secret, label.as_bytes(), b"", &mut out);
        assert_eq!(out, hex(expected), "{label}");
    };
    let salt = hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
    let initial = extract(Sha256, &salt, &hex("8394c8f03e515708"));
    let expected = "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44";
    assert_eq!(initial.as_bytes(), hex(expected));
    let sides = [
        (
            "client in",
            "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
            "1f369613dd76d5467730efcbe3b1a22d",
            "fa044b2f42a3fd3b46fb255c",
            "9f50449e04a0e810283a1e9933adedd2",
        ),
        (
            "server in",
            "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
            "cf3a5331653c364c88f0f379b6067e37",
            "0ac1493ca1905853b0bba03e",
            "c206b8d9b9f0f37644430b490eeaa314",
        ),
    ];
    for (label, secret, key, iv, hp) in sides {
        let derived = expand_label_secret(Sha256, &initial, label.as_bytes(), b"");
        assert_eq!(derived.as_bytes(), hex(secret));
        assert_expands(&derived, "quic key", key);
        assert_expands(&derived, "quic iv", iv);
        assert_expands(&derived, "quic hp", hp);
    }

    let secret = "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b";
    let secret = Secret::from_slice(&hex(secret));
    for (label, expected) in [
        (
            "quic key",
            "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
        ),
        ("quic iv", "e0459b3474bdd0e44a41c144"),
        (
            "quic hp",
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
        ),
        (
            "quic ku",
            "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
        ),
    ] {
        assert_expands(&secret, label, expected);
    }
}

/// `HKDF-Expand` spelled out with HMAC, for the hashes and lengths that the published values leave out.
#[test]
fn expand_label_is_hkdf_expand_of_the_hkdf_label() {
    use keyward_crypto::hmac::HmacKey;

    for hash in [Sha256, Sha384, Sha512] {
        for len in [1, 12, 16, 32, 33, 48, 64, 129] {
            let secret = Secret::from_slice(&[7; 48]);
            let mut out = vec![0; len];
            expand_label(hash, &secret, b"label", b"context", &mut out);

            let info = [
                &[0, u8::try_from(len).unwrap(), 11][..],
                b"tls13 label",
                &[7],
                b"context",
            ]
            .concat();
            let key = HmacKey::new(hash, secret.as_bytes());
            let (mut expected, mut block) = (Vec::new(), Vec::new());
            for counter in 1_u8.. {
                block = key.sign(&[&block, &info, &[counter]]).to_vec();
                expected.extend_from_slice(&block);
                if expected.len() >= len {
                    break;
                }
            }
            assert_eq!(out, expected[..len], "{hash:?}, {len} bytes");
        }
    }
}

#[test]
fn a_secret_is_wiped_and_does_not_show() {
    fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) {}

    let secret = Secret::from_slice(&[0xa5; 32]);
    wiped_on_drop(&secret);
    assert_eq!(format!("{secret:?}"), "Secret(32 bytes)");
    assert_eq!(secret.len(), 32);
    assert!(!secret.is_empty());
    assert!(Secret::from_slice(&[]).is_empty());
}

#[test]
#[should_panic(expected = "at most 64 bytes")]
fn a_secret_has_a_bound() {
    let _ = Secret::from_slice(&[0; 65]);
}
