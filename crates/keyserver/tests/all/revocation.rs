//! An edge whose certificate is revoked, or whose rule is removed, is cut off; the others go on.

use std::time::{Duration, Instant};

use keyward_keyclient::{KeyClientError, RefusalReason};
use keyward_keyserver::{Config, MetricsSnapshot, RunningKeyServer};
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::OffsetDateTime;

use crate::raw_edge::RawEdge;
use crate::support::{ALL_OPERATIONS, Home, PATIENCE, eventually, issuer, run, site, start};

const HOUR: time::Duration = time::Duration::HOUR;

/// The authority's list, with the certificates of these edges on it, and so long valid from now on.
fn list(
    home: &Home,
    number: u64,
    revoked: &[&str],
    valid: time::Duration,
) -> rcgen::CertificateRevocationList {
    let now = OffsetDateTime::now_utc();
    let revoked_certs = revoked.iter().map(|edge| {
        let der = CertificateDer::from_pem_file(home.path(&format!("{edge}.pem"))).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        RevokedCertParams {
            serial_number: SerialNumber::from_slice(certificate.raw_serial()),
            revocation_time: now - HOUR,
            reason_code: None,
            invalidity_date: None,
        }
    });
    let params = CertificateRevocationListParams {
        this_update: now - 2 * HOUR + time::Duration::seconds(number.try_into().unwrap()),
        next_update: now + valid,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked_certs.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&issuer(home)).unwrap()
}

/// As an operator does: whole, in place of the old one.
fn replace(home: &Home, file: &str, content: &[u8]) {
    let new = home.path("new");
    std::fs::write(&new, content).unwrap();
    std::fs::rename(new, home.path(file)).unwrap();
}

fn rules(edges: &[&str]) -> String {
    let rule = |edge: &&str| {
        format!(
            r#"
            [[edge]]
            name = "{edge}"
            keys = ["*"]
            operations = {ALL_OPERATIONS}
            names = ["*"]
            "#
        )
    };
    edges.iter().map(rule).collect()
}

const EDGES: [&str; 2] = ["edge-1.example", "edge-2.example"];

/// A key server whose configuration is in a file, with a list.
async fn serve(home: &Home) -> RunningKeyServer {
    home.edge(EDGES[1]);
    std::fs::write(
        home.path("edges.crl"),
        list(home, 1, &[], HOUR).pem().unwrap(),
    )
    .unwrap();
    write_config(home, &EDGES);
    start(Config::load(home.path("keyserver.toml")).unwrap()).await
}

fn write_config(home: &Home, edges: &[&str]) {
    let text = home.config_text(&rules(edges));
    let text = format!("client_crl = [\"edges.crl\"]\n{text}");
    replace(home, "keyserver.toml", text.as_bytes());
}

/// A request of an RSA key that lasts, behind others: some are in flight when the connection is cut.
async fn keep_busy(edge: &mut RawEdge) {
    edge.requests((1..=1000).map(|id| (id, 60_000, site("rsa4096"))))
        .await;
}

/// How long it takes until the key server has closed the connection.
async fn closed(edge: &mut RawEdge, since: Instant) -> Duration {
    while edge.next().await.is_some() {}
    since.elapsed()
}

/// What all of these are about: the first edge is cut in time, with what it asked for; the second goes on and the first does not
/// come back.
async fn cut_by(change: impl Fn(&Home), expected: fn(&KeyClientError) -> bool) {
    let home = Home::new(&["p256", "rsa4096"]);
    let server = serve(&home).await;
    let other = home.client_of(&server, EDGES[1]);
    other.perform(site("p256").tls13(), PATIENCE).await.unwrap();
    let mut edge = RawEdge::greeted(&home, &server).await;
    keep_busy(&mut edge).await;
    let before = Instant::now();
    change(&home);
    let took = closed(&mut edge, before).await;
    println!("cut after {took:?}");
    // Half a second is what the key server takes to look, the rest is a busy machine's.
    assert!(took < Duration::from_secs(3), "{took:?}");
    eventually("what was in flight is withdrawn", || {
        server.metrics().cancelled > 0
    })
    .await;
    let MetricsSnapshot {
        connections_cut,
        reloads_failed,
        ..
    } = server.metrics();
    assert_eq!((connections_cut, reloads_failed), (1, 0));
    other.perform(site("p256").tls13(), PATIENCE).await.unwrap();
    let again = home.client(&server.addresses()[0]);
    let patience = Duration::from_secs(1);
    let error = again
        .perform(site("p256").tls13(), patience)
        .await
        .unwrap_err();
    assert!(expected(&error), "{error}");
}

#[test]
fn a_revoked_certificate_is_cut_off() {
    run(cut_by(
        |home| {
            let list = list(home, 2, &[EDGES[0]], HOUR);
            replace(home, "edges.crl", list.pem().unwrap().as_bytes());
        },
        // It does not get past TLS.
        |error| !matches!(error, KeyClientError::Refused { .. }),
    ));
}

