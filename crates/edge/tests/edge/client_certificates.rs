//! Clients' certificates: asked for by the site, checked, told to the service, and never the client's own
//! word.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response};
use keyward_edge::{FailureCause, Reloaded};
use rustls::{AlertDescription, HandshakeKind};
use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Client, Clients, Home, Service, Site, alert_of, full, revocations, soon};

/// Says what it sees of the client's certificate.
async fn witness() -> Service {
    Service::start(|request: Request<_>| async move {
        let seen = |name: &str| -> String {
            let values = request.headers().get_all(name).iter();
            let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
            values.join("|")
        };
        let text = format!("{}\n{}", seen("client-cert"), seen("client-cert-chain"));
        let mut response = Response::new(full(text));
        let vary = "accept, client-cert".parse().unwrap();
        response.headers_mut().insert("vary", vary);
        response
    })
    .await
}

fn told(certificate: &CertificateDer<'_>) -> String {
    format!(":{}:", STANDARD.encode(certificate))
}

/// A site for each setting, and two CAs' files.
async fn home(service: &Service, clients: &Clients) -> Home {
    let mut home = Home::new();
    std::fs::write(home.path("clients.pem"), clients.ca_pem()).unwrap();
    std::fs::write(home.path("clients.crl"), revocations(clients, &[66])).unwrap();
    home.start_key_server().await;
    let site = |name: &str, mode: &str| {
        Site::new(&[name], &service.url())
            .with(&format!("client_auth = \"{mode}\""))
            .with("client_ca = \"clients.pem\"")
            .with("client_crl = [\"clients.crl\"]")
    };
    let sites = [
        site("shop.example", "required"),
        site("other.example", "optional"),
        Site::new(&["tcp.example"], &service.url()),
    ];
    home.start_edge(&home.socket(), "", &sites, "").await;
    home.connected().await;
    home
}

