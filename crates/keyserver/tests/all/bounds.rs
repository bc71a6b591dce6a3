//! Bounds of connections and queues, each edge's own.

use keyward_protocol::{ALPN, ErrorCode, Frame, Hello};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::raw_edge::{RawEdge, connect, tcp};
use crate::support::{ALL_OPERATIONS, Home, PATIENCE, eventually, run, site, start};

#[test]
fn an_edge_has_so_many_connections_and_another_edge_its_own() {
    run(async {
        let home = Home::new(&["p256"]);
        home.edge("edge-2.example");
        let rule = |edge: &str| {
            format!(
                "[[edge]]\nname = \"{edge}\"\nkeys = [\"*\"]\nnames = [\"*\"]\noperations = {ALL_OPERATIONS}\n"
            )
        };
        let rules = rule("edge-1.example") + &rule("edge-2.example");
        let server =
            start(home.config(&format!("[limits]\nconnections_per_edge = 2\n{rules}"))).await;
        let one = RawEdge::greeted(&home, &server).await;
        let two = RawEdge::greeted(&home, &server).await;
        let mut third = RawEdge::new(connect(&home, &server, ALPN).await.unwrap());
        let hello = Frame::Hello(Hello::edge());
        third.writer.send(&hello).await.unwrap();
        assert!(matches!(third.next().await, Some(Frame::Hello(_))));
        assert_eq!(third.error_code().await, (0, ErrorCode::Overloaded));
        assert!(third.next().await.is_none(), "and the connection ends");

        let other = home.client_of(&server, "edge-2.example");
        other.perform(site("p256").tls13(), PATIENCE).await.unwrap();
        drop(one);
        eventually("the place is free again", || {
            server.metrics().connections == 2
        })
        .await;
        RawEdge::greeted(&home, &server).await;
        drop(two);
    });
}

/// Before any handshake: a stranger's connections are bounded too.
#[test]
fn an_address_has_so_many_connections() {
    run(async {
        let home = Home::new(&["p256"]);
        let server = start(home.open_config("[limits]\nconnections_per_address = 2")).await;
        let address = tcp(&server);
        let one = TcpStream::connect(&address).await.unwrap();
        let _two = TcpStream::connect(&address).await.unwrap();
        let mut third = TcpStream::connect(&address).await.unwrap();
        let closed = third.read(&mut [0]).await;
        assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
        assert_eq!(server.metrics().connections_rejected, 1);
        drop(one);
        eventually("the stranger that went is counted", || {
            server.metrics().connections_rejected == 2
        })
        .await;
        RawEdge::greeted(&home, &server).await;
    });
}

#[test]
fn an_edge_that_fills_its_share_of_the_queue_leaves_the_others_theirs() {
    run(async {
        let home = Home::new(&["rsa4096"]);
        home.edge("edge-2.example");
        let rule = |edge: &str| {
            format!(
                "[[edge]]\nname = \"{edge}\"\nkeys = [\"*\"]\nnames = [\"*\"]\noperations = {ALL_OPERATIONS}\n"
            )
        };
        let rules = rule("edge-1.example") + &rule("edge-2.example");
        let limits = "[limits]\nworkers = 1\nqueue_per_edge = 10";
        let server = start(home.config(&format!("{limits}\n{rules}"))).await;
        // On two connections: the share is the edge's, not the connection's.
        let mut one = RawEdge::greeted(&home, &server).await;
        let mut two = RawEdge::greeted(&home, &server).await;
        let rsa = site("rsa4096");
        one.requests((1..=60).map(|id| (id, 20_000, rsa))).await;
        two.requests((1..=60).map(|id| (id, 20_000, rsa))).await;
        // Behind the flood, and not refused for it.
        let other = home.client_of(&server, "edge-2.example");
        other.perform(rsa.tls13(), PATIENCE).await.unwrap();
        let (one, two) = (one.answers(60).await, two.answers(60).await);
        let overloaded = one.len() + two.len();
        assert!(overloaded > 0 && overloaded <= 110, "{overloaded}");
        let all = one.iter().chain(&two);
        assert!(all.clone().all(|(_, code)| *code == ErrorCode::Overloaded));
    });
}

#[test]
fn an_edge_that_asks_and_does_not_read_is_cut_when_its_answers_are_too_many_bytes() {
    run(async {
        let home = Home::new(&["p256"]);
        let limits = "[limits]\nunsent_bytes = 1000\nwrite_ms = 3600000\nin_flight = 65535";
        let server = start(home.open_config(limits)).await;
        let RawEdge {
            reader: _unread,
            mut writer,
        } = RawEdge::greeted(&home, &server).await;
        let ask = async {
            let mut id = 0;
            loop {
                let mut requests: Vec<_> = (0..100)
                    .map(|_| {
                        id += 1;
                        let operation = site("p256").tls13();
                        keyward_protocol::encode_request(id, 10_000, &operation).unwrap()
                    })
                    .collect();
                if writer.write(&mut requests).await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE * 4, ask)
            .await
            .expect("the key server goes on without end");
        eventually("the connection is gone", || {
            server.metrics().connections == 0
        })
        .await;
        let client = home.client(&server.addresses()[0]);
        client
            .perform(site("p256").tls13(), PATIENCE)
            .await
            .unwrap();
    });
}
