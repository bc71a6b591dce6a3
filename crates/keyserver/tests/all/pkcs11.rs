//! Keys in a token: SoftHSM2, through its PKCS #11 module.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use keyward_keyclient::KeyClientError;
use keyward_keyop::OperationResult;
use keyward_keyserver::store::{Pkcs11Store, RemoteStore, StoreError};
use keyward_keyserver::{Config, PassphraseSource, Pkcs11Config, RunningKeyServer};
use tokio::task::JoinSet;

use crate::operations::{assert_signed, signed_message};
use crate::remote_store::{master_secret, premaster};
use crate::support::{Home, PATIENCE, run, set_mode, site, start};

const MODULES: [&str; 2] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

/// SoftHSM takes the place of its tokens from the environment: each test runs in a process of its own, which has it set.
const CONF: &str = "SOFTHSM2_CONF";

const PIN: &str = "1234";

/// A token, in a folder.
struct Token {
    folder: PathBuf,
    module: PathBuf,
}

/// Runs `body` with a token that holds the keys of these sites. Says so where there is no SoftHSM; with `CI=true` that is a
/// failure.
fn with_token(test: &str, labels: &[&str], body: impl FnOnce(Token)) {
    let module = MODULES.iter().map(PathBuf::from).find(|path| path.exists());
    let tool = Command::new("softhsm2-util").arg("--version").output();
    let (Some(module), Ok(_)) = (module, tool) else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "SoftHSM2 is not installed, and CI=true: .ci/run has to install it"
        );
        eprintln!("skipped {test}: SoftHSM2 is not installed (apt-get install softhsm2)");
        return;
    };
    if let Some(conf) = std::env::var_os(CONF) {
        let folder = Path::new(&conf).parent().unwrap().to_owned();
        let token = Token { folder, module };
        token.make(labels);
        return body(token);
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = folder.path().join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(&conf, text).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("pkcs11::{test}"), "--nocapture"])
        .env(CONF, conf)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "{text}");
}

impl Token {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn tool(&self, arguments: &[&str]) {
        let output = Command::new("softhsm2-util").args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    fn make(&self, labels: &[&str]) {
        let new = ["--init-token", "--free", "--label", "web"];
        self.tool(&[&new[..], &["--so-pin", "5678", "--pin", PIN]].concat());
        for (i, label) in labels.iter().enumerate() {
            let pem = self.path("import.pem");
            std::fs::write(&pem, &site(label).issued.key_pem).unwrap();
            let id = format!("{:02x}", i + 1);
            let key = [
                "--import",
                pem.to_str().unwrap(),
                "--label",
                label,
                "--id",
                &id,
            ];
            self.tool(&[&key[..], &["--token", "web", "--pin", PIN]].concat());
            std::fs::remove_file(pem).unwrap();
        }
        self.write_pin(PIN);
    }

    fn write_pin(&self, pin: &str) {
        let path = self.path("pin");
        std::fs::write(&path, format!("{pin}\n")).unwrap();
        set_mode(&path, 0o600);
    }

    fn config(&self, uri: &str) -> Pkcs11Config {
        Pkcs11Config {
            uri: uri.parse().unwrap(),
            module: self.module.clone(),
            pin: Some(PassphraseSource::File(self.path("pin"))),
            sessions: 2,
        }
    }

    fn store(&self, uri: &str) -> Pkcs11Store {
        Pkcs11Store::new(&self.config(uri)).unwrap()
    }

    /// A key server whose configuration names the token.
    async fn serve(&self, home: &Home, keys: &str) -> RunningKeyServer {
        start(self.open_config(home, keys)).await
    }

    fn open_config(&self, home: &Home, keys: &str) -> Config {
        let store = format!(
            r#"
            {keys}
            [[keys.store]]
            pkcs11 = {{ uri = "pkcs11:token=web", module = "{}", pin_file = "{}", sessions = 2 }}
            "#,
            self.module.display(),
            self.path("pin").display()
        );
        home.open_config(&store)
    }

    /// As if it were unplugged, until it is plugged in again.
    fn unplug(&self) {
        std::fs::rename(self.path("tokens"), self.path("drawer")).unwrap();
        std::fs::create_dir(self.path("tokens")).unwrap();
    }

