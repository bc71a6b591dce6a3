//! Whatever the pieces in which bytes come, whenever steps are taken and needs are answered: the handshake is the same, to
//! the last byte of both sides. One table of scenarios for both versions and all ways through them.

mod failures;
mod repeating;
mod scenario;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use repeating::Answers;
use scenario::{ALL, Scenario, Who};
use world::{Event, Outcome, World};

use crate::support::now;

fn event() -> impl Strategy<Value = (Who, Event)> {
    let event = prop_oneof![
        4 => (1_usize..40).prop_map(Event::Carry),
        6 => (1_usize..3000).prop_map(Event::Carry),
        12 => Just(Event::Step),
        5 => (0_usize..3).prop_map(Event::Answer),
        3 => (1_usize..5000).prop_map(Event::Read),
        1 => Just(Event::ReleaseBuffers),
    ];
    (prop_oneof![Just(Who::Client), Just(Who::Server)], event)
}

/// Who answers in this scenario, with the session that it resumes.
fn answers(scenario: &Scenario) -> Answers {
    let mut answers = Answers::new(scenario.site(), scenario.visitor());
    if scenario.resumes {
        let before = scenario.before();
        let mut world = World::new(&before, &answers, now());
        world.run(std::iter::empty());
        let session = world.session();
        answers.resume(session);
    }
    answers
}

fn assert_same(name: &str, ours: &[Outcome; 2], others: &[Outcome; 2]) {
    for (side, (one, other)) in ["client", "server"].iter().zip(ours.iter().zip(others)) {
        let differs = one.sent.iter().zip(&other.sent).position(|(a, b)| a != b);
        assert!(
            one.sent == other.sent,
            "{name}: the {side} sent {} and {} bytes, which differ from {differs:?} on",
            one.sent.len(),
            other.sent.len()
        );
        assert!(one == other, "{name}: the {side} has come to know else");
    }
}

#[test]
fn every_course_gives_the_same_transcript() {
    for scenario in &ALL {
        let answers = answers(scenario);
        let start = now();
        let course = |events: Vec<(Who, Event)>| {
            let mut world = World::new(scenario, &answers, start);
            world.run(events.into_iter());
            world.outcome()
        };
        let straight = course(Vec::new());
        let [client, server] = &straight;
        assert!(client.exported.is_some() && client.exported == server.exported);
        let known = answers.known();

        let usual = Config::default();
        let config = Config {
            // Of each scenario; PROPTEST_CASES makes it more.
            cases: usual.cases / 16,
            failure_persistence: None,
            ..usual
        };
        let events = proptest::collection::vec(event(), 0..600);
        let outcome = TestRunner::new(config).run(&events, |events| {
            let outcome = course(events);
            if scenario.repeats() {
                assert_same(scenario.name, &straight, &outcome);
            } else {
                let [client, server] = &outcome;
                prop_assert!(client.exported.is_some() && client.exported == server.exported);
            }
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", scenario.name);
        }
        assert!(
            !scenario.repeats() || answers.known() == known,
            "{}: in another course something else was asked",
            scenario.name
        );
    }
}
