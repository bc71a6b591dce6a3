//! Edges whose key servers have one root of session ticket keys resume each other's sessions.

use std::net::SocketAddr;
use std::time::SystemTime;

use keyward_keyserver::tickets;
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Client, Home, PATIENCE, Service, Site, soon};

const RULE: &str = r#"
    [tickets]
    root = "tickets.root"
    [[edge]]
    name = "edge-1.example"
    keys = ["*"]
    operations = ["tls13-server-certificate-verify", "tls12-server-key-exchange"]
    names = ["shop.example", "*.shop.example"]
"#;

async fn visit(client: &Client, address: SocketAddr, name: &str) -> HandshakeKind {
    let mut stream = client.connect(address, name).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // TLS 1.3 tickets come with the response.
    soon("the response", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    stream.get_ref().1.handshake_kind().unwrap()
}

/// Whether a session that began at one address is resumed at the other.
async fn resumes(client: Client, from: SocketAddr, to: SocketAddr, name: &str) -> bool {
    assert_ne!(visit(&client, from, name).await, HandshakeKind::Resumed);
    visit(&client, to, name).await == HandshakeKind::Resumed
}

/// The keys come with the catalog, a moment later.
async fn eventually_resumes(client: fn() -> Client, from: SocketAddr, to: SocketAddr, name: &str) {
    soon("an edge resumes the other's session", async {
        while !resumes(client(), from, to, name).await {
            tokio::time::sleep(PATIENCE / 1000).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_edges_resume_each_others_sessions() {
    let service = Service::hello().await;
    let other_service = Service::hello().await;
    let mut home = Home::new();
    tickets::init(&home.path("tickets.root"), 3600, SystemTime::now()).unwrap();
    home.start_key_server_with(RULE).await;
    // What is behind an edge is its own affair.
    let mut addresses = Vec::new();
    let mut first = None;
    for service in [&service, &other_service] {
        let sites = [
            Site::new(&["shop.example"], &service.url()),
            Site::new(&["early.shop.example"], &service.url())
                .with("early_data = { max_bytes = 4096 }"),
            Site::new(&["members.shop.example"], &service.url())
                .with("client_auth = \"optional\"\nclient_ca = \"channel-ca.pem\""),
        ];
        home.start_edge(&home.socket(), "", &sites, "").await;
        home.connected().await;
        addresses.push(home.address());
        if first.is_none() {
            first = home.edge.take();
        }
    }
    let (one, two) = (addresses[0], addresses[1]);
    for client in [Client::tls13, Client::tls12] {
        eventually_resumes(client, one, two, "shop.example").await;
        assert!(resumes(client(), two, one, "shop.example").await);
    }
    // An edge knows only the early data that came to itself: such a site's sessions stay with their edge.
    assert!(!resumes(Client::tls13(), one, two, "early.shop.example").await);
    assert!(resumes(Client::tls13(), one, one, "early.shop.example").await);
    // A session says who its client is: with a key that others have, they could say it too.
    for client in [Client::tls13, Client::tls12] {
        assert!(!resumes(client(), one, two, "members.shop.example").await);
        assert!(resumes(client(), one, one, "members.shop.example").await);
    }

    // It goes on without the key server.
    let client = Client::tls13();
    assert_ne!(
        visit(&client, one, "shop.example").await,
        HandshakeKind::Resumed
    );
    home.kill_key_server();
    assert_eq!(
        visit(&client, two, "shop.example").await,
        HandshakeKind::Resumed
    );
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_such_keys_sessions_stay_with_their_edge() {
    let service = Service::hello().await;
    let mut home = Home::start(&[Site::new(&["shop.example"], &service.url())]).await;
    let one = home.address();
    let first = home.edge.take();
    let site = Site::new(&["shop.example"], &service.url());
    home.start_edge(&home.socket(), "", &[site], "").await;
    home.connected().await;
    assert!(!resumes(Client::tls13(), one, home.address(), "shop.example").await);
    assert!(resumes(Client::tls13(), one, one, "shop.example").await);
    drop(first);
}
