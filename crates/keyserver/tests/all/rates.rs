//! How often an edge may ask, and a key be used.

use keyward_keyclient::{KeyClientError, RefusalReason};
use keyward_wire::values::SignatureScheme;
use serde_json::Value;

use crate::audit::{home, records, section};
use crate::support::{Home, PATIENCE, eventually, run, site, start};

const RATE: KeyClientError = KeyClientError::Refused {
    reason: RefusalReason::Rate,
};

/// A rule for one edge and one name. A token comes back each second, which a loaded machine may see once or twice.
fn rule(edge: &str, name: &str, burst: u32) -> String {
    format!(
        r#"
        [[edge]]
        name = "{edge}"
        keys = ["*"]
        operations = ["tls13-server-certificate-verify"]
        names = ["{name}"]
        rate = {{ per_second = 1, burst = {burst} }}
        "#
    )
}

#[test]
fn an_edge_has_one_bucket_for_all_its_connections() {
    run(async {
        let home = Home::new(&["p256"]);
        home.edge("edge-2.example");
        let rules = rule("edge-1.example", "*", 20) + &rule("edge-2.example", "*", 20);
        let server = start(home.config(&rules)).await;
        let mut performed = 0;
        // The second client does not begin with a full bucket, though the first is gone.
        for _ in 0..2 {
            let client = home.client(&server.addresses()[0]);
            for _ in 0..40 {
                match client.perform(site("p256").tls13(), PATIENCE).await {
                    Ok(_) => performed += 1,
                    Err(error) => assert_eq!(error, RATE),
                }
            }
        }
        assert!((20..40).contains(&performed), "{performed}");
        assert_eq!(server.metrics().rate_limited, 80 - performed);
        assert_eq!(server.metrics().refused, 80 - performed);
        // Another edge has its own.
        let other = home.client_of(&server, "edge-2.example");
        other.perform(site("p256").tls13(), PATIENCE).await.unwrap();
    });
}

#[test]
fn a_flood_for_one_name_leaves_the_rate_of_another() {
    run(async {
        let home = Home::new(&["ed25519"]);
        let rules =
            rule("edge-1.example", "shop.example", 5) + &rule("edge-1.example", "other.example", 5);
        let server = start(home.config(&rules)).await;
        let client = home.client(&server.addresses()[0]);
        let operation = |name| {
            site("ed25519")
                .handshake(Some(name))
                .tls13(SignatureScheme::ED25519)
        };
        let mut refused = 0;
        for _ in 0..50 {
            let outcome = client.perform(operation("other.example"), PATIENCE).await;
            refused += u64::from(outcome.is_err());
        }
        assert!(refused > 30, "{refused}");
        for _ in 0..5 {
            let outcome = client.perform(operation("shop.example"), PATIENCE).await;
            assert_eq!(outcome.err(), None);
        }
        // A name that no rule has is refused as such, or for the rate: never performed.
        let outcome = client.perform(operation("evil.example"), PATIENCE).await;
        assert!(outcome.is_err());
    });
}

#[test]
fn a_key_has_one_bucket_for_all_edges() {
    run(async {
        let home = Home::new(&["p256", "p384"]);
        home.edge("edge-2.example");
        let rules = r#"
            [[keys.rate]]
            key = "p256.key"
            per_second = 1
            burst = 10
            [[edge]]
            name = "edge-1.example"
            keys = ["*"]
            operations = ["tls13-server-certificate-verify"]
            names = ["*"]
            [[edge]]
            name = "edge-2.example"
            keys = ["*"]
            operations = ["tls13-server-certificate-verify"]
            names = ["*"]
        "#;
        let server = start(home.config(rules)).await;
        let clients =
            ["edge-1.example", "edge-2.example"].map(|edge| home.client_of(&server, edge));
        let mut performed = 0;
        for client in clients.iter().cycle().take(40) {
            match client.perform(site("p256").tls13(), PATIENCE).await {
                Ok(_) => performed += 1,
                Err(error) => assert_eq!(error, RATE),
            }
        }
        assert!((10..30).contains(&performed), "{performed}");
        clients[0]
            .perform(site("p384").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

/// In strict mode as well: that nothing was done needs no record of its own.
#[test]
fn a_flood_of_refusals_is_a_few_records_and_a_number() {
    run(async {
        let home = home();
        let rules = section("") + &rule("edge-1.example", "*", 1);
        let server = start(home.config(&rules)).await;
        let client = home.client(&server.addresses()[0]);
        for _ in 0..500 {
            let _ = client.perform(site("p256").tls13(), PATIENCE).await;
        }
        let refused = server.metrics().refused;
        assert!(refused > 400, "{refused}");
        let count = |records: &[Value]| -> u64 {
            let refusals = records
                .iter()
                .filter(|record| record["verdict"] == "refused");
            refusals
                .map(|record| record["refusals"].as_u64().unwrap_or(1))
                .sum()
        };
        eventually("all are accounted for", || {
            count(&records(&home)) == refused
        })
        .await;
        let records = records(&home);
        let performed = records
            .iter()
            .filter(|record| record["verdict"] == "performed")
            .count();
        assert!(records.len() < performed + 120, "{}", records.len());
        let summary = records
            .iter()
            .find(|record| record.get("refusals").is_some())
            .unwrap();
        assert_eq!(summary["edge"], "edge-1.example");
        assert!(
            summary["cause"]
                .as_str()
                .unwrap()
                .contains("more often than"),
            "{summary}"
        );
    });
}

/// Who guesses at keys is seen, and does not fill the log.
#[test]
fn requests_for_unknown_keys_are_recorded_like_other_refusals() {
    run(async {
        let home = home();
        let server = start(home.open_config(&section(""))).await;
        let client = home.client(&server.addresses()[0]);
        for _ in 0..200 {
            let error = client.perform(site("p384").tls13(), PATIENCE).await;
            assert_eq!(error.unwrap_err(), KeyClientError::UnknownKey);
        }
        let count = || -> u64 {
            let records = records(&home);
            let each = |record: &Value| record["refusals"].as_u64().unwrap_or(1);
            records.iter().map(each).sum()
        };
        eventually("all are accounted for", || count() == 200).await;
        let records = records(&home);
        assert!(records.len() < 100, "{}", records.len());
        assert_eq!(records[0]["verdict"], "refused");
        assert_eq!(records[0]["key"], site("p384").id().to_string());
        assert_eq!(records[0]["cause"], "there is no such key here");
        let summary = records.iter().find(|record| !record["refusals"].is_null());
        let cause = summary.unwrap()["cause"].as_str().unwrap();
        assert!(cause.contains("there is no such key here"), "{cause}");
    });
}
