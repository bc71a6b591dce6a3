//! Every operation with every kind of key, over TCP and over a Unix socket.

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::prf;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyclient::ConnectionState;
use keyward_keyop::{Operation, OperationKind, OperationResult, tls12, tls13};
use keyward_protocol::Frame;
use keyward_wire::codec::Decode;
use keyward_wire::handshake::{ClientHello, ServerHello, split};

use crate::raw_edge::RawEdge;
use crate::support::{Home, PATIENCE, Site, run, site, sites, start};

/// What must have been signed, made here from the operation.
pub(crate) fn signed_message(operation: &Operation) -> Vec<u8> {
    match operation {
        Operation::Tls13ServerCertificateVerify(operation) => {
            let hash = tls13::transcript_hash(&operation.messages, HashAlgorithm::Sha256).unwrap();
            tls13::server_certificate_verify_message(&hash)
        }
        Operation::Tls12ServerKeyExchange(operation) => {
            let (client_random, server_random) = randoms(&operation.messages);
            tls12::server_key_exchange_message(&client_random, &server_random, &operation.params)
        }
        other => panic!("{}: not for here", other.kind()),
    }
}

pub(crate) fn randoms(messages: &[u8]) -> ([u8; 32], [u8; 32]) {
    let mut messages = split(messages).map(Result::unwrap);
    let client_hello = ClientHello::from_bytes(messages.next().unwrap().body).unwrap();
    let server_hello = ServerHello::from_bytes(messages.next().unwrap().body).unwrap();
    (client_hello.random, server_hello.random)
}

pub(crate) fn assert_signed(site: &Site, message: &[u8], result: &OperationResult) {
    let OperationResult::Signature(signature) = result else {
        panic!("no signature")
    };
    let algorithm = SignatureAlgorithm::from_code(site.scheme().0).unwrap();
    site.public_key()
        .verify(algorithm, message, signature)
        .unwrap();
}

#[test]
fn every_kind_of_key_signs_over_every_kind_of_socket() {
    run(async {
        let labels: Vec<_> = sites().iter().map(|site| site.label).collect();
        let home = Home::new(&labels);
        let server = start(home.open_config("")).await;
        for address in server.addresses() {
            let client = home.client(address);
            for site in sites() {
                for operation in [site.tls13(), site.tls12()] {
                    let message = signed_message(&operation);
                    let performed = client.perform(operation, PATIENCE).await.unwrap();
                    assert_signed(site, &message, &performed.result);
                    assert!(performed.work_us > 0);
                }
            }
        }
        let total = 2 * sites().len() as u64;
        let metrics = server.metrics();
        assert_eq!(
            metrics.performed(OperationKind::Tls13ServerCertificateVerify),
            total
        );
        assert_eq!(
            metrics.performed(OperationKind::Tls12ServerKeyExchange),
            total
        );
        assert_eq!(metrics.refused, 0);
        server.shutdown().await;
    });
}

#[test]
fn rsa_key_transport_yields_the_master_secret() {
    run(async {
        let home = Home::new(&["rsa2048", "p256"]);
        let server = start(home.open_config(r#"allow_rsa_key_transport = ["rsa2048"]"#)).await;
        let client = home.client(&server.addresses()[1]);
        let premaster = [[3, 3].as_slice(), &[0x77; 46]].concat();
        let operation = site("rsa2048").tls12_rsa(&premaster);
        let Operation::Tls12RsaMasterSecret(inner) = &operation else {
            unreachable!()
        };
        let (client_random, server_random) = randoms(&inner.messages);
        let mut expected = [0; 48];
        prf::tls12(
            HashAlgorithm::Sha256,
            &premaster,
            b"master secret",
            &[&client_random, &server_random],
            &mut expected,
        );
        let performed = client.perform(operation, PATIENCE).await.unwrap();
        let OperationResult::MasterSecret(secret) = performed.result else {
            panic!("no master secret")
        };
        assert_eq!(secret.as_bytes(), expected);

        // A ciphertext with another content has a result all the same, and another one.
        let performed = client
            .perform(site("rsa2048").tls12_rsa(b"short"), PATIENCE)
            .await
            .unwrap();
        let OperationResult::MasterSecret(secret) = performed.result else {
            panic!("no master secret")
        };
        assert_ne!(secret.as_bytes(), expected);
    });
}

#[test]
fn the_channel_is_post_quantum() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        let ConnectionState::Connected {
            software,
            key_exchange,
        } = client.state()
        else {
            panic!("not connected")
        };
        assert_eq!(key_exchange, "X25519MLKEM768");
        assert!(software.starts_with("keyward-keyserver/"));
    });
}

#[test]
fn a_fast_key_overtakes_slow_ones() {
    run(async {
        let home = Home::new(&["p256", "rsa4096"]);
        let server = start(home.open_config("[limits]\nworkers = 1")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        let slow = (1..=30).map(|id| (id, 10_000, site("rsa4096")));
        edge.requests(slow.chain([(31, 10_000, site("p256"))]))
            .await;
        let mut before = 0;
        loop {
            match edge.next().await {
                Some(Frame::Reply { id: 31, .. }) => break,
                Some(Frame::Reply { .. }) => before += 1,
                other => panic!("not a reply: {other:?}"),
            }
        }
        assert!(before < 20, "{before} of 30 RSA operations came first");
        assert_eq!(edge.answers(30 - before).await, []);
    });
}

#[test]
fn the_catalog_lists_what_the_edge_may_use() {
    run(async {
        let home = Home::new(&["p256", "rsa2048", "rsa3072"]);
        // A key without a chain, and one that this edge may not use.
        std::fs::remove_file(home.path("keys/rsa2048.crt")).unwrap();
        let server = start(home.config(
            r#"allow_rsa_key_transport = ["rsa2048.key"]
            [[edge]]
            name = "edge-1.example"
            keys = ["p256", "rsa2048"]
            operations = ["tls13-server-certificate-verify", "tls12-rsa-master-secret"]
            names = ["*.shop.example", "shop.example"]
            [[edge]]
            name = "edge-1.example"
            keys = ["p256"]
            operations = ["tls12-server-key-exchange"]
            names = ["other.example"]
            allow_no_sni = true
            "#,
        ))
        .await;
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        let mut catalogs = client.catalog();
        let catalog = catalogs.borrow_and_update().clone().unwrap();
        let labels: Vec<_> = catalog
            .entries
            .iter()
            .map(|entry| entry.label.as_str())
            .collect();
        assert_eq!(labels, ["p256", "rsa2048"]);
        let p256 = catalog.of_key(site("p256").id()).next().unwrap();
        assert_eq!(p256.chain, [site("p256").certificate()]);
        assert_eq!(
            p256.names,
            ["*.shop.example", "other.example", "shop.example"]
        );
        assert!(p256.allow_no_sni);
        assert_eq!(
            p256.operations,
            [
                OperationKind::Tls13ServerCertificateVerify,
                OperationKind::Tls12ServerKeyExchange
            ]
        );
        // Enabled for key transport, so not for TLS 1.3, and the rule does not name ServerKeyExchange.
        let rsa = catalog.of_key(site("rsa2048").id()).next().unwrap();
        assert_eq!(rsa.operations, [OperationKind::Tls12RsaMasterSecret]);
        assert!(rsa.chain.is_empty());
        assert!(!rsa.allow_no_sni);

        // The same again is no news.
        client.refresh_catalog();
        let performed = client.perform(site("p256").tls13(), PATIENCE).await;
        performed.unwrap();
        assert!(!catalogs.has_changed().unwrap());
    });
}
