//! What policy refuses, and what the edge is told.

use keyward_keyclient::{KeyClientError, RefusalReason};
use keyward_keyop::{KeyId, Operation};
use keyward_wire::values::{CipherSuite, SignatureScheme};

use crate::support::{ALL_OPERATIONS, Home, PATIENCE, eventually, run, site, start};

fn refused(reason: RefusalReason) -> KeyClientError {
    KeyClientError::Refused { reason }
}

#[test]
fn an_edge_without_a_rule_may_nothing() {
    run(async {
        let home = Home::new(&["p256"]);
        home.edge("edge-2.example");
        let server = start(home.open_config("")).await;
        let client = home.client_of(&server, "edge-2.example");
        let error = client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap_err();
        assert_eq!(error, refused(RefusalReason::Edge));
        assert!(client.catalog().borrow().is_none());
        eventually("it is counted", || {
            server.metrics().connections_rejected > 0
        })
        .await;
        // The others are served meanwhile.
        home.client(&server.addresses()[0])
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

#[test]
fn rules_limit_keys_operations_and_names() {
    run(async {
        let home = Home::new(&["p256", "p384", "ed25519"]);
        let server = start(home.config(
            r#"
            [[edge]]
            name = "edge-1.example"
            keys = ["p256"]
            operations = ["tls13-server-certificate-verify"]
            names = ["shop.example", "*.shop.example"]
            [[edge]]
            name = "edge-1.example"
            keys = ["ed25519.key"]
            operations = ["tls13-server-certificate-verify"]
            names = ["other.example"]
            allow_no_sni = true
            "#,
        ))
        .await;
        let client = home.client(&server.addresses()[0]);
        let p256 =
            |name: Option<&'static str>| site("p256").handshake(name).tls13(site("p256").scheme());
        let ed25519 = |name: Option<&'static str>| {
            site("ed25519")
                .handshake(name)
                .tls13(SignatureScheme::ED25519)
        };
        let cases: [(&str, Operation, Option<RefusalReason>); 10] = [
            ("exact name", p256(Some("shop.example")), None),
            ("one label more", p256(Some("www.shop.example")), None),
            (
                "two labels more",
                p256(Some("a.www.shop.example")),
                Some(RefusalReason::Name),
            ),
            (
                "another name",
                p256(Some("evil.example")),
                Some(RefusalReason::Name),
            ),
            (
                "a name of the other rule",
                p256(Some("other.example")),
                Some(RefusalReason::Name),
            ),
            ("no name", p256(None), Some(RefusalReason::Name)),
            ("no name where the rule allows it", ed25519(None), None),
            (
                "the other rule's name",
                ed25519(Some("other.example")),
                None,
            ),
            (
                "another operation",
                site("p256").tls12(),
                Some(RefusalReason::Operation),
            ),
            (
                "another key",
                site("p384").tls13(),
                Some(RefusalReason::Key),
            ),
        ];
        let mut refusals = 0;
        for (what, operation, expected) in cases {
            let error = client.perform(operation, PATIENCE).await.err();
            assert_eq!(error, expected.map(refused), "{what}");
            refusals += u64::from(expected.is_some());
        }
        assert_eq!(server.metrics().refused, refusals);
    });
}

/// What one rule allows for its names, it does not allow for another rule's.
#[test]
fn operations_and_names_of_a_rule_belong_together() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.config(
            r#"
            [[edge]]
            name = "edge-1.example"
            keys = ["p256"]
            operations = ["tls13-server-certificate-verify"]
            names = ["shop.example"]
            [[edge]]
            name = "edge-1.example"
            keys = ["p256"]
            operations = ["tls12-server-key-exchange"]
            names = ["other.example"]
            "#,
        ))
        .await;
        let client = home.client(&server.addresses()[0]);
        let site = site("p256");
        let tls13 = |name| site.handshake(Some(name)).tls13(site.scheme());
        let tls12 = |name| {
            let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
            let handshake = site.handshake(Some(name));
            handshake.tls12_ecdhe(suite, site.scheme()).unwrap()
        };
        let other = Some(refused(RefusalReason::Name));
        for (operation, expected) in [
            (tls13("shop.example"), None),
            (tls13("other.example"), other.clone()),
            (tls12("other.example"), None),
            (tls12("shop.example"), other),
        ] {
            let kind = operation.kind();
            let error = client.perform(operation, PATIENCE).await.err();
            assert_eq!(error, expected, "{kind}");
        }
    });
}

