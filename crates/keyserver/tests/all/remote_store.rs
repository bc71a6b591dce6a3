//! Keys that are not in this process, in a store that does all that a store can do wrong.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::prf;
use keyward_crypto::private_key::PrivateKey;
use keyward_keyclient::{KeyClientError, RefusalReason};
use keyward_keyop::{Operation, OperationKind, OperationResult};
use keyward_keyserver::store::{KeyTask, KeyUse, RemoteKey, RemoteStore, StoreError};
use keyward_keyserver::{Config, KeyServer, RunningKeyServer};
use keyward_protocol::{ErrorCode, encode_request};
use tokio::task::JoinSet;

use crate::audit;
use crate::operations::{assert_signed, randoms, signed_message};
use crate::raw_edge::RawEdge;
use crate::support::{Home, PATIENCE, Site, eventually, run, site};

/// What a device does when it is asked.
#[derive(Clone, Copy, Debug)]
enum Does {
    Work,
    /// After this time, each use on a thread of its own.
    Slowly(Duration),
    Fail,
    Refuse,
    PanicAtOnce,
    PanicLater,
    Drop,
    /// Sign with another key, or decrypt something else.
    Lie,
    /// Decrypt, and leave out zeros in front of the number.
    Strip,
    /// Decrypt with one bit wrong.
    Slip,
    /// Keep it.
    Nothing,
}

#[derive(Debug)]
struct Device {
    keys: Vec<(RemoteKey, Arc<PrivateKey>)>,
    capacity: usize,
    does: Mutex<Does>,
    kept: Mutex<Vec<KeyUse>>,
    available: Mutex<bool>,
}

impl Device {
    fn new(labels: &[&str], capacity: usize) -> Arc<Self> {
        let keys = labels.iter().map(|label| {
            let private = private(site(label));
            let key = RemoteKey {
                rsa_decrypt: label.starts_with("rsa"),
                ..RemoteKey::new(
                    format!("slot of {label}"),
                    *label,
                    private.public_key().clone(),
                )
            };
            (key, Arc::new(private))
        });
        Arc::new(Self {
            keys: keys.collect(),
            capacity,
            does: Mutex::new(Does::Work),
            kept: Mutex::default(),
            available: Mutex::new(true),
        })
    }

    /// From now on.
    fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    async fn start(self: &Arc<Self>, config: Config) -> RunningKeyServer {
        let stores: Vec<Arc<dyn RemoteStore>> = vec![self.clone()];
        KeyServer::start_with(config, stores).await.unwrap()
    }
}

fn private(site: &Site) -> PrivateKey {
    PrivateKey::from_pem(site.issued.key_pem.as_bytes()).unwrap()
}

