//! Operations that a key server performs only where its configuration names them, key by key and rule by rule.

use keyward_keyclient::{KeyClientError, RefusalReason};
use keyward_keyop::{
    CertificateRequest, DelegatedCredential, KeyId, Operation, OperationKind, OperationResult,
    Tls13TranscriptHash,
};
use keyward_keyserver::Config;
use keyward_wire::values::{CipherSuite, SignatureScheme};
use rcgen::{CertificateParams, CustomExtension, KeyPair, KeyUsagePurpose, PublicKeyData};

use crate::support::{Home, PATIENCE, run, site, start};

const P256: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;

fn refused(reason: RefusalReason) -> Option<KeyClientError> {
    Some(KeyClientError::Refused { reason })
}

/// A rule for `edge-1.example` and every key.
fn rule(operations: &str, names: &str, more: &str) -> String {
    format!(
        r#"
        [[edge]]
        name = "edge-1.example"
        keys = ["*"]
        operations = [{operations}]
        names = [{names}]
        {more}
        "#
    )
}

/// Starts a key server, and asks for each of these with what is expected.
async fn ask(home: &Home, config: Config, cases: Vec<(&str, Operation, Option<KeyClientError>)>) {
    let server = start(config).await;
    let client = home.client(&server.addresses()[0]);
    for (what, operation, expected) in cases {
        let result = client.perform(operation, PATIENCE).await;
        assert_eq!(result.as_ref().err(), expected.as_ref(), "{what}");
        if let Ok(performed) = result {
            assert!(
                matches!(performed.result, OperationResult::Signature(_)),
                "{what}"
            );
        }
    }
}

