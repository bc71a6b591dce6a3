//! Clients of the older protocol: what they can have, what they cannot, and what becomes of those who misbehave.

use std::time::Duration;

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::rsa_kex::encrypt_premaster;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::{Names, OperationKind};
use keyward_keyserver::{Config, EdgeIdentity, Question, RunningKeyServer};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;

use crate::audit;
use crate::older_client::{
    CLIENT, OlderClient, authority, connect, item, message, request, section, ski,
};
use crate::support::{Home, PATIENCE, eventually, run, site, start};

const RAW: &str = r#"["raw-digest", "raw-rsa-decryption"]"#;
const SIGN_ALL: &str = r#"allow_raw_digest = ["p256", "p384", "ed25519", "rsa2048"]"#;
const ALL_KEYS: [&str; 4] = ["p256", "p384", "ed25519", "rsa2048"];

fn home(labels: &[&str]) -> Home {
    let home = Home::new(labels);
    authority(&home);
    home
}

async fn signing(home: &Home) -> RunningKeyServer {
    start(home.config(&format!("{SIGN_ALL}\n{}", section(RAW)))).await
}

fn digest(hash: HashAlgorithm) -> Vec<u8> {
    hash.digest(MESSAGE).to_vec()
}

const MESSAGE: &[u8] = b"what only the client has seen";

#[test]
fn each_opcode_signs_with_the_keys_that_it_is_for() {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    use SignatureAlgorithm as Algorithm;
    run(async {
        let home = home(&ALL_KEYS);
        let server = signing(&home).await;
        let mut client = OlderClient::new(&home, &server).await;
        let opcodes = [
            (0x05, digest(Sha256), Algorithm::RsaPkcs1Sha256),
            (0x06, digest(Sha384), Algorithm::RsaPkcs1Sha384),
            (0x07, digest(Sha512), Algorithm::RsaPkcs1Sha512),
            (0x15, digest(Sha256), Algorithm::EcdsaSha256),
            (0x16, digest(Sha384), Algorithm::EcdsaSha384),
            (0x17, digest(Sha512), Algorithm::EcdsaSha512),
            (0x18, MESSAGE.to_vec(), Algorithm::Ed25519),
            (0x35, digest(Sha256), Algorithm::RsaPssSha256),
            (0x36, digest(Sha384), Algorithm::RsaPssSha384),
            (0x37, digest(Sha512), Algorithm::RsaPssSha512),
        ];
        let mut signed = 0;
        for (opcode, payload, algorithm) in &opcodes {
            for label in ALL_KEYS {
                let site = site(label);
                let public = site.public_key();
                let bytes = request(signed, *opcode, site, payload);
                if public.supports(*algorithm) {
                    let signature = client.result(&bytes).await;
                    public.verify(*algorithm, MESSAGE, &signature).unwrap();
                    signed += 1;
                } else {
                    assert_eq!(client.error(&bytes).await, 1, "{label} {opcode:#04x}");
                }
            }
        }
        assert_eq!(signed, 3 + 6 + 1 + 3);
        // MD5 with SHA-1, SHA-1 and SHA-224, by their numbers and with digests as long as they are.
        for (opcode, len) in [(2, 36), (3, 20), (4, 28)] {
            let rsa = request(1, opcode, site("rsa2048"), &vec![7; len]);
            assert_eq!(client.error(&rsa).await, 1);
            let ecdsa = request(1, opcode + 0x10, site("p256"), &vec![7; len]);
            assert_eq!(client.error(&ecdsa).await, 1);
        }
        let metrics = server.metrics();
        assert_eq!(
            metrics.performed(OperationKind::RawDigest),
            u64::from(signed)
        );
        server.shutdown().await;
    });
}

#[test]
fn an_old_client_over_tls12_and_a_new_one_over_tls13() {
    run(async {
        let home = home(&["p256"]);
        let server = signing(&home).await;
        let identity = format!("older/{CLIENT}");
        for version in [&TLS12, &TLS13] {
            let mut client = connect(&home, &server, &identity, version).await.unwrap();
            let ping = message(9, &[item(0x11, &[0xf1]), item(0x12, b"are you there?")]);
            let pong = client.ask(&ping).await;
            assert_eq!((pong.id, pong.opcode), (9, 0xf2));
            assert_eq!(pong.payload, b"are you there?");
        }
        server.shutdown().await;
    });
}

