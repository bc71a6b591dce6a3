//! Early data that may have been seen before: the window and the register of RFC 9846 §8.

use super::*;

/// RFC 9846 §8.3.
#[test]
fn it_is_refused_if_the_hello_is_not_fresh() {
    let site = Arc::new(site());
    let session = session(&site);
    let tolerance = 10_000;
    for (late_ms, fresh) in [
        (-tolerance + 1, true),
        (-tolerance, false),
        (tolerance - 1, true),
        (tolerance, false),
        (1_000_000_000, false),
    ] {
        let mut client = session.client(&site, config(), 60_000);
        let now = client.now.as_millis().checked_add_signed(late_ms).unwrap();
        client.now = UnixTime::from_millis(now);
        // Within the life of the session.
        if late_ms > 40_000_000 {
            continue;
        }
        send(&mut client, b"early").unwrap();
        if fresh {
            taken(&mut client);
        } else {
            assert!(!site.take_asked().contains(&NeedKind::EarlyData));
            refused(&mut client, NoEarlyData::NotFresh);
        }
        site.take_asked();
    }
}

/// RFC 9846 §8.2.
#[test]
fn it_is_refused_the_second_time() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    let hello = client.client_hello();
    let mut recorded = HandClient::plain(ContentType::HANDSHAKE, &hello);
    client.use_early_keys();
    recorded.extend(client.sealed(ContentType::APPLICATION_DATA, b"early"));
    client.feed(&recorded).unwrap();
    assert_eq!(client.received, b"early");

    let mut replay = session.client(&site, config(), 0);
    replay.feed(&recorded).unwrap();
    assert!(replay.received.is_empty());
    assert_eq!(status(&replay), EarlyDataStatus::Rejected);
    assert_eq!(why_not(&replay), Some(NoEarlyData::Seen));
    let seen = site.early_data.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], seen[1]);
}

/// A register that forgets at `expires` forgets nothing that would still be taken.
#[test]
fn the_register_may_forget_what_has_expired() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 3000);
    let hello = client.client_hello();
    client
        .server
        .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
    let expires = loop {
        match client.server.step(client.now).unwrap() {
            Step::Need(Need::EarlyData(need)) => break need.expires(),
            Step::Need(need) => client.server.answer(site.answer(need)).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    // With room for a clock that is ahead by the tolerance.
    assert_eq!(expires.as_millis(), client.now.as_millis() + 20_000);
    for ahead in [0, 10_000] {
        let mut late = session.client(&site, config(), 3000);
        late.now = UnixTime::from_millis(expires.as_millis() - ahead);
        send(&mut late, b"early").unwrap();
        assert!(!site.take_asked().contains(&NeedKind::EarlyData));
        refused(&mut late, NoEarlyData::NotFresh);
    }
}

/// The register had forgotten it by the time that it said so.
#[test]
fn an_answer_that_comes_when_the_hello_is_no_longer_fresh_is_none() {
    for (late_ms, fresh) in [
        (9_999, true),
        (10_000, false),
        (20_000, false),
        (20_001, false),
    ] {
        let site = Arc::new(site());
        let session = session(&site);
        let mut client = session.client(&site, config(), 3000);
        let (need, record) = asked(&mut client);
        client.server.receive(&record);
        client.now = UnixTime::from_millis(client.now.as_millis() + late_ms);
        let Need::EarlyData(need) = need else {
            panic!("another need");
        };
        client.server.answer(need.answer(Ok(true))).unwrap();
        client.step().unwrap();
        client.take_server_hello_for_early_data();
        client.take_flight();
        if fresh {
            taken(&mut client);
        } else {
            refused(&mut client, NoEarlyData::NotFresh);
        }
    }
}

/// Sends the ClientHello and gives the question about early data, unanswered, and a record of it.
fn asked(client: &mut HandClient) -> (Need, Vec<u8>) {
    let hello = client.client_hello();
    client
        .server
        .receive(&HandClient::plain(ContentType::HANDSHAKE, &hello));
    let need = loop {
        match client.server.step(client.now).unwrap() {
            Step::Need(need @ Need::EarlyData(_)) => break need,
            Step::Need(need) => client.server.answer(client.site.answer(need)).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    client.use_early_keys();
    let record = client.sealed(ContentType::APPLICATION_DATA, b"early");
    (need, record)
}

#[test]
fn it_is_refused_if_nobody_can_tell_whether_it_was_seen() {
    let mut site = site();
    site.errors = vec![(NeedKind::EarlyData, NeedError::Unavailable)];
    let site = Arc::new(site);
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    send(&mut client, b"early").unwrap();
    refused(&mut client, NoEarlyData::Unanswered);
}

#[test]
fn it_waits_for_a_late_answer() {
    let site = Arc::new(site());
    let session = session(&site);
    let mut client = session.client(&site, config(), 0);
    let (need, record) = asked(&mut client);
    client.server.receive(&record);
    assert!(matches!(client.server.step(client.now), Ok(Step::Blocked)));
    client.server.answer(site.answer(need)).unwrap();
    client.step().unwrap();
    client.take_server_hello_for_early_data();
    client.take_flight();
    taken(&mut client);
}
