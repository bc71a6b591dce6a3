//! Sessions are taken up again with tickets, without the key server, and stay with their site.

use std::sync::Arc;

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls12Resumption, Tls13ClientSessionValue,
};
use rustls::{HandshakeKind, NamedGroup};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Client, Home, Service, Site, soon};

/// A request on a connection of its own; how the handshake was.
async fn visit(client: &Client, home: &Home, name: &str) -> HandshakeKind {
    let mut stream = client.connect(home.address(), name).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // TLS 1.3 tickets come with the response.
    soon("the response", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    stream.get_ref().1.handshake_kind().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_both_versions() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    for client in [Client::tls13(), Client::tls12()] {
        assert_ne!(
            visit(&client, &home, "shop.example").await,
            HandshakeKind::Resumed
        );
        for _ in 0..3 {
            assert_eq!(
                visit(&client, &home, "shop.example").await,
                HandshakeKind::Resumed
            );
        }
    }
    let counts = home.edge().counts();
    assert_eq!(
        (
            counts.handshakes_tls13_full,
            counts.handshakes_tls13_resumed
        ),
        (1, 3)
    );
    assert_eq!(
        (
            counts.handshakes_tls12_full,
            counts.handshakes_tls12_resumed
        ),
        (1, 3)
    );
    assert_eq!(counts.key_operations, 2);
}

/// Clients without tickets name their session by its ID.
#[tokio::test(flavor = "multi_thread")]
async fn session_ids_of_tls12() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let mut client = Client::tls12();
    client.config.resumption =
        Resumption::in_memory_sessions(8).tls12_resumption(Tls12Resumption::SessionIdOnly);
    assert_ne!(
        visit(&client, &home, "shop.example").await,
        HandshakeKind::Resumed
    );
    assert_eq!(
        visit(&client, &home, "shop.example").await,
        HandshakeKind::Resumed
    );
}

/// Where tickets of TLS 1.2, which hold the master secret, are switched off: its sessions are in memory.
#[tokio::test(flavor = "multi_thread")]
async fn no_tickets_of_tls12() {
    let service = Service::hello().await;
    let sites = [Site::new(&["shop.example"], &service.url())];
    let home = Home::start_with("tls12_session_tickets = false", &sites, "").await;
    for mode in [
        Tls12Resumption::SessionIdOnly,
        Tls12Resumption::SessionIdOrTickets,
    ] {
        let mut client = Client::tls12();
        client.config.resumption = Resumption::in_memory_sessions(8).tls12_resumption(mode);
        visit(&client, &home, "shop.example").await;
        let again = visit(&client, &home, "shop.example").await;
        assert_eq!(again, HandshakeKind::Resumed, "{mode:?}");
    }
    visit(&Client::tls13(), &home, "shop.example").await;
}

/// A client's store that takes all servers for one.
#[derive(Debug)]
struct OneServer(ClientSessionMemoryCache);

fn anybody() -> ServerName<'static> {
    ServerName::try_from("anybody.example").unwrap()
}

impl ClientSessionStore for OneServer {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(anybody(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&anybody())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(anybody(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&anybody())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&anybody());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(anybody(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&anybody())
    }
}

/// What a client has agreed on with one site is nothing to another.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_stay_with_their_site() {
    let service = Service::hello().await;
    let sites = [
        Site::new(&["shop.example"], &service.url()),
        Site::new(&["other.example"], &service.url()),
    ];
    let home = Home::start(&sites).await;
    for mut client in [Client::tls13(), Client::tls12()] {
        let store = Arc::new(OneServer(ClientSessionMemoryCache::new(8)));
        client.config.resumption = Resumption::store(store);
        visit(&client, &home, "shop.example").await;
        assert_ne!(
            visit(&client, &home, "other.example").await,
            HandshakeKind::Resumed
        );
        assert_eq!(
            visit(&client, &home, "other.example").await,
            HandshakeKind::Resumed
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_edge_cannot_take_them_up() {
    let service = Service::hello().await;
    let first = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let second = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    for client in [Client::tls13(), Client::tls12()] {
        visit(&client, &first, "shop.example").await;
        assert_ne!(
            visit(&client, &second, "shop.example").await,
            HandshakeKind::Resumed
        );
    }
}
