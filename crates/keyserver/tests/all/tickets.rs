//! Session ticket keys: the same from every key server with one root, of an edge's own names, and no earlier ones in the file.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use keyward_keyclient::{KeyClient, TicketKeys};
use keyward_keyserver::{KeyServer, StartError, tickets};

use crate::support::{Home, PATIENCE, run, set_mode, site, start};

const HOUR: Duration = Duration::from_secs(3600);

fn root(home: &Home, age: Duration) {
    tickets::init(&home.path("tickets.root"), 3600, SystemTime::now() - age).unwrap();
}

fn rules(names: &[&str]) -> String {
    let mut text = "[tickets]\nroot = \"tickets.root\"\n".to_owned();
    for (i, names) in names.iter().enumerate() {
        let operation = [
            "tls13-server-certificate-verify",
            "tls12-server-key-exchange",
        ][i % 2];
        text.push_str(&format!(
            "[[edge]]\nname = \"edge-1.example\"\nkeys = [\"*\"]\noperations = [\"{operation}\"]\nnames = {names}\n"
        ));
    }
    text
}

async fn ticket_keys(client: &KeyClient) -> Arc<TicketKeys> {
    let mut received = client.ticket_keys();
    let keys = tokio::time::timeout(PATIENCE, received.wait_for(Option::is_some)).await;
    keys.expect("keys come").unwrap().clone().unwrap()
}

#[test]
fn key_servers_with_one_root_give_the_same_keys() {
    run(async {
        let (home, other) = (Home::new(&["p256"]), Home::new(&["p256"]));
        root(&home, Duration::ZERO);
        std::fs::copy(home.path("tickets.root"), other.path("tickets.root")).unwrap();
        let mut all = Vec::new();
        for home in [&home, &other] {
            // The order in which a rule has its names means nothing.
            let names = [
                r#"["shop.example", "*.shop.example"]"#,
                r#"["*.shop.example", "shop.example"]"#,
            ];
            let server = start(home.config(&rules(&names))).await;
            let client = home.client(&server.addresses()[0]);
            let keys = ticket_keys(&client).await;
            assert_eq!(keys.tenants.len(), 1);
            assert_eq!(keys.tenants[0].names, ["*.shop.example", "shop.example"]);
            assert_eq!(keys.epoch_s, 3600);
            assert!(keys.next_ms <= 3_600_000);
            all.push(keys);
        }
        // Unless an epoch ended in between.
        if all[0].epoch == all[1].epoch {
            assert_eq!(all[0].tenants, all[1].tenants);
        } else {
            assert_eq!(all[0].tenants[0].next, all[1].tenants[0].current);
        }
    });
}

#[test]
fn an_edge_gets_the_keys_of_its_own_names() {
    run(async {
        let home = Home::new(&["p256"]);
        root(&home, Duration::ZERO);
        let mut text = rules(&[r#"["a.example"]"#, r#"["b.example", "a.example"]"#]);
        text.push_str(
            "[[edge]]\nname = \"edge-2.example\"\nkeys = [\"*\"]\nnames = [\"a.example\"]\n\
             operations = [\"tls13-server-certificate-verify\"]\n\
             [[edge]]\nname = \"edge-2.example\"\nkeys = [\"*\"]\nnames = [\"c.example\"]\n\
             operations = [\"certificate-request\"]\nadministrator = true\n",
        );
        home.edge("edge-2.example");
        let server = start(home.config(&text)).await;
        let one = ticket_keys(&home.client_of(&server, "edge-1.example")).await;
        let two = ticket_keys(&home.client_of(&server, "edge-2.example")).await;
        let names = |keys: &TicketKeys| {
            keys.tenants
                .iter()
                .map(|tenant| tenant.names.join(" "))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&one), ["a.example", "a.example b.example"]);
        // Requests for certificates give no session.
        assert_eq!(names(&two), ["a.example"]);
        assert_eq!(one.tenants[0], two.tenants[0]);
        assert_ne!(one.tenants[0].current, one.tenants[1].current);
    });
}

#[test]
fn the_file_forgets_epochs_that_are_over() {
    run(async {
        let home = Home::new(&["p256"]);
        root(&home, 10 * HOUR);
        let before = std::fs::read_to_string(home.path("tickets.root")).unwrap();
        let server = start(home.config(&rules(&[r#"["a.example"]"#]))).await;
        let after = std::fs::read_to_string(home.path("tickets.root")).unwrap();
        let epoch = |text: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix("epoch "));
            line.unwrap().parse().unwrap()
        };
        let secret = |text: &str| text.lines().last().unwrap().to_owned();
        assert!(epoch(&after) >= epoch(&before) + 10);
        assert_ne!(secret(&after), secret(&before));
        let keys = ticket_keys(&home.client(&server.addresses()[0])).await;
        assert!(keys.epoch == epoch(&after) + 1 || keys.epoch == epoch(&after) + 2);
        assert!(keys.tenants[0].previous.is_some());
    });
}

#[test]
fn without_a_root_there_are_none() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("")).await;
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        client.refresh_ticket_keys();
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        assert!(client.ticket_keys().borrow().is_none());
    });
}

#[test]
fn a_root_that_cannot_be_used_is_told() {
    run(async {
        let home = Home::new(&["p256"]);
        let config = home.config(&rules(&[r#"["a.example"]"#]));
        let fails = async || match KeyServer::start(config.clone()).await {
            Err(StartError::Config(error)) => error.to_string(),
            other => panic!("{other:?}"),
        };
        let path = home.path("tickets.root");
        assert!(fails().await.contains("No such file"));
        root(&home, Duration::ZERO);
        set_mode(&path, 0o640);
        let error = fails().await;
        assert!(error.contains("chmod 600"), "{error}");
        assert!(
            config
                .check()
                .problems
                .iter()
                .any(|problem| problem.to_string() == error)
        );
        set_mode(&path, 0o600);
        let good = std::fs::read_to_string(&path).unwrap();
        for bad in [
            good.replace("root 1", "root 2"),
            good.replace("epoch_s 3600", "epoch_s 0"),
            good.replace("epoch ", "epoch -"),
            good.replace("root ", "root A"),
            good.clone() + "more\n",
            String::new(),
        ] {
            std::fs::write(&path, &bad).unwrap();
            let error = fails().await;
            assert!(
                error.contains("is no root of session ticket keys"),
                "{error}: {bad}"
            );
        }
        std::fs::remove_file(&path).unwrap();
        tickets::init(&path, 3600, SystemTime::now() + 5 * HOUR).unwrap();
        let error = fails().await;
        assert!(error.contains("one of the two is wrong"), "{error}");
        let error = tickets::init(&path, 3600, SystemTime::now())
            .unwrap_err()
            .to_string();
        assert!(error.contains("exists"), "{error}");
        let error = tickets::init(&home.path("other"), 5, SystemTime::now())
            .unwrap_err()
            .to_string();
        assert!(error.contains("from 60 to 86400"), "{error}");
    });
}