/// One request on a connection of its own, with lies about the certificate in it: how the handshake was,
/// and what the service saw.
async fn visit(
    client: &Client,
    home: &Home,
    name: &str,
) -> std::io::Result<(HandshakeKind, String)> {
    let mut stream = client.connect(home.address(), name).await?;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {name}\r\nClient-Cert: :AAAA:\r\nClient_Cert: :AAAA:\r\n\
         Client-Cert-Chain: :AAAA:\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    soon("the response", stream.read_to_string(&mut answer)).await?;
    let (header, body) = answer.split_once("\r\n\r\n").expect("a response");
    assert!(header.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(header.contains("vary: *"), "{header}");
    let kind = stream.get_ref().1.handshake_kind().unwrap();
    Ok((kind, body.to_owned()))
}

/// The alert that ends the handshake, or in TLS 1.3 comes after what is one for the client.
async fn refusal(client: &Client, home: &Home, name: &str) -> Option<AlertDescription> {
    let error = visit(client, home, name).await.expect_err("refused");
    alert_of(&error)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_one_is_told_to_the_service() {
    let service = witness().await;
    let clients = Clients::new("clients");
    let home = home(&service, &clients).await;
    for client in [Client::tls13(), Client::tls12()] {
        let certificate = clients.good(1);
        let seen = format!("{}\n{}", told(&certificate.0[0]), told(&certificate.0[1]));
        let client = client.with_certificate(certificate);
        for name in ["shop.example", "other.example"] {
            // The second time with the first one's session: it has the certificate still.
            let (first, text) = visit(&client, &home, name).await.unwrap();
            assert_eq!(text, seen);
            let (second, text) = visit(&client, &home, name).await.unwrap();
            assert_eq!(text, seen);
            assert!(first != HandshakeKind::Resumed && second == HandshakeKind::Resumed);
        }
        let (_, text) = visit(&client, &home, "tcp.example").await.unwrap();
        assert_eq!(text, "\n", "a site that asks for none tells of none");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_one() {
    let service = witness().await;
    let clients = Clients::new("clients");
    let home = home(&service, &clients).await;
    for (client, alert) in [
        (Client::tls13(), AlertDescription::CertificateRequired),
        (Client::tls12(), AlertDescription::HandshakeFailure),
    ] {
        assert_eq!(refusal(&client, &home, "shop.example").await, Some(alert));
        let (_, text) = visit(&client, &home, "other.example").await.unwrap();
        assert_eq!(text, "\n");
    }
    let counts = home.edge().counts();
    assert_eq!(counts.failed(FailureCause::ClientCertificate), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_good() {
    let service = witness().await;
    let clients = Clients::new("clients");
    let home = home(&service, &clients).await;
    let long_ago = OffsetDateTime::now_utc() - Duration::days(90);
    for base in [Client::tls13(), Client::tls12()] {
        for (certificate, alert, cause) in [
            (
                Clients::new("strangers").good(1),
                AlertDescription::UnknownCA,
                "neither trusted",
            ),
            (
                clients.issue(2, long_ago),
                AlertDescription::CertificateExpired,
                "expired",
            ),
            (
                clients.good(66),
                AlertDescription::CertificateRevoked,
                "revoked",
            ),
        ] {
            let client = base.clone().with_certificate(certificate);
            for name in ["shop.example", "other.example"] {
                assert_eq!(refusal(&client, &home, name).await, Some(alert));
                home.log.line(&["refused a connection", cause, name]).await;
            }
        }
    }
}

/// A certificate that is revoked later ends the sessions as well, and what cannot be used changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_change_while_the_edge_runs() {
    let service = witness().await;
    let clients = Clients::new("clients");
    let home = home(&service, &clients).await;
    let client = Client::tls13().with_certificate(clients.good(1));
    visit(&client, &home, "shop.example").await.unwrap();
    // What is read first is what was there before.
    assert_eq!(home.edge().reload().await, Reloaded::default());
    assert_eq!(
        visit(&client, &home, "shop.example").await.unwrap().0,
        HandshakeKind::Resumed
    );

    std::fs::write(home.path("clients.crl"), "half of a list").unwrap();
    let strangers = Clients::new("strangers");
    std::fs::write(home.path("clients.pem"), strangers.ca_pem()).unwrap();
    let failed = Reloaded {
        changed: 0,
        failed: 2,
    };
    assert_eq!(home.edge().reload().await, failed);
    // A list that is newer and says nothing of this client costs it no session.
    std::fs::write(home.path("clients.pem"), clients.ca_pem()).unwrap();
    std::fs::write(home.path("clients.crl"), revocations(&clients, &[65])).unwrap();
    assert_eq!(home.edge().reload().await.changed, 2);
    assert_eq!(
        visit(&client, &home, "shop.example").await.unwrap().0,
        HandshakeKind::Resumed
    );

    std::fs::write(home.path("clients.crl"), revocations(&clients, &[1])).unwrap();
    let changed = Reloaded {
        changed: 2,
        failed: 0,
    };
    assert_eq!(home.edge().reload().await, changed);
    assert_eq!(
        refusal(&client, &home, "shop.example").await,
        Some(AlertDescription::CertificateRevoked)
    );
    // Others are served on.
    let other = Client::tls13().with_certificate(clients.good(2));
    visit(&other, &home, "shop.example").await.unwrap();
}

/// A renewed chain is shown without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_sites_own_chain_changes_too() {
    let service = Service::hello().await;
    let home = Home::start(&[Site::with_chain(
        &["shop.example"],
        &service.url(),
        "ecdsa.pem",
    )])
    .await;
    let rsa = std::fs::read(home.path("rsa.pem")).unwrap();
    let leaf = async || {
        let client = Client::tls13();
        let stream = client.connect(home.address(), "shop.example").await;
        let stream = stream.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let before = leaf().await;
    std::fs::write(home.path("ecdsa.pem"), rsa).unwrap();
    assert_eq!(home.edge().reload().await.changed, 1);
    let after = leaf().await;
    assert_ne!(before, after);
}
