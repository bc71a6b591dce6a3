//! The admin address of an edge that works: metrics, readiness, the page.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Client, Home, Service, Site, until};

const ADMIN: &str = "[admin]\nlisten = \"127.0.0.1:0\"\n";

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// A site with a full handshake, a resumed one, and one for a name that is not there.
async fn worked() -> Home {
    let service = Service::hello().await;
    let sites = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("", &sites, ADMIN).await;
    let client = Client::tls13();
    for _ in 0..2 {
        assert_eq!(client.get(home.address(), "shop.example").await.0, 200);
    }
    let failed = client.connect(home.address(), "elsewhere.example").await;
    failed.unwrap_err();
    until("all are counted", || {
        home.edge()
            .counts()
            .failures
            .iter()
            .any(|(_, count)| *count > 0)
    })
    .await;
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_are_counted_by_version_kind_and_alert() {
    let home = worked().await;
    let (_, text) = get(home.edge().admin_address().unwrap(), "/metrics").await;
    for line in [
        "keyward_edge_handshake_seconds_count{version=\"TLS 1.3\",kind=\"full\"} 1",
        "keyward_edge_handshake_seconds_count{version=\"TLS 1.3\",kind=\"resumed\"} 1",
        "keyward_edge_handshake_seconds_count{version=\"TLS 1.2\",kind=\"full\"} 0",
        "keyward_edge_handshake_failures_total{cause=\"unknown-name\"} 1",
        "keyward_edge_alerts_sent_total{alert=\"unrecognized_name\"} 1",
        "keyward_edge_need_seconds_count{need=\"key_operation\"} 1",
        "keyward_edge_need_seconds_count{need=\"certificate\"} 3",
        "keyward_edge_key_operations_total{verdict=\"performed\"} 1",
        "keyward_edge_key_servers_reachable 1",
        "keyward_edge_requests_total 2",
        "keyward_edge_site_certificates{site=\"shop.example\"} 2",
        "keyward_edge_ready 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let server = format!(
        "keyward_edge_key_server_seconds_count{{server=\"{}\"}} 1",
        home.socket()
    );
    assert!(text.contains(&server), "{text}");
    let ends = "keyward_edge_certificate_not_after_timestamp_seconds{site=\"shop.example\",certificate=\"0\",key_kind=";
    assert!(text.contains(ends), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_finds_nothing_wrong_with_the_metrics() {
    let home = worked().await;
    let (_, text) = get(home.edge().admin_address().unwrap(), "/metrics").await;
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
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_has_every_metric_and_no_other() {
    let home = worked().await;
    let (_, text) = get(home.edge().admin_address().unwrap(), "/metrics").await;
    let families = text.lines().filter_map(|line| {
        let name = line.strip_prefix("# TYPE ")?.split(' ').next()?;
        name.starts_with("keyward_edge_").then(|| name.to_owned())
    });
    let families: BTreeSet<String> = families.collect();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let documented = page.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
        name.starts_with("keyward_edge_").then(|| name.to_owned())
    });
    let documented: BTreeSet<String> = documented.collect();
    assert_eq!(families, documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_without_key_server_is_not_ready_and_says_why() {
    let mut home = worked().await;
    let address = home.edge().admin_address().unwrap();
    assert_eq!(get(address, "/readyz").await, (200, "ready\n".to_owned()));
    home.kill_key_server();
    until("the edge has noticed", || {
        !home.edge().key_server_connected()
    })
    .await;
    let (status, why) = get(address, "/readyz").await;
    assert_eq!(status, 503);
    assert!(why.contains("no key server in reach"), "{why}");
    assert_eq!(get(address, "/healthz").await.0, 200);
    let (_, text) = get(address, "/metrics").await;
    assert!(
        text.contains("\nkeyward_edge_key_servers_reachable 0\n"),
        "{text}"
    );
    home.start_key_server().await;
    home.connected().await;
    assert_eq!(get(address, "/readyz").await.0, 200);
    home.stop_edge(Duration::from_secs(1)).await;
    assert!(
        TcpStream::connect(address).await.is_err(),
        "it ends with the edge"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_sites_handshakes_and_key_servers() {
    let home = worked().await;
    let (status, page) = get(home.edge().admin_address().unwrap(), "/").await;
    assert_eq!(status, 200);
    for text in [
        "<h1>Edge</h1>",
        "<td>shop.example</td>",
        "lets this edge use it",
        "<dt>TLS 1.3, resumed</dt>",
        "<td>unknown-name</td>",
        "<td>unrecognized_name</td>",
        "connected: keyward-keyserver/",
        "Handshake: TLS 1.3, full",
        "Waited for: key operation",
        "<svg ",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}
