//! What comes of an operation while the connection lasts.

use std::time::{Duration, Instant};

use keyward_keyclient::{KeyClientError, RefusalReason};
use keyward_keyop::OperationResult;
use keyward_protocol::{ErrorCode, ErrorReply, Frame};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::scripted::{PATIENCE, Scripted, hello, operation, run, unhurried};

#[test]
fn answers_come_in_any_order() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        let mut all = JoinSet::new();
        let mut ids = Vec::new();
        for n in 0..10u32 {
            let client = client.clone();
            all.spawn(async move { (n, client.perform(operation(), PATIENCE).await.unwrap()) });
            ids.push(peer.request().await.0);
        }
        for id in ids.iter().rev() {
            peer.reply(*id).await;
        }
        for (n, performed) in all.join_all().await {
            let OperationResult::Signature(signature) = performed.result else {
                panic!("no signature")
            };
            assert_eq!(signature, ids[n as usize].to_be_bytes());
            assert_eq!((performed.queue_us, performed.work_us), (11, 22));
            assert!(performed.round_trip > Duration::ZERO);
        }
    });
}

#[test]
fn every_error_has_its_type() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        let message = || "a\nb".to_owned();
        let new = |code| ErrorReply::new(code, message());
        let table = [
            (
                ErrorReply::refused(RefusalReason::Name),
                KeyClientError::Refused {
                    reason: RefusalReason::Name,
                },
            ),
            (new(ErrorCode::Overloaded), KeyClientError::Overloaded),
            (new(ErrorCode::UnknownKey), KeyClientError::UnknownKey),
            (new(ErrorCode::Expired), KeyClientError::Expired),
            (
                new(ErrorCode::Malformed),
                KeyClientError::Malformed { message: message() },
            ),
            (
                new(ErrorCode::Unsupported),
                KeyClientError::Unsupported { message: message() },
            ),
            (
                new(ErrorCode::Internal),
                KeyClientError::Internal {
                    message: new(ErrorCode::Internal).to_string(),
                },
            ),
        ];
        for (error, expected) in table {
            let performing = tokio::spawn({
                let client = client.clone();
                async move { client.perform(operation(), PATIENCE).await }
            });
            let (id, _) = peer.request().await;
            peer.send(Frame::Error { id, error }).await;
            let error = performing.await.unwrap().unwrap_err();
            assert_eq!(error, expected);
            assert!(
                !error.to_string().contains('\n'),
                "the peer's text can write log lines: {error}"
            );
        }
    });
}

#[test]
fn a_reply_that_cannot_be_read_costs_only_its_request() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        let perform = || {
            tokio::spawn({
                let client = client.clone();
                async move { client.perform(operation(), PATIENCE).await }
            })
        };
        let first = perform();
        let (id, _) = peer.request().await;
        let second = perform();
        let (other, _) = peer.request().await;
        let id = u8::try_from(id).unwrap();
        // A frame of the future, an answer that nobody waits for, and a reply cut short.
        peer.writer
            .write(&mut vec![Zeroizing::new(vec![0, 0, 6, 77, 0, 0, 0, id, 1])])
            .await
            .unwrap();
        peer.reply(4000).await;
        peer.writer
            .write(&mut vec![Zeroizing::new(vec![0, 0, 6, 3, 0, 0, 0, id, 1])])
            .await
            .unwrap();
        assert!(matches!(
            first.await.unwrap(),
            Err(KeyClientError::InvalidReply { .. })
        ));
        peer.reply(other).await;
        second.await.unwrap().unwrap();
    });
}

#[test]
fn the_deadline_is_the_callers_and_the_key_server_is_told() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        let began = Instant::now();
        let performing = tokio::spawn({
            let client = client.clone();
            async move {
                client
                    .perform(operation(), Duration::from_millis(300))
                    .await
            }
        });
        let (id, deadline_ms) = peer.request().await;
        assert!((1..=300).contains(&deadline_ms), "{deadline_ms}");
        assert_eq!(
            performing.await.unwrap().unwrap_err(),
            KeyClientError::Expired
        );
        assert!(began.elapsed() >= Duration::from_millis(300));
        assert!(matches!(peer.next().await, Frame::Cancel { id: cancelled } if cancelled == id));
        // Too late, and no harm.
        peer.reply(id).await;
        let performing = tokio::spawn(async move { client.perform(operation(), PATIENCE).await });
        let (id, _) = peer.request().await;
        peer.reply(id).await;
        performing.await.unwrap().unwrap();
    });
}

#[test]
fn a_caller_that_gives_up_cancels() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(hello()).await;
        let performing = tokio::spawn({
            let client = client.clone();
            async move { client.perform(operation(), PATIENCE).await }
        });
        let (id, _) = peer.request().await;
        performing.abort();
        assert!(matches!(peer.next().await, Frame::Cancel { id: cancelled } if cancelled == id));
    });
}

#[test]
fn the_key_servers_bound_is_kept() {
    run(async {
        let server = Scripted::new().await;
        let client = server.client(unhurried());
        let mut peer = server.greet(keyward_protocol::Hello::key_server(1)).await;
        let first = tokio::spawn({
            let client = client.clone();
            async move { client.perform(operation(), PATIENCE).await }
        });
        let (id, _) = peer.request().await;
        assert_eq!(
            client.perform(operation(), PATIENCE).await.unwrap_err(),
            KeyClientError::Overloaded
        );
        peer.reply(id).await;
        first.await.unwrap().unwrap();
    });
}