/// Who is on a list that has ended since is revoked all the same.
#[test]
fn a_list_that_is_out_of_date_cuts_off() {
    run(cut_by(
        |home| {
            let list = list(home, 2, &[EDGES[0]], -HOUR);
            replace(home, "edges.crl", list.pem().unwrap().as_bytes());
        },
        |error| !matches!(error, KeyClientError::Refused { .. }),
    ));
}

#[test]
fn of_two_lists_the_newer_counts() {
    run(cut_by(
        |home| {
            let old = list(home, 1, &[], HOUR).pem().unwrap();
            let new = list(home, 2, &[EDGES[0]], HOUR).pem().unwrap();
            replace(home, "edges.crl", format!("{old}{new}").as_bytes());
        },
        |error| !matches!(error, KeyClientError::Refused { .. }),
    ));
}

#[test]
fn an_edge_without_a_rule_is_cut_off() {
    run(cut_by(
        |home| write_config(home, &EDGES[1..]),
        |error| {
            *error
                == KeyClientError::Refused {
                    reason: RefusalReason::Edge,
                }
        },
    ));
}

#[test]
fn files_with_mistakes_change_nothing() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = serve(&home).await;
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        let good = std::fs::read(home.path("keyserver.toml")).unwrap();
        let unknown = home.config_text(&rules(&[]))
            + "[[edge]]\nname = \"edge-2.example\"\nkeys = [\"nothing\"]\noperations = \
               [\"tls13-server-certificate-verify\"]\nnames = [\"*\"]\n";
        for (failed, (file, content)) in (1..).zip([
            ("edges.crl", b"no list".to_vec()),
            ("edges.crl", Vec::new()),
            ("keyserver.toml", b"listen = 7".to_vec()),
            ("keyserver.toml", unknown.into_bytes()),
        ]) {
            replace(&home, file, &content);
            eventually("it is looked at", || {
                server.metrics().reloads_failed == failed
            })
            .await;
            client
                .perform(site("p256").tls13(), PATIENCE)
                .await
                .unwrap();
            // The one file is right again, and the other not yet, or both are.
            if file == "edges.crl" && content.is_empty() {
                replace(&home, file, list(&home, 3, &[], HOUR).der());
                eventually("it is taken, as DER too", || server.metrics().reloads == 1).await;
            }
        }
        replace(&home, "keyserver.toml", &good);
        eventually("it is taken again", || server.metrics().reloads == 2).await;
        server.reload();
        eventually("asked, it reads them anew", || {
            server.metrics().reloads == 3
        })
        .await;
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        assert_eq!(server.metrics().connections_cut, 0);
    });
}

#[test]
fn rules_that_change_count_on_open_connections() {
    run(async {
        let home = Home::new(&["p256", "p384"]);
        let server = serve(&home).await;
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("p384").tls13(), PATIENCE)
            .await
            .unwrap();
        let fewer = rules(&EDGES).replace(
            "[\"*\"]\n            operations",
            "[\"p256\"]\n            operations",
        );
        let text = format!("client_crl = [\"edges.crl\"]\n{}", home.config_text(&fewer));
        replace(&home, "keyserver.toml", text.as_bytes());
        eventually("it is taken", || server.metrics().reloads == 1).await;
        eventually("the edge has the new catalog", || {
            let catalog = client.catalog().borrow().clone();
            catalog.is_some_and(|catalog| catalog.entries.len() == 1)
        })
        .await;
        let error = client
            .perform(site("p384").tls13(), PATIENCE)
            .await
            .unwrap_err();
        let reason = RefusalReason::Key;
        assert_eq!(error, KeyClientError::Refused { reason });
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        assert_eq!(server.metrics().connections_accepted, 1);
    });
}

/// Better to refuse an edge than to let one in whose certificate was stolen.
#[test]
fn a_list_that_is_out_of_date_or_missing_refuses() {
    run(async {
        let home = Home::new(&["p256"]);
        let stranger = Home::new(&[]);
        for (list, accept, served) in [
            (list(&home, 1, &[], HOUR), false, true),
            (list(&home, 1, &[], -HOUR), false, false),
            (list(&home, 1, &[], -HOUR), true, true),
            (list(&home, 1, &EDGES[..1], -HOUR), true, false),
            // Of another authority.
            (list(&stranger, 1, &[], HOUR), false, false),
        ] {
            std::fs::write(home.path("edges.crl"), list.pem().unwrap()).unwrap();
            let mut config = home.open_config("");
            config.client_crl = vec![home.path("edges.crl")];
            config.accept_expired_crl = accept;
            let server = start(config).await;
            let client = home.client(&server.addresses()[0]);
            let patience = if served {
                PATIENCE
            } else {
                Duration::from_millis(500)
            };
            let outcome = client.perform(site("p256").tls13(), patience).await;
            assert_eq!(outcome.is_ok(), served, "{outcome:?}");
            drop(client);
            server.shutdown().await;
        }
    });
}
