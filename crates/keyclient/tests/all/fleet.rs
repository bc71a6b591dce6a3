//! Several key servers: whom an operation goes to, and what happens when one is slow, silent, or gone.

use std::time::{Duration, Instant};

use keyward_crypto::signature::KeyKind;
use keyward_keyclient::{
    Catalog, CatalogEntry, ConnectionState, KeyClient, KeyClientConfig, KeyClientError, Performed,
    RefusalReason, Timings,
};
use keyward_keyop::{KeyId, OperationKind};
use keyward_protocol::{CatalogPart, ErrorCode, ErrorReply, Frame, GoingAway, Hello};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::scripted::{
    PATIENCE, Peer, Scripted, hello, key, operation, operation_with, run, unhurried,
};

/// Key servers of one authority, each with a connection of the client's, and with a key in its catalog.
struct Fleet {
    servers: Vec<Scripted>,
    client: KeyClient,
    peers: Vec<Peer>,
}

fn entry(key: KeyId) -> CatalogEntry {
    CatalogEntry {
        key,
        label: "a key".to_owned(),
        kind: KeyKind::EcP256,
        operations: vec![OperationKind::Tls13ServerCertificateVerify],
        names: vec!["*".to_owned()],
        allow_no_sni: false,
        chain: Vec::new(),
    }
}

impl Fleet {
    /// Each key server with the key that operations are made with.
    async fn new(count: usize, change: impl FnOnce(&mut KeyClientConfig)) -> Self {
        Self::with_keys(vec![vec![key()]; count], change).await
    }

    async fn with_keys(keys: Vec<Vec<KeyId>>, change: impl FnOnce(&mut KeyClientConfig)) -> Self {
        let servers = Scripted::several(keys.len()).await;
        let mut config = servers[0].config(unhurried());
        for server in &servers[1..] {
            config.servers.extend(server.config(unhurried()).servers);
        }
        change(&mut config);
        let client = KeyClient::start(config).unwrap();
        let mut peers = Vec::new();
        for (server, keys) in servers.iter().zip(keys) {
            peers.push(server.greet_with(Hello::key_server(1000), part(keys)).await);
        }
        let fleet = Self {
            servers,
            client,
            peers,
        };
        fleet.all_connected().await;
        fleet
    }

    async fn all_connected(&self) {
        until("all are connected", || {
            self.client
                .servers()
                .iter()
                .all(|server| matches!(server.connection, ConnectionState::Connected { .. }))
        })
        .await;
    }

    fn perform(&self) -> JoinHandle<Result<Performed, KeyClientError>> {
        self.perform_within(PATIENCE)
    }

    fn perform_within(&self, limit: Duration) -> JoinHandle<Result<Performed, KeyClientError>> {
        let client = self.client.clone();
        tokio::spawn(async move { client.perform(operation(), limit).await })
    }

    /// Which key server gets the next request, and its id.
    async fn next_request(&mut self) -> (usize, u32) {
        let requests = self.peers.iter_mut().enumerate().map(|(n, peer)| {
            Box::pin(async move {
                loop {
                    // What was asked twice on a slow machine is cancelled once.
                    if let Frame::Request { id, .. } = peer.next().await {
                        return (n, id);
                    }
                }
            })
        });
        futures_util::future::select_all(requests).await.0
    }

    /// Has the key servers answer some operations at once, so that the client knows how fast they are.
    async fn warm_up(&mut self) {
        for _ in 0..40 {
            let mut performing = self.perform();
            loop {
                tokio::select! {
                    result = &mut performing => {
                        result.unwrap().unwrap();
                        break;
                    }
                    (n, id) = self.next_request() => self.peers[n].reply(id).await,
                }
            }
        }
        // What is left of those that were asked twice.
        let _ = timeout(Duration::from_millis(50), async {
            loop {
                self.next_request().await;
            }
        })
        .await;
    }
}

