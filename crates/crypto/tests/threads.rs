//! One private key serves many threads at a time.

#[path = "support/data.rs"]
mod support;

use std::thread;

use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::SignatureAlgorithm;
use support::data;

const THREADS: u8 = 8;

#[test]
fn all_threads_get_right_results_from_one_key() {
    for name in [
        "rsa2048.pkcs8.pem",
        "p256.pkcs8.pem",
        "p521.pkcs8.pem",
        "ed25519.pkcs8.pem",
    ] {
        let key = &PrivateKey::from_pem(&data(name)).unwrap();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    for round in 0..20 {
                        let message = [thread, round];
                        for algorithm in SignatureAlgorithm::ALL {
                            if !key.public_key().supports(algorithm) {
                                continue;
                            }
                            let signature = key.sign(algorithm, &message).unwrap();
                            key.public_key()
                                .verify(algorithm, &message, &signature)
                                .unwrap();
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn raw_decryption_on_all_threads_is_the_inverse_of_encryption() {
    use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};

    let key = &PrivateKey::from_pem(&data("rsa2048.pkcs8.pem")).unwrap();
    let public = PublicEncryptingKey::from_der(key.public_key().spki_der()).unwrap();
    let public = &Pkcs1PublicEncryptingKey::new(public).unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for round in 0..20 {
                    let message = [thread ^ round; 48];
                    let mut buffer = [0; 256];
                    let ciphertext = public.encrypt(&message, &mut buffer).unwrap();
                    let block = key.rsa_decrypt_raw(ciphertext).unwrap();
                    assert_eq!(block[256 - 48..], message);
                }
            });
        }
    });
}
