//! A nonce on its way to the key server is where it must be, and nowhere else.

#[path = "../../../crypto/tests/support/own_memory.rs"]
mod own_memory;

use keyward_crypto::random::SystemRandom;
use keyward_keyop::{KeyId, Operation, ServerNonce, Tls13ServerCertificateVerify};
use keyward_wire::codec::Encode;
use keyward_wire::values::SignatureScheme;
use own_memory::holds_complement_of;
use zeroize::Zeroizing;

/// A client decides how long its ClientHello is, and so how often the buffer would have to grow.
#[test]
fn encoding_a_long_operation_leaves_no_copy_of_the_nonce() {
    let server_nonce = ServerNonce::generate(&SystemRandom).unwrap();
    let masked: Vec<u8> = server_nonce.as_bytes().iter().map(|byte| !byte).collect();
    let operation = Operation::Tls13ServerCertificateVerify(Tls13ServerCertificateVerify {
        key: KeyId::of_spki(b"key"),
        scheme: SignatureScheme::ED25519,
        server_nonce,
        messages: vec![1; 60_000],
    });
    let mut out = Zeroizing::new(Vec::with_capacity(300));
    // In the way, so that a buffer that grows has to move.
    let behind = vec![0_u8; 300];
    operation.encode(&mut out);
    drop(behind);
    assert!(holds_complement_of(&masked[16..]), "the search finds it");
    drop((operation, out));
    assert!(!holds_complement_of(&masked[16..]));
}