fn part(keys: Vec<KeyId>) -> CatalogPart {
    CatalogPart {
        more: false,
        entries: keys.into_iter().map(entry).collect(),
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn a_slow_answer_is_asked_of_a_second_key_server_and_the_loser_is_told() {
    run(async {
        let mut fleet = Fleet::new(2, |_| ()).await;
        fleet.warm_up().await;
        let performing = fleet.perform();
        let (slow, slow_id) = fleet.next_request().await;
        let (fast, id) = fleet.next_request().await;
        assert_ne!(slow, fast);
        fleet.peers[fast].reply(id).await;
        let performed = performing.await.unwrap().unwrap();
        assert!(performed.route.hedged);
        assert_eq!(performed.route.retries, 0);
        assert_eq!(*performed.route.server, fleet.client.servers()[fast].server);
        assert!(
            matches!(fleet.peers[slow].next().await, Frame::Cancel { id } if id == slow_id),
            "the loser is not told"
        );
        let counts = fleet.client.counts();
        assert!(counts.hedged >= 1 && counts.hedges_won >= 1, "{counts:?}");
    });
}

#[test]
fn hedges_have_a_budget() {
    run(async {
        let mut fleet = Fleet::new(2, |_| ()).await;
        fleet.warm_up().await;
        let before = fleet.client.counts();
        // None is answered: every one would be worth a hedge.
        let all: Vec<_> = (0..100).map(|_| fleet.perform()).collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let hedged = fleet.client.counts().hedged - before.hedged;
        // The burst, and five of a hundred.
        assert!((5..=15).contains(&hedged), "{hedged}");
        all.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn without_a_budget_nothing_is_hedged() {
    run(async {
        let mut fleet = Fleet::new(2, |config| config.hedge_percent = 0).await;
        fleet.warm_up().await;
        let performing = fleet.perform();
        let (n, id) = fleet.next_request().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        fleet.peers[n].reply(id).await;
        let performed = performing.await.unwrap().unwrap();
        assert!(!performed.route.hedged);
        assert_eq!(fleet.client.counts().hedged, 0);
    });
}

#[test]
fn what_fails_is_asked_elsewhere_and_what_is_refused_is_not() {
    run(async {
        let message = || "x".to_owned();
        let elsewhere = [
            ErrorCode::Overloaded,
            ErrorCode::Internal,
            ErrorCode::UnknownKey,
            ErrorCode::Unsupported,
            ErrorCode::Expired,
        ];
        for code in elsewhere {
            let mut fleet = Fleet::new(2, |config| config.hedge_percent = 0).await;
            let performing = fleet.perform();
            let (first, id) = fleet.next_request().await;
            let error = ErrorReply::new(code, message());
            fleet.peers[first].send(Frame::Error { id, error }).await;
            let (second, id) = fleet.next_request().await;
            assert_ne!(first, second, "{code}");
            fleet.peers[second].reply(id).await;
            let performed = performing.await.unwrap().unwrap();
            assert_eq!(performed.route.retries, 1, "{code}");
        }
        let final_ones = [
            ErrorReply::refused(RefusalReason::Name),
            ErrorReply::refused(RefusalReason::Rate),
            ErrorReply::new(ErrorCode::Malformed, message()),
        ];
        for error in final_ones {
            let mut fleet = Fleet::new(2, |config| config.hedge_percent = 0).await;
            let performing = fleet.perform();
            let (first, id) = fleet.next_request().await;
            let said = KeyClientError::from(error.clone());
            fleet.peers[first].send(Frame::Error { id, error }).await;
            assert_eq!(performing.await.unwrap().unwrap_err(), said);
            assert_eq!(fleet.client.counts().moved, 0);
        }
    });
}

#[test]
fn when_all_are_overloaded_that_is_the_error() {
    run(async {
        let mut fleet = Fleet::new(2, |config| config.hedge_percent = 0).await;
        let performing = fleet.perform();
        for _ in 0..2 {
            let (n, id) = fleet.next_request().await;
            let error = ErrorReply::new(ErrorCode::Overloaded, "");
            fleet.peers[n].send(Frame::Error { id, error }).await;
        }
        assert_eq!(
            performing.await.unwrap().unwrap_err(),
            KeyClientError::Overloaded
        );
    });
}

#[test]
fn a_lost_connection_costs_no_operation() {
    run(async {
        let mut fleet = Fleet::new(3, |config| config.hedge_percent = 0).await;
        let performing = fleet.perform();
        let (dead, _) = fleet.next_request().await;
        drop(fleet.peers.remove(dead));
        drop(fleet.servers.remove(dead));
        let (alive, id) = fleet.next_request().await;
        fleet.peers[alive].reply(id).await;
        performing.await.unwrap().unwrap();
        // Nor do those that follow.
        for _ in 0..20 {
            let performing = fleet.perform();
            let (n, id) = fleet.next_request().await;
            fleet.peers[n].reply(id).await;
            assert_eq!(performing.await.unwrap().unwrap().route.retries, 0);
        }
    });
}

/// An operation that kills whoever gets it must not kill all of them.
#[test]
fn an_operation_goes_to_three_key_servers_at_most() {
    run(async {
        let mut fleet = Fleet::new(5, |config| config.hedge_percent = 0).await;
        let performing = fleet.perform();
        for _ in 0..3 {
            let (n, _) = fleet.next_request().await;
            drop(fleet.peers.remove(n));
            drop(fleet.servers.remove(n));
        }
        assert!(matches!(
            performing.await.unwrap().unwrap_err(),
            KeyClientError::ConnectionLost { .. }
        ));
    });
}

fn short_stall(config: &mut KeyClientConfig) {
    config.hedge_percent = 0;
    config.timings.stall = Duration::from_millis(100);
    config.timings.ping_timeout = PATIENCE;
}

#[test]
fn a_silent_key_server_loses_its_operations_to_others_long_before_it_is_dead() {
    run(async {
        let mut fleet = Fleet::new(2, short_stall).await;
        fleet.warm_up().await;
        let began = Instant::now();
        let performing = fleet.perform();
        let (frozen, id) = fleet.next_request().await;
        // It is asked whether it lives.
        let ping = fleet.peers[frozen].next().await;
        assert!(matches!(ping, Frame::Ping { .. }), "{ping:?}");
        let other = 1 - frozen;
        let (moved, _) = fleet.peers[other].request().await;
        assert!(began.elapsed() >= Duration::from_millis(200));
        assert!(fleet.client.servers()[frozen].stalled);
        // New ones do not go there.
        for _ in 0..10 {
            let performing = fleet.perform();
            let (id, _) = fleet.peers[other].request().await;
            fleet.peers[other].reply(id).await;
            performing.await.unwrap().unwrap();
        }
        // Who answers first wins, also if that is the silent one.
        fleet.peers[frozen].reply(id).await;
        performing.await.unwrap().unwrap();
        assert!(matches!(
            fleet.peers[other].next().await,
            Frame::Cancel { id } if id == moved
        ));
        assert!(!fleet.client.servers()[frozen].stalled);
    });
}

#[test]
fn one_that_is_alone_is_waited_for_though_it_is_silent() {
    run(async {
        let mut fleet = Fleet::new(1, short_stall).await;
        let performing = fleet.perform();
        let (_, id) = fleet.next_request().await;
        until("it is stalled", || fleet.client.servers()[0].stalled).await;
        let second = fleet.perform();
        assert!(matches!(fleet.peers[0].next().await, Frame::Ping { .. }));
        let (second_id, _) = fleet.peers[0].request().await;
        fleet.peers[0].reply(id).await;
        fleet.peers[0].reply(second_id).await;
        performing.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
    });
}

/// It answers pings, but no operation: half of the deadline is left for another.
#[test]
fn one_that_lives_but_does_not_work_is_not_waited_for_to_the_end() {
    run(async {
        let mut fleet = Fleet::new(2, |config| config.hedge_percent = 0).await;
        let performing = fleet.perform_within(Duration::from_secs(2));
        let (stuck, _) = fleet.next_request().await;
        let (other, id) = fleet.next_request().await;
        assert_ne!(stuck, other);
        fleet.peers[other].reply(id).await;
        let performed = performing.await.unwrap().unwrap();
        assert!(performed.round_trip >= Duration::from_secs(1));
        assert_eq!(performed.route.retries, 1);
    });
}

#[test]
fn one_that_fails_again_and_again_is_left_alone_and_probed() {
    run(async {
        let mut fleet = Fleet::new(2, |config| config.hedge_percent = 0).await;
        fleet.warm_up().await;
        let mut failed = 0;
        while failed < 3 {
            let performing = fleet.perform();
            let (mut n, mut id) = fleet.next_request().await;
            if n == 0 {
                failed += 1;
                let error = ErrorReply::new(ErrorCode::Internal, "disk full");
                fleet.peers[0].send(Frame::Error { id, error }).await;
                (n, id) = fleet.next_request().await;
            }
            assert_eq!(n, 1);
            fleet.peers[1].reply(id).await;
            performing.await.unwrap().unwrap();
        }
        assert!(fleet.client.servers()[0].left_alone);
        let began = Instant::now();
        let mut asked = 0;
        // The pause is 100 to 200 ms at first.
        let performing = loop {
            let performing = fleet.perform();
            let (n, id) = fleet.next_request().await;
            if n == 0 {
                fleet.peers[0].reply(id).await;
                break performing;
            }
            asked += 1;
            fleet.peers[1].reply(id).await;
            performing.await.unwrap().unwrap();
        };
        performing.await.unwrap().unwrap();
        assert!(
            began.elapsed() >= Duration::from_millis(80),
            "{asked} before the probe"
        );
        assert!(!fleet.client.servers()[0].left_alone);
    });
}

#[test]
fn an_operation_goes_only_to_who_lists_its_key() {
    run(async {
        let other = KeyId::from_bytes([7; 32]);
        let mut fleet = Fleet::with_keys(vec![vec![key()], vec![other], vec![other]], |_| ()).await;
        let catalog = fleet.client.catalog().borrow().clone().unwrap();
        assert_eq!(
            *catalog,
            Catalog {
                entries: vec![entry(key()), entry(other)]
            }
        );
        for _ in 0..20 {
            let performing = fleet.perform();
            let (n, id) = fleet.next_request().await;
            assert_eq!(n, 0);
            fleet.peers[0].reply(id).await;
            performing.await.unwrap().unwrap();
        }
        // Not even if it is gone: it may come back.
        drop(fleet.peers.remove(0));
        drop(fleet.servers.remove(0));
        until("it is noticed", || {
            !matches!(
                fleet.client.servers()[0].connection,
                ConnectionState::Connected { .. }
            )
        })
        .await;
        let error = fleet.perform().await.unwrap().unwrap_err();
        let KeyClientError::NoneReachable { servers } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(servers.len(), 3);

        // The others go on with theirs.
        let client = fleet.client.clone();
        let performing =
            tokio::spawn(async move { client.perform(operation_with(other), PATIENCE).await });
        let (n, id) = fleet.next_request().await;
        fleet.peers[n].reply(id).await;
        performing.await.unwrap().unwrap();

        // A key that nobody lists: it is for a key server to say so.
        let client = fleet.client.clone();
        let nobodys = operation_with(KeyId::from_bytes([8; 32]));
        let performing = tokio::spawn(async move { client.perform(nobodys, PATIENCE).await });
        let unknown = || ErrorReply::new(ErrorCode::UnknownKey, "");
        for _ in 0..2 {
            let (n, id) = fleet.next_request().await;
            let error = unknown();
            fleet.peers[n].send(Frame::Error { id, error }).await;
        }
        assert_eq!(
            performing.await.unwrap().unwrap_err(),
            KeyClientError::UnknownKey
        );
    });
}

#[test]
fn one_that_goes_away_gets_nothing_new_and_others_go_on() {
    run(async {
        let mut fleet = Fleet::new(2, |config| config.hedge_percent = 0).await;
        let performing = fleet.perform();
        let (leaving, id) = fleet.next_request().await;
        fleet.peers[leaving]
            .send(Frame::GoingAway(GoingAway { grace_ms: 5000 }))
            .await;
        // Its successor does not come.
        drop(fleet.servers.remove(leaving));
        let other = 1 - leaving;
        for _ in 0..10 {
            let performing = fleet.perform();
            let (id, _) = fleet.peers[other].request().await;
            fleet.peers[other].reply(id).await;
            performing.await.unwrap().unwrap();
        }
        fleet.peers[leaving].reply(id).await;
        let performed = performing.await.unwrap().unwrap();
        assert_eq!(performed.route.retries, 0);
        assert!(fleet.peers[leaving].next_or_end().await.is_none());
    });
}

#[test]
fn none_in_reach_is_an_error_that_names_each() {
    run(async {
        let servers = Scripted::several(2).await;
        let mut config = servers[0].config(Timings {
            restart: Duration::ZERO,
            ..unhurried()
        });
        config
            .servers
            .extend(servers[1].config(unhurried()).servers);
        config.servers.push(keyward_keyclient::KeyServerAt {
            target: "no-such-host.invalid:2410".parse().unwrap(),
            name: "keyserver".to_owned(),
        });
        // Nobody answers there: the name is not found out either.
        config.dns.name_servers = vec!["127.0.0.1:1".parse().unwrap()];
        let names: Vec<_> = config.servers[..2]
            .iter()
            .map(|server| server.target.to_string())
            .collect();
        drop(servers);
        let client = KeyClient::start(config).unwrap();
        let error = client.perform(operation(), PATIENCE).await.unwrap_err();
        let KeyClientError::NoneReachable { servers } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(servers.len(), 3, "{error}");
        for (trouble, name) in servers.iter().zip(&names) {
            assert_eq!(trouble.server, *name);
            assert!(trouble.cause.contains("refused"), "{error}");
        }
        assert_eq!(servers[2].server, "no-such-host.invalid:2410");
        assert!(
            error.to_string().contains("keyward check --connect"),
            "{error}"
        );
    });
}

#[test]
fn an_operation_given_up_is_cancelled_wherever_it_is() {
    run(async {
        let mut fleet = Fleet::new(2, |_| ()).await;
        fleet.warm_up().await;
        let performing = fleet.perform();
        fleet.next_request().await;
        fleet.next_request().await;
        performing.abort();
        for peer in &mut fleet.peers {
            assert!(matches!(peer.next().await, Frame::Cancel { .. }));
        }
    });
}

#[test]
fn a_pool_shares_the_operations_among_its_connections() {
    run(async {
        let server = Scripted::new().await;
        let mut config = server.config(unhurried());
        config.connections = 2;
        config.hedge_percent = 0;
        let client = KeyClient::start(config).unwrap();
        let mut peers = Vec::new();
        for _ in 0..2 {
            peers.push(server.greet_with(hello(), part(vec![key()])).await);
        }
        let servers = vec![server];
        let mut fleet = Fleet {
            servers,
            client,
            peers,
        };
        fleet.client.connected(PATIENCE).await.unwrap();
        // Both have to be there before they can share.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut waiting = Vec::new();
        let mut shares = [0, 0];
        for _ in 0..10 {
            let performing = fleet.perform();
            let (n, id) = fleet.next_request().await;
            shares[n] += 1;
            waiting.push((performing, n, id));
        }
        assert_eq!(shares, [5, 5]);
        for (performing, n, id) in waiting {
            fleet.peers[n].reply(id).await;
            performing.await.unwrap().unwrap();
        }
        assert!(fleet.servers[0].is_left_alone().await);
    });
}

/// One connection's trouble is not the other's.
#[test]
fn a_key_server_that_does_not_read_holds_nobody_up() {
    run(async {
        let mut fleet = Fleet::new(2, short_stall).await;
        fleet.warm_up().await;
        // Nobody reads at the first, and what can be written fills up.
        let mut all = Vec::new();
        for _ in 0..400 {
            all.push(fleet.perform());
        }
        let peer = &mut fleet.peers[1];
        let answered = async {
            loop {
                match peer.next().await {
                    Frame::Request { id, .. } => peer.reply(id).await,
                    Frame::Ping { id } => peer.send(Frame::Pong { id }).await,
                    _ => (),
                }
            }
        };
        let done = async {
            for performing in all {
                performing.await.unwrap().unwrap();
            }
        };
        tokio::select! {
            () = answered => (),
            () = done => (),
        }
    });
}