impl RemoteStore for Device {
    fn name(&self) -> &str {
        "device"
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn keys(&self) -> Result<Vec<RemoteKey>, StoreError> {
        match *self.available.lock().unwrap() {
            true => Ok(self.keys.iter().map(|(key, _)| key.clone()).collect()),
            false => Err(StoreError::Unavailable("no token".to_owned())),
        }
    }

    fn perform(&self, handle: &str, key_use: KeyUse) {
        let does = *self.does.lock().unwrap();
        match does {
            Does::Nothing => return self.kept.lock().unwrap().push(key_use),
            Does::PanicAtOnce => panic!("the device's driver has a bug"),
            _ => {}
        }
        let (_, key) = self
            .keys
            .iter()
            .find(|(key, _)| key.handle == handle)
            .unwrap();
        let key = Arc::clone(key);
        thread::spawn(move || {
            if let Does::Slowly(time) = does {
                thread::sleep(time);
            }
            if let Some(key_use) = key_use.if_wanted() {
                work(&key, does, key_use);
            }
        });
    }
}

fn work(key: &PrivateKey, does: Does, key_use: KeyUse) {
    let answer = match (does, key_use.task()) {
        (Does::Fail, _) => Err(StoreError::Failed("no".to_owned())),
        (Does::Refuse, _) => Err(StoreError::Busy),
        (Does::PanicLater, _) => panic!("the device's driver has a bug, later"),
        (Does::Drop, _) => return,
        (Does::Lie, KeyTask::Sign { algorithm, .. }) => Ok(key.sign(*algorithm, b"lie").unwrap()),
        (_, KeyTask::Sign { algorithm, message }) => Ok(key.sign(*algorithm, message).unwrap()),
        (_, KeyTask::RsaDecrypt { ciphertext }) => {
            let block = key.rsa_decrypt_raw(ciphertext).unwrap();
            let mut block = block.to_vec();
            match does {
                Does::Strip => {
                    block.remove(0);
                }
                Does::Slip => block[200] ^= 1,
                Does::Lie => block.fill(1),
                _ => {}
            }
            Ok(block)
        }
    };
    key_use.answer(answer);
}

pub(crate) fn premaster() -> Vec<u8> {
    [[3, 3].as_slice(), &[0x77; 46]].concat()
}

pub(crate) fn master_secret(operation: &Operation) -> [u8; 48] {
    let Operation::Tls12RsaMasterSecret(operation) = operation else {
        panic!("not RSA key transport")
    };
    let (client_random, server_random) = randoms(&operation.messages);
    let mut expected = [0; 48];
    prf::tls12(
        HashAlgorithm::Sha256,
        &premaster(),
        b"master secret",
        &[&client_random, &server_random],
        &mut expected,
    );
    expected
}

#[test]
fn keys_elsewhere_serve_as_keys_here_do() {
    run(async {
        let home = Home::new(&["p384"]);
        let labels = ["p256", "ed25519", "rsa2048"];
        // The chains may be in files.
        home.write_key("p256.crt", site("p256").issued.chain_pem.as_bytes());
        let device = Device::new(&labels, 16);
        let config = home.open_config(
            r#"allow_rsa_key_transport = ["slot of rsa2048"]
            rsa_key_transport_also_signs = ["slot of rsa2048"]"#,
        );
        let server = device.start(config).await;
        let keys = server.keys();
        let chains: Vec<_> = keys
            .iter()
            .map(|key| (key.label.as_str(), key.chains))
            .collect();
        let expected = [("p384", 1), ("p256", 1), ("ed25519", 0), ("rsa2048", 0)];
        assert_eq!(chains, expected);

        let client = home.client(&server.addresses()[0]);
        for label in ["p384", "p256", "ed25519", "rsa2048"] {
            for operation in [site(label).tls13(), site(label).tls12()] {
                let message = signed_message(&operation);
                let performed = client.perform(operation, PATIENCE).await.unwrap();
                assert_signed(site(label), &message, &performed.result);
            }
        }
        // Zeros in front that a device leaves out are put back.
        for does in [Does::Work, Does::Strip] {
            device.does(does);
            let operation = site("rsa2048").tls12_rsa(&premaster());
            let expected = master_secret(&operation);
            let performed = client.perform(operation, PATIENCE).await.unwrap();
            let OperationResult::MasterSecret(secret) = performed.result else {
                panic!("no master secret")
            };
            assert_eq!(secret.as_bytes(), expected);
        }
        server.shutdown().await;
    });
}

/// What is no premaster secret has a master secret too, the same each time that it is asked for.
#[test]
fn bad_padding_shows_in_nothing() {
    run(async {
        let home = Home::new(&[]);
        let device = Device::new(&["rsa2048"], 16);
        let config = home.open_config(r#"allow_rsa_key_transport = ["rsa2048"]"#);
        let server = device.start(config).await;
        let client = home.client(&server.addresses()[0]);
        let rsa = site("rsa2048");
        let modulus = rsa.public_key().rsa_modulus().unwrap().to_vec();
        let short = match rsa.tls12_rsa(b"short") {
            Operation::Tls12RsaMasterSecret(operation) => operation,
            _ => unreachable!(),
        };
        let ciphertext = short.messages[short.messages.len() - 256..].to_vec();
        let ciphertexts = [ciphertext, vec![0x55; 256], modulus, vec![0xff; 256]];
        let mut secrets = Vec::new();
        for ciphertext in ciphertexts {
            let mut answers = Vec::new();
            for does in [Does::Work, Does::Strip, Does::Work] {
                // Only a zero in front can be left out.
                let padded = private(rsa).rsa_decrypt_raw(&ciphertext);
                if padded.is_ok_and(|block| block[0] != 0) && matches!(does, Does::Strip) {
                    continue;
                }
                device.does(does);
                let operation = rsa
                    .handshake(Some("shop.example"))
                    .tls12_rsa(ciphertext.clone());
                let performed = client.perform(operation, PATIENCE).await.unwrap();
                let OperationResult::MasterSecret(secret) = performed.result else {
                    panic!("no master secret")
                };
                answers.push(secret.as_bytes().to_vec());
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]));
            assert!(!secrets.contains(&answers[0]));
            secrets.push(answers.remove(0));
        }
    });
}