#[test]
fn what_is_wrong_has_the_errors_of_the_protocol() {
    run(async {
        let home = home(&["p256", "rsa2048"]);
        let server = signing(&home).await;
        let mut client = OlderClient::new(&home, &server).await;
        let (p256, rsa) = (site("p256"), site("rsa2048"));
        let payload = || item(0x12, &digest(HashAlgorithm::Sha256));
        let opcode = || item(0x11, &[0x15]);
        for (items, code) in [
            (vec![opcode(), payload()], 8),
            (vec![opcode(), item(0x04, &[0; 20]), payload()], 8),
            (vec![opcode(), item(0x04, &ski(p256)[1..]), payload()], 8),
            (vec![opcode(), item(0x01, &[7; 32]), payload()], 8),
            (vec![opcode(), item(0x04, &[9; 20]), payload()], 2),
            (vec![item(0x04, &ski(p256)), payload()], 5),
            (vec![], 5),
            (
                vec![item(0x11, &[0x99]), item(0x04, &ski(p256)), payload()],
                5,
            ),
            (vec![item(0x11, &[0xf0]), payload()], 6),
            (vec![item(0x11, &[0xf2]), payload()], 6),
            (vec![item(0x11, &[0xff]), payload()], 6),
            // Without a payload, a digest is too short.
            (vec![opcode(), item(0x04, &ski(p256))], 1),
            (vec![item(0x11, &[1]), item(0x04, &ski(p256)), payload()], 1),
        ] {
            let answer = client.ask(&message(77, &items)).await;
            assert_eq!((answer.id, answer.opcode), (77, 0xff), "{items:02x?}");
            assert_eq!(answer.payload, [code], "{items:02x?}");
        }
        for len in [0, 20, 31, 33, 48] {
            let bytes = request(1, 0x15, p256, &vec![7; len]);
            assert_eq!(client.error(&bytes).await, 1, "{len}");
        }
        // And the connection is as good as before.
        let signature = client
            .result(&request(1, 0x15, p256, &digest(HashAlgorithm::Sha256)))
            .await;
        let public = p256.public_key();
        public
            .verify(SignatureAlgorithm::EcdsaSha256, MESSAGE, &signature)
            .unwrap();
        // Signing does not switch on decryption.
        assert_eq!(client.error(&request(1, 0x01, rsa, &[7; 256])).await, 1);
        server.shutdown().await;
    });
}

#[test]
fn decryption_is_for_keys_named_for_it_and_never_tells_how_a_block_was_padded() {
    run(async {
        let home = home(&["rsa2048", "rsa3072"]);
        let rest = format!("allow_raw_rsa_decryption = [\"rsa2048\"]\n{}", section(RAW));
        let server = start(home.config(&rest)).await;
        let mut client = OlderClient::new(&home, &server).await;
        let rsa = site("rsa2048");
        let mut premaster = [0x42; 48];
        premaster[..2].copy_from_slice(&[3, 3]);
        let ciphertext = encrypt_premaster(&rsa.public_key(), &premaster).unwrap();
        let block = client.result(&request(1, 0x01, rsa, &ciphertext)).await;
        let form = |block: &[u8]| {
            assert_eq!(block.len(), 256);
            assert_eq!(block[..2], [0, 2]);
            assert!(block[2..256 - 49].iter().all(|byte| *byte != 0));
            assert_eq!(block[256 - 49], 0);
        };
        form(&block);
        assert_eq!(block[256 - 48..], premaster);
        // What decrypts to no premaster secret, and what does not decrypt at all.
        for ciphertext in [vec![1; 256], vec![0; 256], vec![0xff; 256]] {
            let bytes = request(1, 0x01, rsa, &ciphertext);
            let block = client.result(&bytes).await;
            form(&block);
            assert_eq!(client.result(&bytes).await, block);
        }
        // All lengths but the modulus' can be seen from outside.
        for len in [0, 1, 255, 257, 384] {
            assert_eq!(client.error(&request(1, 0x01, rsa, &vec![1; len])).await, 1);
        }
        assert_eq!(
            client
                .error(&request(1, 0x01, site("rsa3072"), &[1; 384]))
                .await,
            1
        );
        // A key that decrypts signs nothing.
        let sign = request(1, 0x35, rsa, &digest(HashAlgorithm::Sha256));
        assert_eq!(client.error(&sign).await, 1);
        server.shutdown().await;
    });
}

