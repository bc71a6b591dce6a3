//! The yardstick: what a key server cannot do without.

use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair,
};
use keyward_bench::rounds::median;
use keyward_bench::{Result, processor_time};
use keyward_keyop::tls13;
use keyward_pki::Issued;

pub(crate) enum Bare {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Bare {
    pub(crate) fn new(issued: &Issued) -> Result<Self> {
        let der = issued.key_der.secret_der();
        Ok(
            match EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der) {
                Ok(key) => Self::P256(key),
                Err(_) => Self::Rsa(RsaKeyPair::from_pkcs8(der)?),
            },
        )
    }

    /// Signatures per second of processor time, with every core at it as every core is busy when the key server is under
    /// load: a core is slower then than alone.
    pub(crate) fn per_second(&self, time: Duration) -> Result<f64> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let run = || {
                self.per_second_on_this_thread(time)
                    .map_err(|error| error.to_string())
            };
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(run)).collect();
            let mut figures = Vec::with_capacity(cores);
            for thread in threads {
                figures.push(thread.join().map_err(|_| "a thread panicked")??);
            }
            Ok(median(figures))
        })
    }

    fn per_second_on_this_thread(&self, time: Duration) -> Result<f64> {
        // What a TLS 1.3 CertificateVerify signs.
        let message = tls13::server_certificate_verify_message(&[0x5a; 32]);
        let random = SystemRandom::new();
        let (start, before) = (Instant::now(), processor_time::of_this_thread());
        let mut count = 0_u32;
        while start.elapsed() < time {
            match self {
                Self::P256(key) => drop(key.sign(&random, &message)?),
                Self::Rsa(key) => {
                    let mut signature = vec![0; key.public_modulus_len()];
                    key.sign(&RSA_PSS_SHA256, &random, &message, &mut signature)?;
                }
            }
            count += 1;
        }
        let spent = processor_time::of_this_thread() - before;
        Ok(f64::from(count) / spent.as_secs_f64())
    }
}
