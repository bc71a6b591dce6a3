//! The messages of RFC 8448 §3, "Simple 1-RTT Handshake".

mod common;

use common::hex;
use keyward_wire::*;

/// Decodes a whole message, and checks that encoding gives the same content (extensions may change places).
fn decode<T>(message: &[u8]) -> T
where
    T: Message + for<'a> Decode<'a> + PartialEq + std::fmt::Debug,
{
    let mut messages = handshake::split(message);
    let parsed = messages.next().unwrap().unwrap();
    assert!(messages.next().is_none());
    assert_eq!(parsed.message_type, T::TYPE);
    let value = T::from_bytes(parsed.body).unwrap();
    let encoded = handshake::to_message(&value);
    assert_eq!(encoded.len(), message.len());
    assert_eq!(T::from_bytes(&encoded[4..]).unwrap(), value);
    value
}

#[test]
fn client_hello() {
    let message = hex("
        01 00 00 c0 03 03 cb 34 ec b1 e7 81 63 ba 1c 38 c6 da cb 19 6a 6d ff a2 1a 8d 99 12 ec 18 a2 ef 62 83 02 4d
        ec e7 00 00 06 13 01 13 03 13 02 01 00 00 91 00 00 00 0b 00 09 00 00 06 73 65 72 76 65 72 ff 01 00 01 00 00
        0a 00 14 00 12 00 1d 00 17 00 18 00 19 01 00 01 01 01 02 01 03 01 04 00 23 00 00 00 33 00 26 00 24 00 1d 00
        20 99 38 1d e5 60 e4 bd 43 d2 3d 8e 43 5a 7d ba fe b3 c0 6e 51 c1 3c ae 4d 54 13 69 1e 52 9a af 2c 00 2b 00
        03 02 03 04 00 0d 00 20 00 1e 04 03 05 03 06 03 02 03 08 04 08 05 08 06 04 01 05 01 06 01 02 01 04 02 05 02
        06 02 02 02 00 2d 00 02 01 01 00 1c 00 02 40 01");
    assert_eq!(message.len(), 196);
    let hello: ClientHello = decode(&message);
    assert_eq!(
        hello,
        ClientHello {
            legacy_version: ProtocolVersion::TLS12,
            random: hex("cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7")
                .try_into()
                .unwrap(),
            session_id: vec![],
            cipher_suites: vec![
                CipherSuite::TLS_AES_128_GCM_SHA256,
                CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
                CipherSuite::TLS_AES_256_GCM_SHA384,
            ],
            compression_methods: vec![CompressionMethod::NULL],
            extensions: ClientHelloExtensions {
                server_name: Some("server".parse().unwrap()),
                renegotiation_info: Some(vec![]),
                supported_groups: Some(vec![
                    NamedGroup::X25519,
                    NamedGroup::SECP256R1,
                    NamedGroup::SECP384R1,
                    NamedGroup::SECP521R1,
                    NamedGroup::FFDHE2048,
                    NamedGroup::FFDHE3072,
                    NamedGroup::FFDHE4096,
                    NamedGroup::FFDHE6144,
                    NamedGroup::FFDHE8192,
                ]),
                session_ticket: Some(vec![]),
                key_share: Some(vec![KeyShareEntry {
                    group: NamedGroup::X25519,
                    key_exchange: hex(
                        "99381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c"
                    ),
                }]),
                supported_versions: Some(vec![ProtocolVersion::TLS13]),
                signature_algorithms: Some(
                    [
                        0x0403, 0x0503, 0x0603, 0x0203, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501,
                        0x0601, 0x0201, 0x0402, 0x0502, 0x0602, 0x0202,
                    ]
                    .map(SignatureScheme)
                    .to_vec()
                ),
                psk_key_exchange_modes: Some(vec![PskKeyExchangeMode::PSK_DHE_KE]),
                record_size_limit: Some(0x4001),
                ..ClientHelloExtensions::default()
            },
        }
    );
    assert_eq!(hello.binders_len(), 0);
    assert_eq!(hello.without_binders(&message), Some(&message[..]));
}

#[test]
fn server_hello() {
    let message = hex("
        02 00 00 56 03 03 a6 af 06 a4 12 18 60 dc 5e 6e 60 24 9c d3 4c 95 93 0c 8a c5 cb 14 34 da c1 55 77 2e d3 e2
        69 28 00 13 01 00 00 2e 00 33 00 24 00 1d 00 20 c9 82 88 76 11 20 95 fe 66 76 2b db f7 c6 72 e1 56 d6 cc 25
        3b 83 3d f1 dd 69 b1 b0 4e 75 1f 0f 00 2b 00 02 03 04");
    assert_eq!(message.len(), 90);
    let hello: ServerHello = decode(&message);
    assert!(!hello.is_hello_retry_request());
    assert_eq!(
        hello,
        ServerHello {
            legacy_version: ProtocolVersion::TLS12,
            random: hex("a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e26928")
                .try_into()
                .unwrap(),
            session_id: vec![],
            cipher_suite: CipherSuite::TLS_AES_128_GCM_SHA256,
            compression_method: CompressionMethod::NULL,
            extensions: ServerHelloExtensions {
                key_share: Some(ServerKeyShare::Share(KeyShareEntry {
                    group: NamedGroup::X25519,
                    key_exchange: hex(
                        "c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f"
                    ),
                })),
                supported_versions: Some(ProtocolVersion::TLS13),
                ..ServerHelloExtensions::default()
            },
        }
    );
}

#[test]
fn encrypted_extensions() {
    let message = hex("
        08 00 00 24 00 22 00 0a 00 14 00 12 00 1d 00 17 00 18 00 19 01 00 01 01 01 02 01 03 01 04 00 1c 00 02 40 01
        00 00 00 00");
    let extensions: EncryptedExtensions = decode(&message);
    assert!(extensions.server_name);
    assert_eq!(extensions.record_size_limit, Some(0x4001));
    assert_eq!(extensions.supported_groups.unwrap().len(), 9);
    assert_eq!(extensions.alpn, None);
    assert_eq!(extensions.unknown, []);
}

#[test]
fn certificate_verify_and_finished() {
    let message = hex("
        0f 00 00 84 08 04 00 80 5a 74 7c 5d 88 fa 9b d2 e5 5a b0 85 a6 10 15 b7 21 1f 82 4c d4 84 14 5a b3 ff 52 f1
        fd a8 47 7b 0b 7a bc 90 db 78 e2 d3 3a 5c 14 1a 07 86 53 fa 6b ef 78 0c 5e a2 48 ee aa a7 85 c4 f3 94 ca b6
        d3 0b be 8d 48 59 ee 51 1f 60 29 57 b1 54 11 ac 02 76 71 45 9e 46 44 5c 9e a5 8c 18 1e 81 8e 95 b8 c3 fb 0b
        f3 27 84 09 d3 be 15 2a 3d a5 04 3e 06 3d da 65 cd f5 ae a2 0d 53 df ac d4 2f 74 f3");
    let verify: CertificateVerify = decode(&message);
    assert_eq!(verify.scheme, SignatureScheme::RSA_PSS_RSAE_SHA256);
    assert_eq!(verify.signature.len(), 128);

    let message = hex("
        14 00 00 20 9b 9b 14 1d 90 63 37 fb d2 cb dc e7 1d f4 de da 4a b4 2c 30 95 72 cb 7f ff ee 54 54 b7 8f 07 18");
    let finished: Finished = decode(&message);
    assert_eq!(finished.verify_data, message[4..]);
}

#[test]
fn hello_retry_request_random_is_the_hash_that_the_rfc_gives() {
    // RFC 9846 §4.2.3 spells the 32 bytes out.
    assert_eq!(
        handshake::HELLO_RETRY_REQUEST_RANDOM[..],
        hex(
            "CF 21 AD 74 E5 9A 61 11 BE 1D 8C 02 1E 65 B8 91 C2 A2 11 16 7A BB 8C 5E 07 9E 09 E2 C8 A8 33 9C"
        )
    );
}
