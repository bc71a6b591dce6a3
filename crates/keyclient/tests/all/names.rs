//! Key servers by name: A, AAAA and SRV records, and what becomes of them when the records change.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_keyclient::{ConnectionState, KeyClient, KeyClientConfig, KeyClientError};
use keyward_pki::Authority;
use keyward_protocol::ALPN;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::scripted::{PATIENCE, Scripted, hello, operation, run, unhurried};

const A: u16 = 1;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// What a name server knows: name, type, data. With `TTL`.
type Records = Arc<Mutex<Vec<(String, u16, Vec<u8>)>>>;

/// Names are resolved anew after a second at the earliest, which is what the tests wait for.
const TTL: u32 = 1;

/// A name server that answers from a list, over UDP; ended when dropped.
struct NameServer {
    address: SocketAddr,
    records: Records,
    task: JoinHandle<()>,
}

impl NameServer {
    async fn start(records: Vec<(&str, u16, Vec<u8>)>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let known: Records = Arc::new(Mutex::new(records_of(records)));
        let records = known.clone();
        Self {
            address,
            records: known,
            task: tokio::spawn(async move {
                let mut question = [0; 1500];
                while let Ok((len, from)) = socket.recv_from(&mut question).await {
                    let answer = answer(&question[..len], &records.lock().unwrap());
                    let _ = socket.send_to(&answer, from).await;
                }
            }),
        }
    }

    fn set(&self, records: Vec<(String, u16, Vec<u8>)>) {
        *self.records.lock().unwrap() = records;
    }
}

