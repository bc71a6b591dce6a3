//! Connections that die, that are not accepted, that are replaced.

use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use keyward_keyclient::{
    Catalog, CatalogEntry, ConnectionState, KeyClient, KeyClientError, Performed, RefusalReason,
    Timings,
};
use keyward_keyop::{KeyId, OperationKind};
use keyward_protocol::{ErrorReply, Frame, GoingAway, Hello};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::scripted::{PATIENCE, Scripted, hello, operation, quick, run, unhurried};

/// Asks for an operation. It is asked for when this returns, however busy the machine is: an attempt to
/// connect that fails from now on is one that the operation has waited for.
fn perform(client: &KeyClient) -> JoinHandle<Result<Performed, KeyClientError>> {
    let client = client.clone();
    let mut performing = Box::pin(async move { client.perform(operation(), PATIENCE).await });
    let mut nobody = Context::from_waker(Waker::noop());
    assert!(performing.as_mut().poll(&mut nobody).is_pending());
    tokio::spawn(performing)
}

#[test]
fn an_operation_whose_connection_dies_is_sent_once_more() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        let performing = perform(&client);
        peer.request().await;
        drop(peer);
        let mut peer = server.greet(hello()).await;
        let (id, _) = peer.request().await;
        peer.reply(id).await;
        performing.await.unwrap().unwrap();

        // Twice is enough.
        let performing = perform(&client);
        peer.request().await;
        drop(peer);
        let mut peer = server.greet(hello()).await;
        peer.request().await;
        drop(peer);
        assert!(matches!(
            performing.await.unwrap(),
            Err(KeyClientError::ConnectionLost { .. })
        ));
    });
}

/// Whoever learns that the connection is lost must not find it still on offer.
#[test]
fn no_operation_is_sent_again_on_the_connection_that_was_lost() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        for _ in 0..30 {
            let all: Vec<_> = (0..100).map(|_| perform(&client)).collect();
            peer.request().await;
            drop(peer);
            peer = server.greet(hello()).await;
            for _ in 0..all.len() {
                let (id, _) = peer.request().await;
                peer.reply(id).await;
            }
            for performing in all {
                performing.await.unwrap().unwrap();
            }
        }
    });
}

#[test]
fn a_connection_that_does_not_answer_pings_is_dead() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(quick());
        let mut peer = server.greet(hello()).await;
        // Pings are answered: it lives.
        for _ in 0..3 {
            let Frame::Ping { id } = peer.next().await else {
                panic!("not a ping")
            };
            peer.send(Frame::Pong { id }).await;
        }
        let began = Instant::now();
        let performing = perform(&client);
        // Not answered: the operation goes elsewhere, long before its deadline.
        let mut second = server.greet(hello()).await;
        let (id, _) = second.request().await;
        second.reply(id).await;
        performing.await.unwrap().unwrap();
        assert!(began.elapsed() < Duration::from_secs(3));
    });
}

#[test]
fn the_clients_pings_do_not_stop_it_from_answering_the_key_servers() {
    run(async {
        let server = Scripted::new().await;
        let _client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        peer.send(Frame::Ping { id: 5 }).await;
        assert!(matches!(peer.next().await, Frame::Pong { id: 5 }));
    });
}

#[test]
fn one_connection_serves_all_who_wait_for_it() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let all: Vec<_> = (0..20).map(|_| perform(&client)).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut peer = server.greet(hello()).await;
        for _ in 0..20 {
            let (id, _) = peer.request().await;
            peer.reply(id).await;
        }
        for performing in all {
            performing.await.unwrap().unwrap();
        }
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_key_server_that_goes_away_gets_nothing_new_and_answers_the_rest() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut old = server.greet(hello()).await;
        let first = perform(&client);
        let (id, _) = old.request().await;
        old.send(Frame::GoingAway(GoingAway { grace_ms: 5000 }))
            .await;
        let mut new = server.greet(hello()).await;
        let second = perform(&client);
        let (second_id, _) = new.request().await;
        new.reply(second_id).await;
        second.await.unwrap().unwrap();
        old.reply(id).await;
        first.await.unwrap().unwrap();
        // The client closes what it does not need any more.
        assert!(old.next_or_end().await.is_none());
    });
}

#[test]
fn what_the_key_server_says_instead_of_a_catalog_is_the_error() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let performing = perform(&client);
        let mut peer = server.accept().await;
        peer.next().await;
        peer.send(Frame::Hello(hello())).await;
        let refused = KeyClientError::Refused {
            reason: RefusalReason::Edge,
        };
        peer.send(Frame::Error {
            id: 0,
            error: ErrorReply::refused(RefusalReason::Edge),
        })
        .await;
        assert_eq!(performing.await.unwrap().unwrap_err(), refused);
        assert_eq!(client.state(), ConnectionState::Failed(refused.clone()));

        // It stays the state while the next attempt is under way.
        let mut peer = server.accept().await;
        peer.next().await;
        assert_eq!(client.state(), ConnectionState::Failed(refused));
        let performing = perform(&client);
        peer.send(Frame::Hello(Hello {
            min_version: 2,
            max_version: 3,
            ..hello()
        }))
        .await;
        let error = performing.await.unwrap().unwrap_err();
        assert!(
            matches!(&error, KeyClientError::Unsupported { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("2 to 3"), "{error}");
    });
}

