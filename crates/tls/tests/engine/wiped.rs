//! The server nonces are gone when the handshakes are: who steals the machine later finds none that the
//! key server would take for a recorded handshake. And so are the secrets of a connection that has failed.

#[path = "../../../crypto/tests/support/own_memory.rs"]
mod own_memory;

use std::sync::{Arc, Mutex};

use keyward_crypto::CryptoError;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_keyop::ServerNonce;
use keyward_tls::{ClientConfig, Error, KeyLogLine, Policy, ServerConfig};
use keyward_wire::values::{AlertDescription, CipherSuite};
use own_memory::holds_complement_of;

use crate::support::{Duo, HandClient, KeyAlgorithm, Site, Visitor};
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

/// That nothing in memory is what this is the complement of.
#[track_caller]
fn assert_gone(masked: &[u8]) {
    assert!(!holds_complement_of(&masked[masked.len() / 2..]));
}

/// `count` random strings of a nonce's length were drawn, and none is left.
#[track_caller]
fn assert_wiped(random: &Remembering, count: usize) {
    let masked = random.masked.lock().unwrap().clone();
    assert_eq!(masked.len(), count);
    for masked in masked {
        assert_gone(&masked);
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

/// RFC 9846 §6: "Servers and clients MUST forget the secret values and keys established in failed connections". The
/// connections themselves are still there.
#[test]
fn the_secrets_of_a_failed_connection() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let visitor = Arc::new(Visitor::of(&site));
    let config = ServerConfig {
        key_log: true,
        ..ServerConfig::default()
    };
    let mut duo = Duo::with(&site, &visitor, ClientConfig::default(), config);
    duo.handshake();
    let complement = |line: &KeyLogLine| line.secret().iter().map(|byte| !byte).collect();
    let masked: Vec<Vec<u8>> = duo.server.take_key_log().iter().map(complement).collect();
    assert_eq!(masked.len(), 5);
    let still_there = |masked: &&Vec<u8>| holds_complement_of(&masked[16..]);
    // Those of the handshake are gone already.
    assert_eq!(masked.iter().filter(still_there).count(), 3);

    let garbage = [&[23, 3, 3, 0, 40][..], &[0; 40]].concat();
    duo.server.receive(&garbage);
    assert_eq!(duo.step_server(), Err(Error::DecryptError));
    duo.client.receive(duo.server.output());
    let alert = AlertDescription::BAD_RECORD_MAC;
    assert_eq!(duo.step_client(), Err(Error::AlertReceived(alert)));
    masked.iter().for_each(|masked| assert_gone(masked));
}