#[test]
fn a_key_that_is_not_here_is_unknown() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let client = home.client(&server.addresses()[0]);
        let error = client
            .perform(site("p384").tls13(), PATIENCE)
            .await
            .unwrap_err();
        assert_eq!(error, KeyClientError::UnknownKey);
        assert_eq!(server.metrics().unknown_key, 1);
    });
}

#[test]
fn an_operation_that_breaks_its_own_rules_is_refused() {
    run(async {
        let home = Home::new(&["p256", "p384"]);
        let server = start(home.open_config("")).await;
        let client = home.client(&server.addresses()[0]);
        // The certificate of another key.
        let operation = keyward_keyop::testing::Handshake {
            certificate: site("p384").certificate(),
            ..site("p256").handshake(Some("shop.example"))
        }
        .tls13(SignatureScheme::ECDSA_SECP256R1_SHA256);
        let error = client.perform(operation, PATIENCE).await.unwrap_err();
        assert_eq!(error, refused(RefusalReason::Check));
    });
}

#[test]
fn rsa_keys_sign_or_decrypt_unless_the_operator_says_both() {
    run(async {
        let home = Home::new(&["rsa2048", "rsa3072", "rsa4096"]);
        let server = start(home.open_config(
            r#"allow_rsa_key_transport = ["rsa3072", "rsa4096"]
            rsa_key_transport_also_signs = ["rsa4096"]"#,
        ))
        .await;
        let client = home.client(&server.addresses()[0]);
        let operation = refused(RefusalReason::Operation);
        for (label, tls13, transport) in [
            ("rsa2048", None, Some(operation.clone())),
            ("rsa3072", Some(operation), None),
            ("rsa4096", None, None),
        ] {
            let site = site(label);
            assert_eq!(
                client.perform(site.tls13(), PATIENCE).await.err(),
                tls13,
                "{label}"
            );
            assert_eq!(
                client.perform(site.tls12(), PATIENCE).await.err(),
                None,
                "{label}"
            );
            assert_eq!(
                client
                    .perform(site.tls12_rsa(&[3; 48]), PATIENCE)
                    .await
                    .err(),
                transport,
                "{label}"
            );
        }
    });
}

#[test]
fn an_edge_can_be_known_by_its_key() {
    run(async {
        let home = Home::new(&["p256"]);
        home.edge("edge-2.example");
        let pin = |edge: &str| {
            let pem = std::fs::read(home.path(&format!("{edge}.key"))).unwrap();
            KeyId::of_public_key(
                keyward_crypto::private_key::PrivateKey::from_pem(&pem)
                    .unwrap()
                    .public_key(),
            )
        };
        // The second rule has the name of one edge and the key of another: nobody is both.
        let server = start(home.config(&format!(
            r#"
            [[edge]]
            spki_sha256 = "{}"
            keys = ["*"]
            operations = {ALL_OPERATIONS}
            names = ["*"]
            [[edge]]
            name = "edge-2.example"
            spki_sha256 = "{}"
            keys = ["*"]
            operations = {ALL_OPERATIONS}
            names = ["*"]
            "#,
            pin("edge-1.example"),
            pin("edge-1.example"),
        )))
        .await;
        let perform = async |edge: &str| {
            let client = home.client_of(&server, edge);
            client.perform(site("p256").tls13(), PATIENCE).await.err()
        };
        assert_eq!(perform("edge-1.example").await, None);
        assert_eq!(
            perform("edge-2.example").await,
            Some(refused(RefusalReason::Edge))
        );
    });
}