#[test]
fn what_a_store_does_wrong_is_an_error_and_nothing_leaves() {
    run(async {
        let home = Home::new(&["p384"]);
        let device = Device::new(&["p256", "rsa2048"], 16);
        let config = home.open_config(
            r#"allow_rsa_key_transport = ["rsa2048"]
            rsa_key_transport_also_signs = ["rsa2048"]"#,
        );
        let server = device.start(config).await;
        let client = home.client(&server.addresses()[0]);
        let mut failed = 0;
        for does in [
            Does::Fail,
            Does::PanicAtOnce,
            Does::PanicLater,
            Does::Drop,
            Does::Lie,
            Does::Slip,
        ] {
            device.does(does);
            let mut operations = vec![site("rsa2048").tls12_rsa(&premaster())];
            if !matches!(does, Does::Slip) {
                operations.extend([site("p256").tls13(), site("rsa2048").tls12()]);
            }
            for operation in operations {
                let error = client.perform(operation, PATIENCE).await.unwrap_err();
                assert!(
                    matches!(error, KeyClientError::Internal { .. }),
                    "{does:?}: {error}"
                );
                failed += 1;
                assert_eq!(server.metrics().failed, failed, "{does:?}");
            }
        }
        device.does(Does::Refuse);
        let busy = client.perform(site("p256").tls13(), PATIENCE).await;
        assert_eq!(busy.unwrap_err(), KeyClientError::Overloaded);

        // Whatever happened, the device works again, and other keys never stopped.
        device.does(Does::Work);
        for label in ["p256", "p384", "rsa2048"] {
            let operation = site(label).tls13();
            client.perform(operation, PATIENCE).await.unwrap();
        }
    });
}

