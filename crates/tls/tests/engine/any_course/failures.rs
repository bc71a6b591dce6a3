//! What goes wrong at every point of every scenario: a need that is answered with an error, a side that is gone.

use keyward_tls::{Connection, Error, Misuse, NeedError, NeedKind, Role, TraceEvent};
use keyward_wire::values::AlertDescription;

use super::scenario::{ALL, Scenario, Who};
use super::world::{Side, World};
use super::{answers, repeating::Answers};
use crate::support::now;

/// The needs that a run asks, in order.
fn needs(scenario: &Scenario, answers: &Answers) -> Vec<(Who, NeedKind)> {
    let mut world = World::new(scenario, answers, now());
    world.run(std::iter::empty());
    world.answered
}

/// Whether a handshake goes on without the answer to this need: sessions cost time if they are missing, and no more.
fn does_without(kind: NeedKind, is_session: bool) -> bool {
    match kind {
        NeedKind::Session | NeedKind::OfferSession | NeedKind::NewSession | NeedKind::EarlyData => {
            true
        }
        NeedKind::PeerCertificate => is_session,
        _ => false,
    }
}

#[test]
fn a_need_that_fails_ends_the_handshake_with_one_alert_or_is_done_without() {
    for scenario in &ALL {
        let answers = answers(scenario);
        for (number, (who, kind)) in needs(scenario, &answers).into_iter().enumerate() {
            for error in [NeedError::Refused, NeedError::Overloaded] {
                let mut world = World::new(scenario, &answers, now());
                world.failing = Some((number, error));
                let is_session = scenario.resumes && kind == NeedKind::PeerCertificate;
                let at = format!("{}, need {number}: {kind} of {who:?}", scenario.name);
                if does_without(kind, is_session) {
                    world.run(std::iter::empty());
                    let [client, server] = world.outcome();
                    assert!(client.exported.is_some(), "{at}");
                    assert_eq!(client.exported, server.exported, "{at}");
                    continue;
                }
                world.run_until_failure();
                let expected = Error::Need(kind, error);
                match who {
                    Who::Client => {
                        assert_failed(&mut world.client, &mut world.server, &expected, &at);
                    }
                    Who::Server => {
                        assert_failed(&mut world.server, &mut world.client, &expected, &at);
                    }
                }
            }
        }
    }
}

/// One side has failed, and told the other by one alert, which is not answered; what is left of both is of no use to anybody.
#[track_caller]
fn assert_failed<R: Role, S: Role>(
    failed: &mut Side<R>,
    peer: &mut Side<S>,
    error: &Error,
    at: &str,
) {
    let alert = error.alert().expect("a need that fails has an alert");
    assert_eq!(failed.error.as_ref(), Some(error), "{at}");
    assert_eq!(failed.alerts(), 1, "{at}");
    assert_eq!(peer.error, Some(Error::AlertReceived(alert)), "{at}");
    assert_eq!(peer.alerts(), 0, "{at}");
    assert_useless(failed, error, at);
    assert_useless(peer, &Error::AlertReceived(alert), at);
}

#[track_caller]
fn assert_useless<R: Role>(side: &mut Side<R>, error: &Error, at: &str) {
    let connection = &mut side.connection;
    assert!(connection.output().is_empty(), "{at}");
    assert_eq!(connection.readable(), 0, "{at}");
    assert_eq!(connection.receive(&[22; 100]), 100, "what comes is dropped");
    connection.receive_eof();
    connection.close();
    connection.abort(AlertDescription::INTERNAL_ERROR);
    connection.release_buffers();
    assert_eq!(connection.step(now()).unwrap_err(), *error, "{at}");
    assert_eq!(connection.send(b"data"), Err(error.clone()), "{at}");
    assert_eq!(connection.update_keys(true), Err(Misuse::Closed), "{at}");
    let mut out = [0; 32];
    let exported = connection.export_keying_material(b"label", None, &mut out);
    assert_eq!(exported, Err(Misuse::Closed), "{at}");
    assert_eq!(out, [0; 32], "{at}");
    assert!(
        connection.output().is_empty(),
        "{at}: it says something more"
    );
    // Answers that come now reach nobody.
    for need in side.open.drain(..) {
        let answer = need.fail(NeedError::Expired);
        assert!(connection.answer(answer).is_err(), "{at}");
    }
    let said_more = connection
        .take_trace()
        .iter()
        .any(|event| matches!(event, TraceEvent::Sent { .. }));
    assert!(!said_more, "{at}");
}

/// Runs a scenario up to every single thing that happens in it; then one side goes away, with the needs that it has raised.
#[test]
fn either_side_can_go_away_at_every_step() {
    for scenario in &ALL {
        let answers = answers(scenario);
        for dropped in [Who::Client, Who::Server] {
            let mut steps = 0;
            loop {
                let mut world = World::new(scenario, &answers, now());
                let whole = world.run_steps(steps);
                let at = format!("{}, {dropped:?} gone after {steps}", scenario.name);
                let World { client, server, .. } = world;
                match dropped {
                    Who::Client => {
                        leave(client);
                        alone(server, |need| answers.to_server(need), &at);
                    }
                    Who::Server => {
                        leave(server);
                        alone(client, |need| answers.to_client(need), &at);
                    }
                }
                if whole {
                    break;
                }
                steps += 1;
            }
        }
    }
}

/// The connection goes, and its needs are answered and dropped afterwards.
fn leave<R: Role>(side: Side<R>) {
    let Side {
        connection, open, ..
    } = side;
    drop(connection);
    let mut open = open.into_iter();
    if let Some(need) = open.next() {
        drop(need.fail(NeedError::Unavailable));
    }
    drop(open);
}

/// The other side hears nothing more but the end of the stream: it ends, and says why.
#[track_caller]
fn alone<R: Role>(
    mut side: Side<R>,
    answer: impl Fn(keyward_tls::Need) -> keyward_tls::Answer,
    at: &str,
) {
    let connection: &mut Connection<R> = &mut side.connection;
    connection.receive_eof();
    for need in side.open.drain(..) {
        connection.answer(answer(need)).unwrap();
    }
    let mut closed = false;
    for _ in 0..1000 {
        match connection.step(now()) {
            Ok(keyward_tls::Step::Need(need)) => connection.answer(answer(need)).unwrap(),
            Ok(keyward_tls::Step::Data) => connection.consume_readable(usize::MAX),
            Ok(keyward_tls::Step::PeerClosed) => closed = true,
            Ok(keyward_tls::Step::Closed) => return,
            // The peer had said goodbye before it went.
            Ok(keyward_tls::Step::Blocked) => {
                assert!(closed || side.closing, "{at}: it waits for nobody");
                return;
            }
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error, Error::PeerTruncated, "{at}");
                assert_eq!(connection.send(b"data"), Err(Error::PeerTruncated), "{at}");
                return;
            }
        }
    }
    panic!("{at}: it does not end");
}
