//! The server nonces are gone when the handshakes are: who steals the machine later finds none that the
//! key server would take for a recorded handshake.

#[path = "../../../crypto/tests/support/own_memory.rs"]
mod own_memory;

use std::sync::{Arc, Mutex};

use keyward_crypto::CryptoError;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_keyop::ServerNonce;
use keyward_tls::{Policy, ServerConfig};
use keyward_wire::values::CipherSuite;
use own_memory::holds_complement_of;

use crate::support::{HandClient, KeyAlgorithm, Site};
use crate::tls12;

/// Remembers what could have become a nonce, by its complement.
#[derive(Debug, Default)]
struct Remembering {
    masked: Mutex<Vec<[u8; ServerNonce::LEN]>>,
}

impl SecureRandom for Remembering {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        SystemRandom.fill(out)?;
        if out.len() == ServerNonce::LEN {
            let mut masked = [0; ServerNonce::LEN];
            for (masked, byte) in masked.iter_mut().zip(out) {
                *masked = !*byte;
            }
            self.masked.lock().unwrap().push(masked);
        }
        Ok(())
    }
}

fn config(random: &Arc<Remembering>) -> ServerConfig {
    ServerConfig {
        random: random.clone(),
        ..ServerConfig::default()
    }
}

/// `count` random strings of a nonce's length were drawn, and none is left.
#[track_caller]
fn assert_wiped(random: &Remembering, count: usize) {
    let masked = random.masked.lock().unwrap().clone();
    assert_eq!(masked.len(), count);
    for masked in masked {
        assert!(!holds_complement_of(&masked[ServerNonce::LEN / 2..]));
    }
}

#[test]
fn after_a_tls13_handshake() {
    let random = Arc::new(Remembering::default());
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = HandClient::with_config(&site, config(&random));
    client.handshake();
    assert_wiped(&random, 1);
}

#[test]
fn after_a_tls12_handshake() {
    let random = Arc::new(Remembering::default());
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut client = tls12::HandClient::with_config(&site, config(&random));
    client.handshake();
    assert_wiped(&random, 1);
}

#[test]
fn after_rsa_key_transport() {
    let random = Arc::new(Remembering::default());
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = Policy::legacy();
    let site = Arc::new(site);
    let mut client = tls12::HandClient::with_config(&site, config(&random));
    client.hello.cipher_suites = vec![CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256];
    client.handshake();
    assert_wiped(&random, 1);
}