#[test]
fn a_slow_store_keeps_no_worker() {
    run(async {
        let home = Home::new(&["p384", "rsa3072"]);
        let device = Device::new(&["p256"], 64);
        let server = device
            .start(home.open_config("[limits]\nworkers = 1"))
            .await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        device.does(Does::Slowly(Duration::from_millis(500)));
        let began = Instant::now();
        let mut slow = JoinSet::new();
        for _ in 0..40 {
            let client = client.clone();
            slow.spawn(async move { client.perform(site("p256").tls13(), PATIENCE).await });
        }
        while server.metrics().performed_total() < 2 {
            for label in ["p384", "rsa3072"] {
                let operation = site(label).tls13();
                client.perform(operation, PATIENCE).await.unwrap();
            }
        }
        assert!(slow.try_join_next().is_none(), "none was waited for");
        while let Some(answer) = slow.join_next().await {
            let performed = answer.unwrap().unwrap();
            assert!(performed.work_us >= 500_000);
        }
        // One after the other they would take twenty seconds.
        assert!(began.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn a_store_without_answers_is_not_waited_for_and_not_filled() {
    run(async {
        let home = audit::home();
        std::fs::remove_file(home.path("keys/p256.key")).unwrap();
        let device = Device::new(&["p256"], 3);
        let server = device.start(home.open_config(&audit::section(""))).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        device.does(Does::Nothing);
        let mut waiting = JoinSet::new();
        for _ in 0..3 {
            let client = client.clone();
            waiting.spawn(async move {
                let deadline = Duration::from_millis(400);
                client.perform(site("p256").tls13(), deadline).await
            });
        }
        eventually("the device has them", || {
            device.kept.lock().unwrap().len() == 3
        })
        .await;
        // Full: the answer is there at once.
        let began = Instant::now();
        let fourth = client.perform(site("p256").tls13(), PATIENCE).await;
        assert_eq!(fourth.unwrap_err(), KeyClientError::Overloaded);
        assert!(began.elapsed() < Duration::from_millis(350));
        while let Some(answer) = waiting.join_next().await {
            assert_eq!(answer.unwrap().unwrap_err(), KeyClientError::Expired);
        }
        eventually("the key server gave them up", || {
            server.metrics().expired == 3
        })
        .await;

        // The device still has them: it is as full as before. The key may have been used, so that is on record.
        let fifth = client.perform(site("p256").tls13(), PATIENCE).await;
        assert_eq!(fifth.unwrap_err(), KeyClientError::Overloaded);
        // Counted first, and on disk a moment later.
        eventually("they are on disk", || server.metrics().audit_records == 3).await;
        let records = audit::records(&home);
        assert_eq!(records.len(), 3);
        for record in records {
            assert_eq!(record["verdict"], "failed");
            let cause = record["cause"].as_str().unwrap();
            assert!(cause.contains("may have used the key"), "{cause}");
        }

        // What it says too late goes nowhere, and makes room.
        device.does(Does::Work);
        device.kept.lock().unwrap().clear();
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        assert_eq!(audit::records(&home).len(), 4);
    });
}

#[test]
fn a_withdrawn_operation_is_not_begun() {
    run(async {
        let home = Home::new(&[]);
        let device = Device::new(&["p256"], 16);
        let server = device.start(home.open_config("")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        device.does(Does::Nothing);
        edge.request(1, 10_000, &site("p256").tls13()).await;
        eventually("the device has it", || {
            device.kept.lock().unwrap().len() == 1
        })
        .await;
        edge.bytes(
            keyward_protocol::Frame::Cancel { id: 1 }
                .encode()
                .unwrap()
                .to_vec(),
        )
        .await;
        // Behind the cancel, so that it is known.
        edge.bytes(
            encode_request(2, 0, &site("p256").tls13())
                .unwrap()
                .to_vec(),
        )
        .await;
        assert_eq!(edge.error_code().await, (2, ErrorCode::Expired));
        let key_use = device.kept.lock().unwrap().pop().unwrap();
        assert!(key_use.if_wanted().is_none());
        eventually("it is counted", || server.metrics().cancelled == 1).await;
        assert_eq!(server.metrics().failed, 0);
    });
}

#[test]
fn stopping_does_not_wait_for_a_store() {
    run(async {
        let home = Home::new(&[]);
        let device = Device::new(&["p256"], 16);
        let config = home.open_config("[limits]\nshutdown_ms = 200");
        let server = device.start(config).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        device.does(Does::Nothing);
        let asking =
            tokio::spawn(async move { client.perform(site("p256").tls13(), PATIENCE).await });
        eventually("the device has it", || {
            device.kept.lock().unwrap().len() == 1
        })
        .await;
        let began = Instant::now();
        server.shutdown().await;
        assert!(began.elapsed() < Duration::from_secs(5));
        asking.abort();
    });
}

#[test]
fn a_store_says_what_its_keys_can_do() {
    run(async {
        let home = Home::new(&["p384"]);
        let mut device = Device::new(&["rsa2048"], 16);
        let key = &mut Arc::get_mut(&mut device).unwrap().keys[0].0;
        key.rsa_decrypt = false;
        key.algorithms
            .retain(|algorithm| format!("{algorithm:?}").contains("Pss"));
        let config = home.open_config(
            r#"allow_rsa_key_transport = ["rsa2048"]
            rsa_key_transport_also_signs = ["rsa2048"]"#,
        );
        let server = device.start(config).await;
        let rsa = &server.keys()[1];
        assert_eq!(rsa.label, "rsa2048");
        assert!(
            !rsa.operations
                .contains(&OperationKind::Tls12RsaMasterSecret)
        );
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("rsa2048").tls13(), PATIENCE)
            .await
            .unwrap();
        let operation = site("rsa2048").tls12_rsa(&premaster());
        let refused = client.perform(operation, PATIENCE).await.unwrap_err();
        let expected = KeyClientError::Refused {
            reason: RefusalReason::Operation,
        };
        assert_eq!(refused, expected);
    });
}

/// Its keys may be in use, and it may come back.
#[test]
fn a_store_that_goes_away_keeps_its_keys_and_is_asked_again() {
    run(async {
        let home = Home::new(&["p384"]);
        let device = Device::new(&["p256"], 16);
        *device.available.lock().unwrap() = false;
        let server = device.start(home.open_file("")).await;
        assert_eq!(server.keys().len(), 1);
        let server = &server;
        let reloaded = |count| {
            server.reload();
            eventually("it is reloaded", move || server.metrics().reloads == count)
        };
        *device.available.lock().unwrap() = true;
        reloaded(1).await;
        assert_eq!(server.keys().len(), 2);
        *device.available.lock().unwrap() = false;
        reloaded(2).await;
        assert_eq!(server.keys().len(), 2);
        let client = home.client(&server.addresses()[0]);
        let operation = site("p256").tls13();
        client.perform(operation, PATIENCE).await.unwrap();
    });
}

/// One bad key, or a store that is not there, is named, and what else there is is served.
#[test]
fn keys_that_do_not_work_are_skipped() {
    run(async {
        let home = Home::new(&["p384"]);
        let mut device = Device::new(&["p256", "ed25519", "rsa2048", "p384"], 16);
        let keys = &mut Arc::get_mut(&mut device).unwrap().keys;
        // Another key behind it than the store says.
        keys[1].1 = Arc::new(private(site("p256")));
        keys[1].0.algorithms = keys[0].0.algorithms.clone();
        let server = device.start(home.open_config("")).await;
        let served = |server: &RunningKeyServer| {
            let keys = server.keys().into_iter();
            keys.map(|key| key.label).collect::<Vec<_>>()
        };
        // The key that is in a file as well is the file's.
        assert_eq!(served(&server), ["p384", "p256", "rsa2048"]);
        drop(server);

        *device.available.lock().unwrap() = false;
        let server = device.start(home.open_config("")).await;
        assert_eq!(served(&server), ["p384"]);
        drop(server);

        *device.available.lock().unwrap() = true;
        device.does(Does::PanicAtOnce);
        let server = device.start(home.open_config("")).await;
        assert_eq!(served(&server), ["p384"]);
        drop(server);

        // A store that unpads, or gives a shorter answer, is none that can decrypt.
        device.does(Does::Lie);
        let server = device.start(home.open_config("")).await;
        assert_eq!(served(&server), ["p384"]);
    });
}