#[test]
fn what_no_rule_and_no_switch_allows_is_refused() {
    run(async {
        let home = home(&["p256", "p384"]);
        let sign = |label| request(1, 0x15, site(label), &digest(HashAlgorithm::Sha256));
        // The key is not switched on.
        let server = start(home.config(&section(RAW))).await;
        let mut client = OlderClient::new(&home, &server).await;
        assert_eq!(client.error(&sign("p256")).await, 1);
        server.shutdown().await;
        // The rule is for typed operations.
        let typed = section(r#"["tls13-server-certificate-verify"]"#);
        let server = start(home.config(&format!("{SIGN_ALL}\n{typed}"))).await;
        let mut client = OlderClient::new(&home, &server).await;
        assert_eq!(client.error(&sign("p256")).await, 1);
        server.shutdown().await;
        // The rule is for another key.
        let rest = section(RAW).replace(r#"keys = ["*"]"#, r#"keys = ["p384"]"#);
        let server = start(home.config(&format!("{SIGN_ALL}\n{rest}"))).await;
        let mut client = OlderClient::new(&home, &server).await;
        assert_eq!(client.error(&sign("p256")).await, 2);
        let signature = client.result(&sign("p384")).await;
        let public = site("p384").public_key();
        public
            .verify(SignatureAlgorithm::EcdsaSha256, MESSAGE, &signature)
            .unwrap();
        server.shutdown().await;
    });
}

#[test]
fn strangers_and_edges_of_the_other_listener_are_not_let_in() {
    run(async {
        let home = home(&["p256"]);
        let older = keyward_pki::Authority::load(&home.path("older")).unwrap();
        let nobody = older.issue_client("nobody.example").unwrap();
        nobody.save(&home.path("older"), "nobody").unwrap();
        let server = signing(&home).await;
        // The edges' authority is not the gokeyless clients', and the other way round.
        for identity in ["edge-1.example", "older/nobody"] {
            let ping = message(1, &[item(0x11, &[0xf1])]);
            let connected = connect(&home, &server, identity, &TLS13).await;
            if let Ok(mut client) = connected {
                let _ = client.stream.write_all(&ping).await;
                let _ = client.stream.flush().await;
                assert_eq!(client.next().await, None, "{identity}");
            }
        }
        eventually("both are turned away", || {
            server.metrics().connections_rejected == 2
        })
        .await;
        server.shutdown().await;
    });
}

#[test]
fn there_is_no_such_listener_unless_it_is_asked_for() {
    run(async {
        let home = home(&["p256"]);
        let server = start(home.open_config("")).await;
        assert_eq!(server.gokeyless_addresses(), []);
        server.shutdown().await;
    });
}

#[test]
fn a_malformed_message_is_answered_and_ends_its_connection_alone() {
    run(async {
        let home = home(&["p256"]);
        let server = signing(&home).await;
        let mut other = OlderClient::new(&home, &server).await;
        let mut version = message(5, &[item(0x11, &[0xf1])]);
        version[0] = 2;
        let twice = message(5, &[item(0x11, &[0xf1]), item(0x11, &[0xf1])]);
        let ip = message(5, &[item(0x03, &[1, 2, 3])]);
        let mut lie = message(5, &[item(0x11, &[0xf1]), item(0x12, b"payload")]);
        lie[13] = 0xff;
        for (bytes, code) in [(version, 4), (twice, 7), (ip, 7), (lie, 7)] {
            let mut client = OlderClient::new(&home, &server).await;
            let answer = client.ask(&bytes).await;
            assert_eq!((answer.id, answer.opcode), (5, 0xff));
            assert_eq!(answer.payload, [code]);
            assert_eq!(client.next().await, None);
        }
        assert_eq!(server.metrics().malformed, 4);
        let pong = other
            .ask(&message(1, &[item(0x11, &[0xf1]), item(0x12, b"")]))
            .await;
        assert_eq!(pong.opcode, 0xf2);
        server.shutdown().await;
    });
}

#[test]
fn many_requests_with_one_id_have_an_answer_each() {
    const MANY: usize = 300;
    run(async {
        let home = home(&["p256"]);
        let server = signing(&home).await;
        let mut client = OlderClient::new(&home, &server).await;
        let p256 = site("p256");
        let bytes = request(0, 0x15, p256, &digest(HashAlgorithm::Sha256));
        client.send(&bytes.repeat(MANY)).await;
        let public = p256.public_key();
        for _ in 0..MANY {
            let answer = client.next().await.unwrap();
            assert_eq!((answer.id, answer.opcode), (0, 0xf0));
            public
                .verify(SignatureAlgorithm::EcdsaSha256, MESSAGE, &answer.payload)
                .unwrap();
        }
        server.shutdown().await;
    });
}

#[test]
fn a_flood_is_answered_internal_error_beyond_the_bound_and_goes_on() {
    const MANY: u32 = 200;
    run(async {
        let home = home(&["rsa2048"]);
        let rest = format!(
            "{}\n{}\n[limits]\nin_flight = 4\nworkers = 1",
            "allow_raw_digest = [\"rsa2048\"]",
            section(RAW)
        );
        let server = start(home.config(&rest)).await;
        let mut client = OlderClient::new(&home, &server).await;
        let rsa = site("rsa2048");
        let flood: Vec<u8> = (0..MANY)
            .flat_map(|id| request(id, 0x35, rsa, &digest(HashAlgorithm::Sha256)))
            .collect();
        client.send(&flood).await;
        let (mut signed, mut refused) = (0, 0);
        let mut seen = vec![false; MANY as usize];
        for _ in 0..MANY {
            let answer = client.next().await.unwrap();
            let id = usize::try_from(answer.id).unwrap();
            assert!(
                !std::mem::replace(&mut seen[id], true),
                "answered twice: {id}"
            );
            match (answer.opcode, &answer.payload[..]) {
                (0xf0, _) => signed += 1,
                (0xff, [8]) => refused += 1,
                _ => panic!("{answer:?}"),
            }
        }
        assert!(
            signed >= 4 && refused > 0,
            "{signed} signed, {refused} refused"
        );
        let after = request(1, 0x35, rsa, &digest(HashAlgorithm::Sha256));
        client.result(&after).await;
        server.shutdown().await;
    });
}

#[test]
fn a_client_that_sends_byte_by_byte_is_served_and_one_that_does_not_read_is_cut() {
    run(async {
        let home = home(&["p256"]);
        let rest = format!("{SIGN_ALL}\n{}\n[limits]\nwrite_ms = 300", section(RAW));
        let server = start(home.config(&rest)).await;
        let mut slow = OlderClient::new(&home, &server).await;
        let p256 = site("p256");
        for byte in request(1, 0x15, p256, &digest(HashAlgorithm::Sha256)) {
            slow.send(&[byte]).await;
        }
        assert_eq!(slow.next().await.unwrap().opcode, 0xf0);

        // Echoes of 60 thousand bytes each, that nobody reads.
        let mut deaf = OlderClient::new(&home, &server).await;
        let echo = message(1, &[item(0x11, &[0xf1]), item(0x12, &[7; 60_000])]);
        let flood = async { while deaf.stream.write_all(&echo).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, flood)
            .await
            .expect("it is never cut");
        let pong = slow
            .ask(&message(1, &[item(0x11, &[0xf1]), item(0x12, b"")]))
            .await;
        assert_eq!(pong.opcode, 0xf2, "others go on");
        server.shutdown().await;
    });
}

#[test]
fn requests_of_a_client_that_is_gone_are_withdrawn_and_nothing_else_suffers() {
    run(async {
        let home = home(&["rsa2048"]);
        let rest = format!(
            "allow_raw_digest = [\"rsa2048\"]\n{}\n[limits]\nworkers = 1",
            section(RAW)
        );
        let server = start(home.config(&rest)).await;
        let rsa = site("rsa2048");
        let bytes = request(0, 0x35, rsa, &digest(HashAlgorithm::Sha256));
        let mut gone = OlderClient::new(&home, &server).await;
        gone.send(&bytes.repeat(500)).await;
        drop(gone);
        let mut client = OlderClient::new(&home, &server).await;
        client.result(&bytes).await;
        eventually("the other is gone", || server.metrics().connections == 1).await;
        server.shutdown().await;
    });
}

#[test]
fn a_client_that_says_nothing_is_closed() {
    run(async {
        let home = home(&["p256"]);
        let rest = format!("{SIGN_ALL}\n{}\n[limits]\nidle_ms = 200", section(RAW));
        let server = start(home.config(&rest)).await;
        let mut client = OlderClient::new(&home, &server).await;
        // Half a message is as good as nothing.
        client.send(&[1, 0, 0, 9]).await;
        assert_eq!(client.next().await, None);
        server.shutdown().await;
    });
}

#[test]
fn rates_hold_for_old_clients_as_well() {
    run(async {
        let home = home(&["p256"]);
        let rest = format!(
            "{SIGN_ALL}\n{}rate = {{ per_second = 1, burst = 2 }}",
            section(RAW)
        );
        let server = start(home.config(&rest)).await;
        let mut client = OlderClient::new(&home, &server).await;
        let bytes = request(1, 0x15, site("p256"), &digest(HashAlgorithm::Sha256));
        client.result(&bytes).await;
        client.result(&bytes).await;
        assert_eq!(client.error(&bytes).await, 8);
        assert_eq!(server.metrics().rate_limited, 1);
        server.shutdown().await;
    });
}

#[test]
fn each_use_is_on_record_with_its_digest() {
    run(async {
        let home = audit::home();
        authority(&home);
        let rest = format!(
            "allow_raw_digest = [\"p256\"]\nallow_raw_rsa_decryption = [\"rsa2048\"]\n{}{}",
            audit::section(""),
            section(RAW)
        );
        let server = start(home.config(&rest)).await;
        let mut client = OlderClient::new(&home, &server).await;
        let digest = digest(HashAlgorithm::Sha256);
        client
            .result(&request(1, 0x15, site("p256"), &digest))
            .await;
        client
            .result(&request(2, 0x01, site("rsa2048"), &[7; 256]))
            .await;
        client
            .error(&request(3, 0x35, site("rsa2048"), &digest))
            .await;
        server.shutdown().await;
        let records = audit::records(&home);
        assert_eq!(records.len(), 3);
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(records[0]["operation"], "raw-digest");
        assert_eq!(records[0]["transcript"], hex(&digest));
        assert_eq!(records[1]["operation"], "raw-rsa-decryption");
        let ciphertext = HashAlgorithm::Sha256.digest(&[7; 256]);
        assert_eq!(records[1]["transcript"], hex(&ciphertext));
        for record in &records[..2] {
            assert_eq!(record["edge"], CLIENT);
            assert_eq!(record["verdict"], "performed");
            assert_eq!(record["names"], "*");
        }
        assert_eq!(records[2]["verdict"], "refused");
    });
}

#[test]
fn a_client_whose_rule_is_gone_is_cut() {
    run(async {
        let home = home(&["p256"]);
        let text = |rest: &str| home.config_text(&format!("allow_raw_digest = [\"p256\"]\n{rest}"));
        let file = home.path("keyserver.toml");
        std::fs::write(&file, text(&section(RAW))).unwrap();
        let server = start(Config::load(&file).unwrap()).await;
        let mut client = OlderClient::new(&home, &server).await;
        let bytes = request(1, 0x15, site("p256"), &digest(HashAlgorithm::Sha256));
        client.result(&bytes).await;
        std::fs::write(&file, text(&section(RAW).replace(CLIENT, "other.example"))).unwrap();
        server.reload();
        assert_eq!(client.next().await, None);
        assert_eq!(server.metrics().connections_cut, 1);
        server.shutdown().await;
    });
}

#[test]
fn a_server_that_stops_answers_what_is_in_flight() {
    run(async {
        let home = home(&["rsa2048"]);
        let rest = format!("allow_raw_digest = [\"rsa2048\"]\n{}", section(RAW));
        let server = start(home.config(&rest)).await;
        let mut client = OlderClient::new(&home, &server).await;
        let bytes = request(3, 0x35, site("rsa2048"), &digest(HashAlgorithm::Sha256));
        client.send(&bytes.repeat(20)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let stopping = tokio::spawn(server.shutdown());
        for _ in 0..20 {
            assert_eq!(client.next().await.unwrap().opcode, 0xf0);
        }
        assert_eq!(client.next().await, None);
        stopping.await.unwrap();
    });
}

#[test]
fn check_says_what_risk_is_switched_on() {
    let home = home(&["p256", "rsa2048"]);
    let problems = |rest: &str| {
        let report = home.config(rest).check();
        let problems = report.problems.iter().map(ToString::to_string);
        problems.collect::<Vec<_>>().join("\n")
    };
    let risky = problems(&format!(
        "allow_raw_digest = [\"p256\"]\nallow_raw_rsa_decryption = [\"rsa2048\"]\n{}",
        section(RAW)
    ));
    assert!(
        risky.contains("RAW DIGESTS ARE SIGNED with p256"),
        "{risky}"
    );
    assert!(
        risky.contains("PREMASTER SECRETS ARE DECRYPTED with rsa2048"),
        "{risky}"
    );
    let nothing = problems(&section(RAW));
    assert!(nothing.contains("no key may be used there"), "{nothing}");
    let rule = section(RAW);
    let (_, rule) = rule.split_once("[[edge]]").unwrap();
    let no_listener =
        problems(&format!("{SIGN_ALL}\n[[edge]]{rule}").replace("p384\", \"ed25519\", \"", ""));
    assert!(
        no_listener.contains("there is no [gokeyless] section"),
        "{no_listener}"
    );
    let not_rsa = problems(&format!(
        "allow_raw_rsa_decryption = [\"p256\"]\n{}",
        section(RAW)
    ));
    assert!(
        not_rsa.contains("key `p256` is not an RSA key"),
        "{not_rsa}"
    );
    let no_ca = problems(&section(RAW).replace("older/ca.pem", "nowhere.pem"));
    assert!(no_ca.contains("nowhere.pem"), "{no_ca}");
}

#[test]
fn what_the_section_lacks_is_said() {
    let home = home(&["p256"]);
    let error = |rest: &str| {
        let text = home.config_text(rest);
        let error = Config::parse(&text, home.path("keyserver.toml")).unwrap_err();
        error.to_string()
    };
    let section = section(RAW);
    for (from, to, expected) in [
        (r#"["127.0.0.1:0"]"#, "[]", "nothing to listen on"),
        (
            r#"client_ca = "older/ca.pem""#,
            "",
            "`gokeyless.client_ca` is missing",
        ),
        (
            r#"client_ca ="#,
            "certificate = \"a.pem\"\nclient_ca =",
            "belong together",
        ),
        (r#"client_ca ="#, "typo = 1\nclient_ca =", "typo"),
        (
            r#"names = ["*"]"#,
            r#"names = ["shop.example"]"#,
            "raw-digest shows no name",
        ),
        (
            "allow_no_sni = true",
            "",
            "raw-rsa-decryption shows no name",
        ),
    ] {
        let error = error(&section.replace(from, to));
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn the_rules_can_be_asked_about_raw_operations() {
    let home = home(&["p256", "rsa2048"]);
    let config = home.config(&format!("allow_raw_digest = [\"p256\"]\n{}", section(RAW)));
    let ask = |key: &str, operation| {
        let question = Question {
            edge: EdgeIdentity {
                names: vec![CLIENT.to_owned()],
                ..EdgeIdentity::unknown()
            },
            from: None,
            key: key.to_owned(),
            operation,
            names: Names::Any,
        };
        config.explain(&question).unwrap()
    };
    assert!(ask("p256", OperationKind::RawDigest).is_allowed());
    let off = ask("rsa2048", OperationKind::RawRsaDecryption);
    assert!(!off.is_allowed());
    assert!(
        off.cause.contains("not enabled for raw-rsa-decryption"),
        "{}",
        off.cause
    );
}