fn records_of(records: Vec<(&str, u16, Vec<u8>)>) -> Vec<(String, u16, Vec<u8>)> {
    let owned = records.into_iter();
    owned
        .map(|(name, kind, data)| (name.to_owned(), kind, data))
        .collect()
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The answer to a question (RFC 1035 §4.1).
fn answer(question: &[u8], records: &[(String, u16, Vec<u8>)]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let len = usize::from(question[at]);
        name.push(String::from_utf8_lossy(&question[at + 1..at + 1 + len]).to_lowercase());
        at += 1 + len;
    }
    let name = name.join(".");
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let end = at + 5;
    let found: Vec<_> = records
        .iter()
        .filter(|(known, of, _)| *known == name && *of == kind)
        .collect();
    let exists = records.iter().any(|(known, ..)| *known == name);
    let mut out = question[..2].to_vec();
    // A response, recursion available; NXDOMAIN if there is no such name.
    out.extend([0x81, if exists { 0x80 } else { 0x83 }]);
    out.extend([0, 1]);
    out.extend(u16::try_from(found.len()).unwrap().to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(&question[12..end]);
    for (_, kind, data) in found {
        // The name is that of the question.
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out.extend(TTL.to_be_bytes());
        out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        out.extend(data);
    }
    out
}

fn address(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn srv(priority: u16, port: u16, host: &str) -> Vec<u8> {
    let mut data = [priority, 1, port].map(u16::to_be_bytes).concat();
    for label in host.split('.') {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend(label.as_bytes());
    }
    data.push(0);
    data
}

fn config(server: &Scripted, target: &str, dns: &NameServer) -> KeyClientConfig {
    let mut config = server.config(unhurried());
    config.servers[0].target = target.parse().unwrap();
    config.dns.name_servers = vec![dns.address];
    config.dns.min_ttl = Duration::from_secs(1);
    config
}

fn labels(client: &KeyClient) -> Vec<String> {
    let servers = client.servers().into_iter();
    servers.map(|server| server.server).collect()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}

#[test]
fn each_address_of_a_host_is_a_key_server_and_they_change() {
    run(async {
        let authority = Arc::new(Authority::new("private CA").unwrap());
        let v4 = Ipv4Addr::LOCALHOST.into();
        let first = Scripted::listen(authority.clone(), SocketAddr::new(v4, 0), &[ALPN]).await;
        let port = first.address().port();
        let other = Ipv4Addr::new(127, 0, 0, 2).into();
        let second =
            Scripted::listen(authority.clone(), SocketAddr::new(other, port), &[ALPN]).await;
        let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
        let dns = NameServer::start(vec![
            ("keys.home.example", A, address(v4)),
            ("keys.home.example", AAAA, address(v6)),
        ])
        .await;
        let target = format!("keys.home.example:{port}");
        let client = KeyClient::start(config(&first, &target, &dns)).unwrap();
        let mut peer = first.greet(hello()).await;
        client.connected(PATIENCE).await.unwrap();
        assert_eq!(
            labels(&client),
            [
                format!("keys.home.example (127.0.0.1:{port})"),
                format!("keys.home.example ([::1]:{port})"),
            ]
        );

        let performing = tokio::spawn({
            let client = client.clone();
            async move { client.perform(operation(), PATIENCE).await }
        });
        let (id, _) = peer.request().await;
        // Nobody listens on the second; the first one moves.
        dns.set(records_of(vec![("keys.home.example", A, address(other))]));
        let mut new = second.greet(hello()).await;
        until("the old one is gone", || labels(&client).len() == 1).await;
        // What it had it may finish.
        peer.reply(id).await;
        performing.await.unwrap().unwrap();
        assert!(peer.next_or_end().await.is_none());
        let performing = tokio::spawn({
            let client = client.clone();
            async move { client.perform(operation(), PATIENCE).await }
        });
        let (id, _) = new.request().await;
        new.reply(id).await;
        let performed = performing.await.unwrap().unwrap();
        assert_eq!(
            *performed.route.server,
            *format!("keys.home.example (127.0.0.2:{port})")
        );

        // A name server that knows nothing any more changes nothing.
        dns.set(Vec::new());
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(labels(&client).len(), 1);
        assert!(matches!(client.state(), ConnectionState::Connected { .. }));
    });
}

#[test]
fn srv_records_name_hosts_and_ports_and_the_lower_priority_comes_first() {
    run(async {
        let servers = Scripted::several(2).await;
        let ports = [servers[0].address().port(), servers[1].address().port()];
        let localhost = || address(Ipv4Addr::LOCALHOST.into());
        let service = "_keyward._tcp.home.example";
        let dns = NameServer::start(vec![
            (service, SRV, srv(10, ports[0], "a.home.example")),
            (service, SRV, srv(20, ports[1], "b.home.example")),
            ("a.home.example", A, localhost()),
            ("b.home.example", A, localhost()),
        ])
        .await;
        let mut config = config(&servers[0], &format!("srv:{service}"), &dns);
        config.hedge_percent = 0;
        let client = KeyClient::start(config).unwrap();
        let mut first = servers[0].greet(hello()).await;
        let mut second = servers[1].greet(hello()).await;
        until("both are connected", || {
            client
                .servers()
                .iter()
                .all(|server| matches!(server.connection, ConnectionState::Connected { .. }))
        })
        .await;
        assert_eq!(labels(&client).len(), 2);
        let perform = || {
            let client = client.clone();
            tokio::spawn(async move { client.perform(operation(), PATIENCE).await })
        };
        for _ in 0..10 {
            let performing = perform();
            let (id, _) = first.request().await;
            first.reply(id).await;
            performing.await.unwrap().unwrap();
        }
        let performing = perform();
        first.request().await;
        drop(first);
        let (id, _) = second.request().await;
        second.reply(id).await;
        performing.await.unwrap().unwrap();
    });
}

#[test]
fn a_name_that_is_unknown_is_an_error_that_says_so_and_not_for_ever() {
    run(async {
        let server = Scripted::new().await;
        let dns = NameServer::start(Vec::new()).await;
        let port = server.address().port();
        let target = format!("keys.home.example:{port}");
        let client = KeyClient::start(config(&server, &target, &dns)).unwrap();
        let error = client.perform(operation(), PATIENCE).await.unwrap_err();
        assert!(
            matches!(&error, KeyClientError::Unreachable { cause }
                if cause.contains(&target) && cause.contains("DNS does not know")),
            "{error:?}"
        );
        assert_eq!(client.state(), ConnectionState::Failed(error));
        let localhost = address(Ipv4Addr::LOCALHOST.into());
        dns.set(records_of(vec![("keys.home.example", A, localhost)]));
        server.greet(hello()).await;
    });
}