    fn plug_in(&self) {
        std::fs::remove_dir_all(self.path("tokens")).unwrap();
        std::fs::rename(self.path("drawer"), self.path("tokens")).unwrap();
    }
}

/// The cause for which the store has no keys.
fn refusal(store: &Pkcs11Store) -> String {
    match store.keys() {
        Err(StoreError::Unavailable(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_serves_as_files_do() {
    let labels = ["p256", "p384", "ed25519", "rsa2048"];
    with_token("a_token_serves_as_files_do", &labels, |token| {
        run(async {
            let home = Home::new(&["rsa3072"]);
            home.write_key("p256.crt", site("p256").issued.chain_pem.as_bytes());
            let keys = r#"allow_rsa_key_transport = ["rsa2048"]
                rsa_key_transport_also_signs = ["rsa2048"]"#;
            let report = token.open_config(&home, keys).check();
            assert_eq!(report.keys.len(), 5, "{:?}", report.problems);
            let server = token.serve(&home, keys).await;
            let mut known: Vec<_> = server
                .keys()
                .iter()
                .map(|key| (key.label.clone(), key.chains))
                .collect();
            known.sort();
            let expected = [
                ("ed25519", 0),
                ("p256", 1),
                ("p384", 0),
                ("rsa2048", 0),
                ("rsa3072", 1),
            ];
            assert_eq!(
                known,
                expected.map(|(label, chains)| (label.to_owned(), chains))
            );
            let client = home.client(&server.addresses()[0]);
            for label in labels {
                for operation in [site(label).tls13(), site(label).tls12()] {
                    let message = signed_message(&operation);
                    let performed = client.perform(operation, PATIENCE).await.unwrap();
                    assert_signed(site(label), &message, &performed.result);
                }
            }
            let operation = site("rsa2048").tls12_rsa(&premaster());
            let expected = master_secret(&operation);
            let performed = client.perform(operation, PATIENCE).await.unwrap();
            let OperationResult::MasterSecret(secret) = performed.result else {
                panic!("no master secret")
            };
            assert_eq!(secret.as_bytes(), expected);
        });
    });
}

#[test]
fn hundreds_are_served_at_a_time() {
    with_token(
        "hundreds_are_served_at_a_time",
        &["p256", "rsa2048"],
        |token| {
            run(async {
                let home = Home::new(&[]);
                let server = token.serve(&home, "").await;
                let client = home.client(&server.addresses()[0]);
                let mut tasks = JoinSet::new();
                for i in 0..300 {
                    let client = client.clone();
                    let label = ["p256", "rsa2048"][i % 2];
                    tasks.spawn(async move {
                        let operation = site(label).tls13();
                        let message = signed_message(&operation);
                        let performed = client.perform(operation, PATIENCE).await?;
                        assert_signed(site(label), &message, &performed.result);
                        Ok::<_, KeyClientError>(())
                    });
                }
                let (mut signed, mut overloaded) = (0, 0);
                while let Some(done) = tasks.join_next().await {
                    match done.unwrap() {
                        Ok(()) => signed += 1,
                        // Beyond its capacity, the next key server is asked.
                        Err(KeyClientError::Overloaded) => overloaded += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                assert_eq!(signed + overloaded, 300);
                assert!(
                    signed >= token.store("pkcs11:token=web").capacity(),
                    "{signed}"
                );
            });
        },
    );
}

#[test]
fn a_token_that_goes_away_comes_back() {
    with_token("a_token_that_goes_away_comes_back", &["p256"], |token| {
        run(async {
            let home = Home::new(&["p384"]);
            let server = token.serve(&home, "").await;
            let client = home.client(&server.addresses()[0]);
            client
                .perform(site("p256").tls13(), PATIENCE)
                .await
                .unwrap();
            token.unplug();
            // What the module still has in memory serves for a while.
            let lost = async {
                while client.perform(site("p256").tls13(), PATIENCE).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let noticed = tokio::time::timeout(Duration::from_secs(5), lost).await;
            assert!(noticed.is_ok(), "a token that is gone signs");
            client
                .perform(site("p384").tls13(), PATIENCE)
                .await
                .unwrap();
            token.plug_in();
            let back = async {
                while client
                    .perform(site("p256").tls13(), PATIENCE)
                    .await
                    .is_err()
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            let back = tokio::time::timeout(Duration::from_secs(30), back).await;
            assert!(back.is_ok(), "the token is back, and does not sign");
        });
    });
}

/// Tokens lock after a few wrong PINs: one is tried once.
#[test]
fn a_wrong_pin_is_tried_once() {
    with_token("a_wrong_pin_is_tried_once", &["p256"], |token| {
        token.write_pin("9999");
        let store = token.store("pkcs11:token=web");
        let cause = refusal(&store);
        assert!(cause.contains("refuses the PIN"), "{cause}");
        for _ in 0..20 {
            let cause = refusal(&store);
            assert!(cause.contains("refuses the PIN"), "{cause}");
        }
        token.write_pin(PIN);
        assert_eq!(store.keys().unwrap().len(), 1);
    });
}

#[test]
fn what_cannot_be_reached_is_named() {
    with_token(
        "what_cannot_be_reached_is_named",
        &["p256", "p384"],
        |token| {
            let one = token.store("pkcs11:token=web;object=p384").keys().unwrap();
            assert_eq!(one.len(), 1);
            assert_eq!(one[0].label, "p384");
            assert_eq!(one[0].handle, "object=p384;id=%02");
            let by_id = token.store("pkcs11:token=web;id=%01").keys().unwrap();
            assert_eq!(by_id[0].label, "p256");

            let cause = refusal(&token.store("pkcs11:token=other"));
            assert!(cause.contains("there is no such token"), "{cause}");
            set_mode(&token.path("pin"), 0o644);
            let cause = refusal(&token.store("pkcs11:token=web"));
            assert!(cause.contains("chmod 600"), "{cause}");
            let missing = Pkcs11Config {
                module: "/nowhere/module.so".into(),
                ..token.config("pkcs11:token=web")
            };
            let cause = refusal(&Pkcs11Store::new(&missing).unwrap());
            assert!(cause.contains("/nowhere/module.so"), "{cause}");
            let none = Pkcs11Config {
                pin: None,
                ..token.config("pkcs11:token=web")
            };
            let cause = refusal(&Pkcs11Store::new(&none).unwrap());
            assert!(cause.contains("pin_file"), "{cause}");
        },
    );
}