#[test]
fn a_clients_key_signs_as_a_client_and_no_other_does() {
    run(async {
        let home = Home::new(&["p256", "p384"]);
        let operations = r#""tls13-client-certificate-verify", "tls12-client-certificate-verify", "tls13-server-certificate-verify""#;
        let rule = rule(operations, r#""upstream.example""#, "");
        let config = home.config(&format!("client = [\"p256\"]\n{rule}"));
        let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
        let (client, server) = (site("p256"), site("p384"));
        let to = |site: &'static crate::support::Site, name| site.handshake(Some(name));
        let upstream = "upstream.example";
        ask(
            &home,
            config,
            vec![
                ("TLS 1.3", to(client, upstream).tls13_client(P256), None),
                (
                    "TLS 1.2",
                    to(client, upstream).tls12_client(suite, P256),
                    None,
                ),
                (
                    "toward another server",
                    to(client, "other.example").tls13_client(P256),
                    refused(RefusalReason::Name),
                ),
                (
                    "a client's key for a server",
                    to(client, upstream).tls13(P256),
                    refused(RefusalReason::Operation),
                ),
                (
                    "a server's key for a client",
                    to(server, upstream).tls13_client(server.scheme()),
                    refused(RefusalReason::Operation),
                ),
                (
                    "a server's key",
                    to(server, upstream).tls13(server.scheme()),
                    None,
                ),
            ],
        )
        .await;
    });
}

#[test]
fn the_catalog_says_what_a_key_is_for() {
    run(async {
        let home = Home::new(&["p256", "p384"]);
        let operations = r#""tls13-client-certificate-verify", "tls13-server-certificate-verify", "tls13-transcript-hash""#;
        let rule = rule(operations, r#""*""#, "allow_no_sni = true");
        let switches = "client = [\"p256\"]\nallow_transcript_hash = [\"p384\"]";
        let server = start(home.config(&format!("{switches}\n{rule}"))).await;
        let client = home.client(&server.addresses()[0]);
        let mut catalog = client.catalog();
        let catalog = catalog.wait_for(Option::is_some).await.unwrap();
        let entries = &catalog.as_ref().unwrap().entries;
        let of = |label| {
            let entry = entries.iter().find(|entry| entry.key == site(label).id());
            entry.unwrap().operations.clone()
        };
        assert_eq!(of("p256"), [OperationKind::Tls13ClientCertificateVerify]);
        assert_eq!(
            of("p384"),
            [
                OperationKind::Tls13ServerCertificateVerify,
                OperationKind::Tls13TranscriptHash
            ]
        );
    });
}

#[test]
fn a_transcript_hash_needs_key_and_rule() {
    let operation = |label: &'static str| {
        Operation::Tls13TranscriptHash(Tls13TranscriptHash {
            key: site(label).id(),
            scheme: site(label).scheme(),
            transcript_hash: vec![7; 32],
        })
    };
    run(async {
        let home = Home::new(&["p256", "p384"]);
        let rule = rule(
            r#""tls13-transcript-hash""#,
            r#""*""#,
            "allow_no_sni = true",
        );
        let config = home.config(&format!("allow_transcript_hash = [\"p256\"]\n{rule}"));
        ask(
            &home,
            config,
            vec![
                ("a key that is enabled", operation("p256"), None),
                (
                    "another",
                    operation("p384"),
                    refused(RefusalReason::Operation),
                ),
            ],
        )
        .await;
        let config = home.open_config("allow_transcript_hash = [\"p256\"]");
        let expected = refused(RefusalReason::Operation);
        ask(
            &home,
            config,
            vec![("no rule names it", operation("p256"), expected)],
        )
        .await;
    });
}

#[test]
fn what_a_rule_could_never_allow_is_a_mistake_in_it() {
    let parse = |rule: String| {
        let text = format!(
            "listen = [\"127.0.0.1:0\"]\ncertificate = \"a\"\nkey = \"b\"\nclient_ca = \"c\"\n\
             [keys]\ndirectory = \"keys\"\n{rule}"
        );
        Config::parse(&text, "keyserver.toml").map_err(|error| error.to_string())
    };
    let hash = r#""tls13-transcript-hash""#;
    for wrong in [
        rule(hash, r#""*.example""#, "allow_no_sni = true"),
        rule(hash, r#""*""#, ""),
    ] {
        let error = parse(wrong).unwrap_err();
        assert!(error.contains("shows no name"), "{error}");
    }
    parse(rule(hash, r#""*""#, "allow_no_sni = true")).unwrap();

    let request = r#""certificate-request""#;
    let error = parse(rule(request, r#""*.example""#, "")).unwrap_err();
    assert!(error.contains("administrator = true"), "{error}");
    parse(rule(request, r#""*.example""#, "administrator = true")).unwrap();
}

#[test]
fn an_administrator_has_requests_signed_for_the_rules_names() {
    run(async {
        let home = Home::new(&["p256"]);
        let operation = |names: &[&str]| {
            Operation::CertificateRequest(CertificateRequest {
                key: site("p256").id(),
                scheme: P256,
                names: names.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        let config = home.config(&rule(
            r#""certificate-request""#,
            r#""shop.example", "*.shop.example""#,
            "administrator = true",
        ));
        ask(
            &home,
            config,
            vec![
                ("a name", operation(&["shop.example"]), None),
                (
                    "a wildcard and a name",
                    operation(&["*.shop.example", "www.shop.example"]),
                    None,
                ),
                (
                    "one name too many",
                    operation(&["shop.example", "evil.example"]),
                    refused(RefusalReason::Name),
                ),
                (
                    "a wildcard that is too wide",
                    operation(&["*.example"]),
                    refused(RefusalReason::Name),
                ),
                ("no name", operation(&[]), refused(RefusalReason::Check)),
            ],
        )
        .await;
    });
}

/// The reading of a configuration refuses such a rule; where the operation is decided it counts for nothing.
#[test]
fn a_rule_for_an_edge_has_no_request_signed() {
    run(async {
        let home = Home::new(&["p256"]);
        let mut config = home.config(&rule(
            r#""certificate-request", "tls13-server-certificate-verify""#,
            r#""shop.example""#,
            "administrator = true",
        ));
        for edge in &mut config.edges {
            edge.administrator = false;
        }
        let server = start(config).await;
        let client = home.client(&server.addresses()[0]);
        let request = Operation::CertificateRequest(CertificateRequest {
            key: site("p256").id(),
            scheme: P256,
            names: vec!["shop.example".to_owned()],
        });
        let outcome = client.perform(request, PATIENCE).await;
        assert_eq!(outcome.err(), refused(RefusalReason::Operation));
        let mut catalog = client.catalog();
        let catalog = catalog.wait_for(Option::is_some).await.unwrap();
        assert_eq!(
            catalog.as_ref().unwrap().entries[0].operations,
            [OperationKind::Tls13ServerCertificateVerify]
        );
    });
}

#[test]
fn a_credential_is_signed_if_every_name_of_the_certificate_is_the_edges() {
    run(async {
        let home = Home::new(&[]);
        let key = KeyPair::generate().unwrap();
        let names = ["shop.example", "*.shop.example"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 44363, 44], vec![5, 0]);
        params.custom_extensions = vec![usage];
        let certificate = params.self_signed(&key).unwrap();
        home.write_key("delegating.key", key.serialize_pem().as_bytes());

        let not_before = params.not_before.unix_timestamp();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let since = i64::try_from(now).unwrap() - not_before;
        let operation = |seconds: i64| {
            Operation::DelegatedCredential(DelegatedCredential {
                key: KeyId::of_spki(&key.subject_public_key_info()),
                scheme: P256,
                certificate: certificate.der().to_vec(),
                valid_time: (since + seconds).try_into().unwrap(),
                credential_scheme: P256,
                public_key: site("p256").public_key().spki_der().to_vec(),
            })
        };
        let delegate = |names| home.config(&rule(r#""delegated-credential""#, names, ""));
        ask(
            &home,
            delegate(r#""shop.example", "*.shop.example""#),
            vec![
                ("for an hour", operation(3600), None),
                (
                    "for a week",
                    operation(7 * 86_400),
                    refused(RefusalReason::Check),
                ),
            ],
        )
        .await;
        ask(
            &home,
            delegate(r#""shop.example""#),
            vec![(
                "without the wildcard",
                operation(3600),
                refused(RefusalReason::Name),
            )],
        )
        .await;
    });
}
