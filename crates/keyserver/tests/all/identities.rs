//! Who an edge is, and where it may connect from.

use keyward_keyclient::{KeyClient, KeyClientError, RefusalReason};
use keyward_keyserver::RunningKeyServer;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType};

use crate::support::{Home, PATIENCE, issuer, run, site, start};

/// A certificate with these URIs and no DNS name, as files of this name.
fn issue(home: &Home, file: &str, uris: &[&str]) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = uris
        .iter()
        .map(|uri| SanType::URI((*uri).try_into().unwrap()))
        .collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &issuer(home)).unwrap();
    std::fs::write(home.path(&format!("{file}.pem")), certificate.pem()).unwrap();
    std::fs::write(home.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
}

fn rule(who: &str) -> String {
    format!(
        r#"
        [[edge]]
        {who}
        keys = ["*"]
        operations = ["tls13-server-certificate-verify"]
        names = ["*"]
        "#
    )
}

fn refused(reason: RefusalReason) -> Option<KeyClientError> {
    Some(KeyClientError::Refused { reason })
}

async fn outcome(client: KeyClient) -> Option<KeyClientError> {
    client.perform(site("p256").tls13(), PATIENCE).await.err()
}

#[test]
fn an_edge_is_known_by_its_spiffe_id() {
    run(async {
        let home = Home::new(&["p256"]);
        let edges = [
            ("exact", &["spiffe://example.org/edge/a"][..], true),
            ("below", &["spiffe://example.org/fleet/eu/b"], true),
            ("parent", &["spiffe://example.org/fleet"], false),
            ("sibling", &["spiffe://example.org/edge/ab"], false),
            ("foreign", &["spiffe://example.com/edge/a"], false),
            // An SVID has one URI and no more.
            (
                "two",
                &["spiffe://example.org/edge/a", "spiffe://example.org/edge/z"],
                false,
            ),
            ("web", &["https://example.org/edge/a"], false),
        ];
        for (file, uris, _) in edges {
            issue(&home, file, uris);
        }
        let rules = rule(r#"spiffe = "spiffe://example.org/edge/a""#)
            + &rule(r#"spiffe = "spiffe://example.org/fleet/*""#)
            // Its name is another's: nobody is both.
            + &rule("name = \"edge-1.example\"\nspiffe = \"spiffe://example.org/edge/ab\"");
        let server = start(home.config(&rules)).await;
        for (file, _, allowed) in edges {
            let expected = match allowed {
                true => None,
                false => refused(RefusalReason::Edge),
            };
            assert_eq!(
                outcome(home.client_of(&server, file)).await,
                expected,
                "{file}"
            );
        }
    });
}

#[test]
fn a_rule_counts_where_the_edge_connects_from() {
    run(async {
        let home = Home::new(&["p256"]);
        let over =
            |server: &RunningKeyServer, address: usize| home.client(&server.addresses()[address]);
        let elsewhere = refused(RefusalReason::Network);
        for (from, tcp, unix) in [
            (r#"["127.0.0.0/8"]"#, None, elsewhere.clone()),
            (r#"["unix"]"#, elsewhere.clone(), None),
            (
                r#"["10.0.0.0/8", "2001:db8::/32"]"#,
                elsewhere.clone(),
                elsewhere.clone(),
            ),
            (r#"["::/0", "unix", "127.0.0.1"]"#, None, None),
        ] {
            let who = format!("name = \"edge-1.example\"\nfrom = {from}");
            let server = start(home.config(&rule(&who))).await;
            assert_eq!(outcome(over(&server, 0)).await, tcp, "{from}");
            assert_eq!(outcome(over(&server, 1)).await, unix, "{from}");
            server.shutdown().await;
        }
    });
}
