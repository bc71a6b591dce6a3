//! More than the key server can do: deadlines, bounds, withdrawn requests.

use keyward_keyclient::KeyClientError;
use keyward_protocol::{Frame, encode_request};
use tokio::task::JoinSet;

use crate::raw_edge::RawEdge;
use crate::support::{Home, PATIENCE, eventually, run, site, start};

#[test]
fn a_request_whose_deadline_passed_is_not_worked_on() {
    run(async {
        let home = Home::new(&["rsa4096"]);
        let server = start(home.open_config("[limits]\nworkers = 1")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        // Deadline 0 is past on arrival, whatever the clocks say.
        edge.request(1, 0, &site("rsa4096").tls13()).await;
        assert_eq!(
            edge.error_code().await,
            (1, keyward_protocol::ErrorCode::Expired)
        );
        assert_eq!(server.metrics().performed_total(), 0);
        assert_eq!(server.metrics().expired, 1);

        // Behind a hundred others there is no time left.
        let rsa = site("rsa4096");
        let hundred = (2..102).map(|id| (id, 10_000, rsa));
        edge.requests(hundred.chain([(102, 5, rsa)])).await;
        let expired = edge.answers(101).await;
        assert_eq!(expired, [(102, keyward_protocol::ErrorCode::Expired)]);
    });
}

/// However patient the edge is.
#[test]
fn no_request_waits_longer_than_the_key_server_lets_it() {
    run(async {
        let home = Home::new(&["rsa4096"]);
        let server = start(home.open_config("[limits]\nworkers = 1\ndeadline_ms = 20")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        edge.requests((1..=100).map(|id| (id, 60_000, site("rsa4096"))))
            .await;
        let expired = edge.answers(100).await;
        assert!(!expired.is_empty());
        assert!(
            expired
                .iter()
                .all(|(_, code)| *code == keyward_protocol::ErrorCode::Expired)
        );
        assert_eq!(server.metrics().expired, expired.len() as u64);
    });
}

#[test]
fn requests_beyond_a_connections_bound_are_answered_overloaded_at_once() {
    run(async {
        let home = Home::new(&["rsa4096", "p256"]);
        let server = start(home.open_config("[limits]\nworkers = 1\nin_flight = 4")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        edge.requests((1..=50).map(|id| (id, 10_000, site("rsa4096"))))
            .await;
        let errors = edge.answers(50).await;
        assert!(
            !errors.is_empty() && errors.len() <= 46,
            "{} of 50 overloaded",
            errors.len()
        );
        assert!(
            errors
                .iter()
                .all(|(_, code)| *code == keyward_protocol::ErrorCode::Overloaded)
        );
        assert_eq!(server.metrics().overloaded, errors.len() as u64);
        // The connection is as good as before.
        edge.request(51, 10_000, &site("p256").tls13()).await;
        assert_eq!(edge.answers(1).await, []);

        // The client knows the bound and does not even send.
        let client = home.client(&server.addresses()[0]);
        client.connected(PATIENCE).await.unwrap();
        let mut all = JoinSet::new();
        for _ in 0..50 {
            let client = client.clone();
            all.spawn(async move { client.perform(site("rsa4096").tls13(), PATIENCE).await });
        }
        let results = all.join_all().await;
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert!(done >= 4);
        let overloaded = |error: &&KeyClientError| **error == KeyClientError::Overloaded;
        assert_eq!(
            results
                .iter()
                .filter_map(|result| result.as_ref().err())
                .filter(overloaded)
                .count(),
            50 - done
        );
    });
}

#[test]
fn a_full_queue_is_overloaded_and_leaves_the_other_queue_alone() {
    run(async {
        let home = Home::new(&["rsa4096", "p256"]);
        let server = start(home.open_config("[limits]\nworkers = 1\nqueue = 2")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        let heavy = (1..=20).map(|id| (id, 10_000, site("rsa4096")));
        edge.requests(heavy.chain([(21, 10_000, site("p256"))]))
            .await;
        let errors = edge.answers(21).await;
        // At least two fit; how many more depends on how fast the worker is.
        assert!(
            (1..=18).contains(&errors.len()),
            "{} overloaded",
            errors.len()
        );
        assert!(errors.iter().all(|(id, _)| *id != 21));
    });
}

#[test]
fn a_request_that_nobody_waits_for_any_more_is_withdrawn() {
    run(async {
        let home = Home::new(&["rsa4096"]);
        let server = start(home.open_config("[limits]\nworkers = 1")).await;
        let withdrawn = || server.metrics().cancelled;
        let requests: Vec<_> = (1..=100)
            .map(|id| {
                encode_request(id, 10_000, &site("rsa4096").tls13())
                    .unwrap()
                    .to_vec()
            })
            .collect();
        let cancels: Vec<_> = (1..=100)
            .map(|id| Frame::Cancel { id }.encode().unwrap().to_vec())
            .collect();

        let mut edge = RawEdge::greeted(&home, &server).await;
        edge.bytes([requests.concat(), cancels.concat()].concat())
            .await;
        eventually("all are performed or withdrawn", || {
            server.metrics().performed_total() + withdrawn() == 100
        })
        .await;
        assert!(withdrawn() > 0);
        assert!(edge.is_alive().await);

        // So are those of a connection that ends.
        let before = withdrawn();
        let mut edge = RawEdge::greeted(&home, &server).await;
        edge.bytes(requests.concat()).await;
        assert_eq!(edge.answers(1).await, []);
        drop(edge);
        eventually("what a dead connection asked for is withdrawn", || {
            withdrawn() > before
        })
        .await;
    });
}

#[test]
fn handshakes_that_are_too_large_together_are_overloaded_whatever_the_queue_has_room_for() {
    run(async {
        let home = Home::new(&["rsa4096"]);
        // Room for two of them.
        let server = start(home.open_config("[limits]\nworkers = 1\nqueue_bytes = 4000")).await;
        let mut edge = RawEdge::greeted(&home, &server).await;
        let request = |id| {
            encode_request(id, 10_000, &site("rsa4096").tls13())
                .unwrap()
                .to_vec()
        };
        assert!((1000..2000).contains(&request(1).len()));
        edge.bytes((1..=50).flat_map(request).collect()).await;
        let errors = edge.answers(50).await;
        assert!(
            (1..=48).contains(&errors.len()),
            "{} overloaded",
            errors.len()
        );
        assert!(
            errors
                .iter()
                .all(|(_, code)| *code == keyward_protocol::ErrorCode::Overloaded)
        );
        // What was answered makes room again.
        edge.bytes(request(51)).await;
        assert_eq!(edge.answers(1).await, []);
    });
}

#[test]
fn an_edge_that_does_not_read_is_bounded_and_cut() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("[limits]\nwrite_ms = 300")).await;
        let edge = RawEdge::greeted(&home, &server).await;
        // Pings without end and not one pong read: the key server stops reading, then gives up.
        let flood = edge.flood_with_pings();
        let cut = tokio::time::timeout(PATIENCE, flood)
            .await
            .expect("the key server reads without end");
        assert!(cut > 0);
        eventually("the connection is gone", || {
            server.metrics().connections == 0
        })
        .await;
        home.client(&server.addresses()[0])
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}
