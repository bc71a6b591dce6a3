//! Key servers that stop, die and come back under a client that is in use.

use std::time::{Duration, Instant};

use keyward_keyclient::{ConnectionState, KeyClient, KeyClientError};
use tokio::task::JoinSet;

use crate::raw_edge::RawEdge;
use crate::support::{Home, PATIENCE, eventually, run, site, start, start_again};

#[test]
fn a_killed_key_server_that_comes_back_costs_no_operation() {
    run(async {
        let home = Home::new(&["rsa4096"]);
        let config = home.open_config("[limits]\nworkers = 1");
        let server = start(config.clone()).await;
        let mut client = home.client_config(&server.addresses()[1], "edge-1.example");
        // However long this machine takes to start it anew.
        client.timings.restart = PATIENCE;
        let client = KeyClient::start(client).unwrap();
        client.connected(PATIENCE).await.unwrap();
        let mut all = JoinSet::new();
        for _ in 0..50 {
            let client = client.clone();
            all.spawn(async move { client.perform(site("rsa4096").tls13(), PATIENCE).await });
        }
        eventually("work has begun", || server.metrics().performed_total() > 0).await;
        // No goodbye: sockets just close, with operations queued and one in work.
        drop(server);
        let server = start_again(config).await;
        for result in all.join_all().await {
            result.unwrap();
        }
        assert!(server.metrics().performed_total() > 0);
    });
}

#[test]
fn operations_fail_at_once_while_the_key_server_is_away_and_work_when_it_is_back() {
    run(async {
        let home = Home::new(&["p256"]);
        let config = home.open_config("");
        let server = start(config.clone()).await;
        let client = home.client(&server.addresses()[1]);
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
        drop(server);
        eventually("the client has noticed", || {
            matches!(client.state(), ConnectionState::Failed(_))
        })
        .await;
        for _ in 0..5 {
            let began = Instant::now();
            let error = client
                .perform(site("p256").tls13(), PATIENCE)
                .await
                .unwrap_err();
            assert!(
                matches!(error, KeyClientError::Unreachable { .. }),
                "{error:?}"
            );
            // Long before the deadline.
            assert!(began.elapsed() < PATIENCE / 2);
        }
        let _server = start(config).await;
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

#[test]
fn a_key_server_that_stops_answers_what_it_has() {
    run(async {
        let home = Home::new(&["rsa4096", "p256"]);
        let config = home.open_config("[limits]\nworkers = 1");
        let server = start(config.clone()).await;
        let client = home.client(&server.addresses()[1]);
        client.connected(PATIENCE).await.unwrap();
        let mut all = JoinSet::new();
        for _ in 0..20 {
            let client = client.clone();
            all.spawn(async move { client.perform(site("rsa4096").tls13(), PATIENCE).await });
        }
        eventually("work has begun", || server.metrics().performed_total() > 0).await;
        let began = Instant::now();
        server.shutdown().await;
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "it waited for the grace period to end"
        );
        // The old server answered them all: no other is running yet.
        let mut answered = Vec::new();
        while let Some(result) = all.try_join_next() {
            answered.push(result.unwrap());
        }
        answered.extend(all.join_all().await);
        assert!(answered.iter().all(Result::is_ok), "{answered:?}");
        assert!(!home.path("key.sock").exists());

        let _server = start(config).await;
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

#[test]
fn a_stale_socket_is_taken_over_and_a_live_one_is_not() {
    run(async {
        let home = Home::new(&["p256"]);
        // What a key server that was killed by the system leaves behind.
        drop(std::os::unix::net::UnixListener::bind(home.path("key.sock")).unwrap());
        assert!(home.path("key.sock").exists());
        let config = home.open_config("");
        let server = start(config.clone()).await;
        let error = keyward_keyserver::KeyServer::start(config)
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("is another key server running there?"),
            "{error}"
        );
        home.client(&server.addresses()[1])
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}

/// Pings keep a connection; one that says nothing is one that nobody is there for.
#[test]
fn a_silent_connection_is_closed() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("[limits]\nidle_ms = 300")).await;
        let mut silent = RawEdge::greeted(&home, &server).await;
        assert!(silent.is_alive().await);
        let began = Instant::now();
        assert!(silent.next().await.is_none());
        assert!(began.elapsed() >= Duration::from_millis(290));
        eventually("it is gone", || server.metrics().connections == 0).await;
    });
}