#[test]
fn a_stream_that_cannot_be_understood_is_given_up() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        for bytes in [
            vec![0, 0, 1, 3],
            vec![0xff, 0xff, 0xff, 3],
            Frame::Cancel { id: 1 }.encode().unwrap().to_vec(),
        ] {
            let mut peer = server.greet(hello()).await;
            client.connected(PATIENCE).await.unwrap();
            peer.writer
                .write(&mut vec![Zeroizing::new(bytes)])
                .await
                .unwrap();
            assert!(peer.next_or_end().await.is_none());
        }
        server.greet(hello()).await;
    });
}

/// Something else with a certificate of the same authority, which knows no ALPN or another protocol.
#[test]
fn a_peer_that_is_no_key_server_is_told_by_its_protocol() {
    run(async {
        for protocols in [&[][..], &[b"h2".as_slice()]] {
            let server = Scripted::with_alpn(protocols).await;
            let client = server.client(unhurried());
            let performing = perform(&client);
            // Where nothing is in common, TLS fails on this side too.
            let peer = server.try_accept().await;
            let error = performing.await.unwrap().unwrap_err();
            assert!(
                matches!(&error, KeyClientError::Unreachable { .. }),
                "{error:?}"
            );
            assert!(error.to_string().contains("keyward/1 (ALPN)"), "{error}");
            drop(peer);
        }
    });
}

/// A key server that ends connections as soon as they are there is not dialled without a pause.
#[test]
fn a_key_server_that_hangs_up_at_once_is_left_alone_for_a_moment() {
    run(async {
        let pause = Duration::from_millis(400);
        let server = Scripted::new().await;
        let _client = server.client(Timings {
            backoff_min: pause,
            backoff_wanted: Duration::from_secs(5),
            ..unhurried()
        });
        for _ in 0..2 {
            drop(server.greet(hello()).await);
            let began = Instant::now();
            let next = server.accept().await;
            // Pauses are at least half as long as they may be.
            assert!(began.elapsed() >= pause / 2, "{:?}", began.elapsed());
            drop(next);
        }
    });
}

#[test]
fn a_key_server_out_of_reach_is_an_error_that_says_so() {
    run(async {
        let server = Scripted::new().await;
        let mut timings = unhurried();
        timings.restart = Duration::ZERO;
        let client = server.client(timings);
        drop(server);
        let error = client.perform(operation(), PATIENCE).await.unwrap_err();
        assert!(
            matches!(&error, KeyClientError::Unreachable { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("127.0.0.1:"), "{error}");
    });
}

#[test]
fn the_connection_ends_with_the_last_client() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        client.connected(PATIENCE).await.unwrap();
        let other = client.clone();
        drop(client);
        let performing = perform(&other);
        let (id, _) = peer.request().await;
        peer.reply(id).await;
        performing.await.unwrap().unwrap();
        drop(other);
        assert!(peer.next_or_end().await.is_none());
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_catalog_comes_in_parts_and_is_replaced_by_the_next() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        client.connected(PATIENCE).await.unwrap();
        let mut catalogs = client.catalog();
        assert_eq!(
            catalogs.borrow_and_update().as_deref(),
            Some(&Catalog::default())
        );
        let entry = |n: u8| CatalogEntry {
            key: KeyId::from_bytes([n; 32]),
            label: format!("key {n}"),
            kind: keyward_crypto::signature::KeyKind::EcP256,
            operations: OperationKind::TYPED.to_vec(),
            names: vec!["*.example".to_owned()],
            allow_no_sni: n == 1,
            chain: vec![vec![n; 60_000], vec![n; 40_000]],
        };
        let catalog = Catalog {
            entries: (0..9).map(entry).collect(),
        };
        let frames = catalog.to_frames(0).unwrap();
        assert!(frames.len() > 3);
        for frame in frames {
            peer.send(frame).await;
        }
        catalogs.changed().await.unwrap();
        assert_eq!(catalogs.borrow_and_update().as_deref(), Some(&catalog));

        client.refresh_catalog();
        let Frame::CatalogRequest { id } = peer.next().await else {
            panic!("not a catalog request")
        };
        peer.send(Frame::Catalog {
            id,
            part: Default::default(),
        })
        .await;
        catalogs.changed().await.unwrap();
        assert_eq!(catalogs.borrow().as_deref(), Some(&Catalog::default()));
    });
}
