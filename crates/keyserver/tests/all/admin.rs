//! The admin address of a key server that works: metrics, readiness, the page.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use keyward_keyserver::{Config, RunningKeyServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::audit;
use crate::support::{Home, PATIENCE, eventually, run, site, start};

pub(crate) const ADMIN: &str = "[admin]\nlisten = \"127.0.0.1:0\"\n";

/// One of everything that metrics tell of.
async fn worked() -> (Home, RunningKeyServer) {
    let home = audit::home();
    keyward_keyserver::tickets::init(&home.path("tickets.root"), 3600, SystemTime::now()).unwrap();
    let rest = audit::section("") + ADMIN + "[tickets]\nroot = \"tickets.root\"\n";
    let server = start(home.open_config(&rest)).await;
    let client = home.client_of(&server, "edge-1.example");
    for label in ["p256", "rsa2048"] {
        client.perform(site(label).tls13(), PATIENCE).await.unwrap();
    }
    let foreign = site("p256").handshake(Some("shop.elsewhere"));
    let refused = client.perform(foreign.tls13(site("p256").scheme()), PATIENCE);
    refused.await.unwrap_err();
    let unknown = client.perform(site("p384").tls13(), PATIENCE);
    unknown.await.unwrap_err();
    // Which no answer waits for.
    eventually("the unknown key is recorded", || {
        server.metrics().audit_records == 4
    })
    .await;
    // Keeps the connection while the test looks.
    std::mem::forget(client);
    (home, server)
}

pub(crate) async fn get(address: SocketAddr, path: &str, accept: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[test]
fn what_was_done_is_counted_by_edge_kind_and_verdict() {
    run(async {
        let (_home, server) = worked().await;
        let (_, text) = get(server.admin_address().unwrap(), "/metrics", "*/*").await;
        let operations = "keyward_keyserver_operations_total{edge=\"edge-1.example\",operation=\"tls13-server-certificate-verify\"";
        for line in [
            format!("{operations},verdict=\"performed\"}} 2"),
            format!("{operations},verdict=\"refused\"}} 1"),
            format!("{operations},verdict=\"unknown_key\"}} 1"),
            "keyward_keyserver_refusals_total{reason=\"name\"} 1".to_owned(),
            "keyward_keyserver_queue_seconds_count{algorithm=\"ecdsa\"} 2".to_owned(),
            "keyward_keyserver_store_seconds_count{algorithm=\"ecdsa\"} 1".to_owned(),
            "keyward_keyserver_store_seconds_count{algorithm=\"rsa\"} 1".to_owned(),
            "keyward_keyserver_open_connections 1".to_owned(),
            "keyward_keyserver_connections_total{verdict=\"accepted\"} 1".to_owned(),
            "keyward_keyserver_audit_records_total{result=\"written\"} 4".to_owned(),
            "keyward_keyserver_audit_waiting_records 0".to_owned(),
            "keyward_keyserver_keys 2".to_owned(),
            "keyward_keyserver_ready 1".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        let ends = text.lines().find(|line| {
            line.starts_with(
                "keyward_keyserver_certificate_not_after_timestamp_seconds{key=\"p256\"",
            )
        });
        let seconds: i64 = ends.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
        assert!(seconds > 1_700_000_000, "{text}");
    });
}

#[test]
fn prometheus_finds_nothing_wrong_with_the_metrics() {
    run(async {
        let (_home, server) = worked().await;
        let address = server.admin_address().unwrap();
        let (_, open) = get(address, "/metrics", "application/openmetrics-text").await;
        assert!(open.ends_with("# EOF\n"), "{open}");
        let (_, text) = get(address, "/metrics", "*/*").await;
        let promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut promtool = match promtool {
            Ok(promtool) => promtool,
            Err(cause) => {
                let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
                assert!(!in_ci, "promtool: {cause}; .ci/run has to install it");
                return eprintln!("skipped: promtool is not installed");
            }
        };
        let mut stdin = promtool.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        let output = promtool.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{text}");
    });
}

#[test]
fn the_documentation_has_every_metric_and_no_other() {
    run(async {
        let (_home, server) = worked().await;
        let (_, text) = get(server.admin_address().unwrap(), "/metrics", "*/*").await;
        let families = text.lines().filter_map(|line| {
            let name = line.strip_prefix("# TYPE ")?.split(' ').next()?;
            name.starts_with("keyward_keyserver_")
                .then(|| name.to_owned())
        });
        let families: BTreeSet<String> = families.collect();
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        let page = std::fs::read_to_string(page).unwrap();
        let documented = page.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
            name.starts_with("keyward_keyserver_")
                .then(|| name.to_owned())
        });
        let documented: BTreeSet<String> = documented.collect();
        assert_eq!(families, documented);
    });
}

#[test]
fn a_key_server_that_stops_is_not_ready_and_says_so() {
    run(async {
        let (_home, server) = worked().await;
        let address = server.admin_address().unwrap();
        assert_eq!(
            get(address, "/readyz", "*/*").await,
            (200, "ready\n".to_owned())
        );
        assert_eq!(get(address, "/healthz", "*/*").await.0, 200);
        // The connected edge does not close, so that stopping lasts.
        let stopping = tokio::spawn(server.shutdown());
        let mut last = (0, String::new());
        for _ in 0..500 {
            last = get(address, "/readyz", "*/*").await;
            if last.0 == 503 {
                break;
            }
        }
        assert_eq!(
            last,
            (
                503,
                "not ready\n- it stops: edges are told to go elsewhere\n".to_owned()
            )
        );
        stopping.await.unwrap();
        let gone = TcpStream::connect(address).await;
        assert!(gone.is_err(), "the admin address ends with the key server");
    });
}

#[test]
fn the_page_shows_keys_edges_and_times_and_nothing_secret() {
    run(async {
        let (home, server) = worked().await;
        eventually("the edge is there", || server.metrics().connections == 1).await;
        let (status, page) = get(server.admin_address().unwrap(), "/", "text/html").await;
        assert_eq!(status, 200);
        for text in [
            "<h1>Key server</h1>",
            "Ready",
            "<td>p256</td>",
            "shop.example, www.shop.example",
            "<td>edge-1.example</td><td>127.0.0.1:",
            "name: the handshake&#39;s server name is not among this edge&#39;s names",
            "Wait for a worker: ecdsa",
            "<svg ",
            "strict",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        let key = std::fs::read_to_string(home.path("keys/p256.key")).unwrap();
        let secret = key.lines().nth(1).unwrap();
        assert!(!page.contains(secret) && !page.contains("PRIVATE KEY"));
    });
}

#[test]
fn an_address_that_others_reach_has_to_be_meant() {
    let home = Home::new(&["p256"]);
    let parse = |admin: &str| Config::parse(&home.config_text(admin), home.path("keyserver.toml"));
    let error = parse("[admin]\nlisten = \"0.0.0.0:0\"")
        .unwrap_err()
        .to_string();
    assert!(error.contains("allow_remote = true"), "{error}");
    let config = parse("[admin]\nlisten = \"0.0.0.0:0\"\nallow_remote = true").unwrap();
    let report = config.check();
    let warnings: Vec<String> = report
        .problems
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("asks nobody who he is")),
        "{warnings:?}"
    );
}
