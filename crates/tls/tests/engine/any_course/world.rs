//! Both sides of one connection, and whatever happens to them in whatever order.

use std::sync::Arc;

use keyward_tls::{
    ClientConnection, ClientSession, Connection, Error, Need, NeedKind, Role, ServerConnection,
    Step, TraceEvent, TraceItem, UnixTime,
};

use super::repeating::Answers;
use super::scenario::{Act, Scenario, Who};

/// One thing that happens, at the client or at the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// Bytes travel to the other side.
    Carry(usize),
    Step,
    /// Answers the open need of this index, if there is one.
    Answer(usize),
    /// Reads data, if there is any.
    Read(usize),
    ReleaseBuffers,
}

pub(super) struct Side<R: Role> {
    pub(super) connection: Connection<R>,
    pub(super) open: Vec<Need>,
    /// All that has left.
    pub(super) sent: Vec<u8>,
    pub(super) received: Vec<u8>,
    pub(super) completed: usize,
    /// The peer has said that it sends no more.
    pub(super) closing: bool,
    pub(super) closed: bool,
    pub(super) error: Option<Error>,
    pub(super) trace: Vec<TraceEvent>,
    sessions: Vec<ClientSession>,
}

impl<R: Role> Side<R> {
    fn new(connection: Connection<R>) -> Self {
        Self {
            connection,
            open: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
            completed: 0,
            closing: false,
            closed: false,
            error: None,
            trace: Vec::new(),
            sessions: Vec::new(),
        }
    }

    /// Whether anything came of it.
    fn step(&mut self, now: UnixTime) -> bool {
        let step = self.connection.step(now);
        self.trace.extend(self.connection.take_trace());
        match step {
            Ok(Step::Blocked) => return false,
            Ok(Step::Need(need)) => self.open.push(need),
            Ok(Step::Data) => return false,
            Ok(Step::HandshakeComplete) => self.completed += 1,
            Ok(Step::SessionReceived(session)) => self.sessions.push(*session),
            Ok(Step::PeerClosed) => self.closing = true,
            Ok(Step::Closed) => return !std::mem::replace(&mut self.closed, true),
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                let known = self.error.replace(error.clone());
                assert!(known.as_ref().is_none_or(|known| *known == error));
                return known.is_none();
            }
        }
        true
    }

    fn read(&mut self, n: usize) -> bool {
        let data = self.connection.peek();
        let n = n.min(data.len());
        self.received.extend_from_slice(&data[..n]);
        self.connection.consume_readable(n);
        n > 0
    }

    fn carry<S: Role>(&mut self, to: &mut Side<S>, n: usize) -> bool {
        let n = n.min(self.connection.output().len());
        let bytes = &self.connection.output()[..n];
        let taken = to.connection.receive(bytes);
        self.sent.extend_from_slice(&bytes[..taken]);
        self.connection.consume_output(taken);
        taken > 0
    }

    fn send(&mut self, length: usize) {
        let data: Vec<u8> = (0..=250).cycle().take(length).collect();
        assert_eq!(self.connection.send(&data).unwrap(), length);
    }

    /// The alerts that were sent.
    pub(super) fn alerts(&self) -> usize {
        let alert = |event: &&TraceEvent| {
            matches!(
                event,
                TraceEvent::Sent {
                    what: TraceItem::Alert(_),
                    ..
                }
            )
        };
        self.trace.iter().filter(alert).count()
    }

    fn exported(&self) -> Option<[u8; 32]> {
        let mut out = [0; 32];
        let exported =
            self.connection
                .export_keying_material(b"EXPERIMENTAL any course", None, &mut out);
        exported.ok().map(|()| out)
    }
}

/// What a side has said and come to know: all that a run can be told by.
#[derive(PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) sent: Vec<u8>,
    received: Vec<u8>,
    completed: usize,
    closed: bool,
    pub(super) exported: Option<[u8; 32]>,
    secrets: Vec<String>,
    sessions: Vec<Vec<u8>>,
}

impl<R: Role> Side<R> {
    fn outcome(&mut self, exported: Option<[u8; 32]>) -> Outcome {
        assert_eq!(self.error, None);
        let secrets = self.connection.take_key_log();
        Outcome {
            sent: std::mem::take(&mut self.sent),
            received: std::mem::take(&mut self.received),
            completed: self.completed,
            closed: self.closed,
            exported,
            secrets: secrets.iter().map(ToString::to_string).collect(),
            sessions: self.sessions.iter().map(|s| s.encode().to_vec()).collect(),
        }
    }
}

pub(super) struct World<'a> {
    scenario: &'a Scenario,
    answers: &'a Answers,
    now: UnixTime,
    pub(super) client: Side<keyward_tls::Client>,
    pub(super) server: Side<keyward_tls::Server>,
    /// Fails the need of this number, counted over both sides.
    pub(super) failing: Option<(usize, keyward_tls::NeedError)>,
    /// The needs that were answered, in order.
    pub(super) answered: Vec<(Who, NeedKind)>,
    exported: [Option<[u8; 32]>; 2],
}

impl<'a> World<'a> {
    pub(super) fn new(scenario: &'a Scenario, answers: &'a Answers, now: UnixTime) -> Self {
        let client = ClientConnection::new(
            Arc::new(scenario.client_config()),
            "shop.example".parse().unwrap(),
        );
        let server = ServerConnection::new(Arc::new(scenario.server_config()));
        Self {
            scenario,
            answers,
            now,
            client: Side::new(client.unwrap()),
            server: Side::new(server.unwrap()),
            failing: None,
            answered: Vec::new(),
            exported: [None; 2],
        }
    }

    /// Whether anything came of it.
    pub(super) fn happen(&mut self, who: Who, event: Event) -> bool {
        let Self { client, server, .. } = self;
        match (event, who) {
            (Event::Carry(n), Who::Client) => client.carry(server, n),
            (Event::Carry(n), Who::Server) => server.carry(client, n),
            (Event::Step, Who::Client) => client.step(self.now),
            (Event::Step, Who::Server) => server.step(self.now),
            (Event::Read(n), Who::Client) => client.read(n),
            (Event::Read(n), Who::Server) => server.read(n),
            (Event::Answer(index), who) => self.answer(who, index),
            (Event::ReleaseBuffers, Who::Client) => {
                client.connection.release_buffers();
                false
            }
            (Event::ReleaseBuffers, Who::Server) => {
                server.connection.release_buffers();
                false
            }
        }
    }

    fn answer(&mut self, who: Who, index: usize) -> bool {
        let open = match who {
            Who::Client => &mut self.client.open,
            Who::Server => &mut self.server.open,
        };
        if index >= open.len() {
            return false;
        }
        let need = open.remove(index);
        let number = self.answered.len();
        self.answered.push((who, need.kind()));
        let answer = match (self.failing, who) {
            (Some((failing, error)), _) if failing == number => need.fail(error),
            (_, Who::Client) => self.answers.to_client(need),
            (_, Who::Server) => self.answers.to_server(need),
        };
        match who {
            Who::Client => self.client.connection.answer(answer),
            Who::Server => self.server.connection.answer(answer),
        }
        .is_ok()
    }

    /// Lets everything that is under way arrive, one thing after the other, as long as `go_on` says so after each.
    fn settle_while(&mut self, mut go_on: impl FnMut() -> bool) {
        const ALL: [Event; 4] = [
            Event::Step,
            Event::Answer(0),
            Event::Read(usize::MAX),
            Event::Carry(usize::MAX),
        ];
        loop {
            let mut any = false;
            for event in ALL {
                for who in [Who::Client, Who::Server] {
                    if self.happen(who, event) {
                        any = true;
                        if !go_on() {
                            return;
                        }
                    }
                }
            }
            if !any {
                return;
            }
        }
    }

    fn settle(&mut self) {
        self.settle_while(|| true);
    }

    /// Does what the scenario does next. A connection that is not there any more does nothing.
    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::EarlyData => {
                // As far as the client comes alone.
                while self.happen(Who::Client, Event::Step)
                    | self.happen(Who::Client, Event::Answer(0))
                {}
                // Without a session there is none.
                let sent = self.client.connection.send_early(&[0xea; 100]).unwrap();
                assert!(sent == 100 || self.failing.is_some());
            }
            Act::Data => {
                self.client.send(20_000);
                self.server.send(3_000);
            }
            Act::Renegotiate => self.server.connection.request_renegotiation().unwrap(),
            Act::UpdateKeys(Who::Client) => self.client.connection.update_keys(true).unwrap(),
            Act::UpdateKeys(Who::Server) => self.server.connection.update_keys(true).unwrap(),
            Act::Close(who) => {
                self.exported = [self.client.exported(), self.server.exported()];
                match who {
                    Who::Client => self.client.connection.close(),
                    Who::Server => self.server.connection.close(),
                }
            }
        }
    }

    /// All of the scenario, with these events wherever they fall.
    pub(super) fn run(&mut self, mut events: impl Iterator<Item = (Who, Event)>) {
        for act in self.begin() {
            self.course(events.by_ref());
            self.act(*act);
        }
        self.course(events);
    }

    /// Does what comes before anything arrives, and gives the acts that are left.
    fn begin(&mut self) -> &'static [Act] {
        match self.scenario.acts.split_first() {
            Some((Act::EarlyData, rest)) => {
                self.act(Act::EarlyData);
                rest
            }
            _ => self.scenario.acts,
        }
    }

    fn course(&mut self, events: impl Iterator<Item = (Who, Event)>) {
        for (who, event) in events.take(EVENTS_AT_ONCE) {
            self.happen(who, event);
        }
        self.settle();
    }

    /// The scenario until one side has failed.
    pub(super) fn run_until_failure(&mut self) {
        for act in self.begin() {
            self.settle();
            if self.client.error.is_some() || self.server.error.is_some() {
                return;
            }
            self.act(*act);
        }
        self.settle();
    }

    /// The scenario up to so many things that come to something; whether that is all of it.
    pub(super) fn run_steps(&mut self, steps: usize) -> bool {
        let mut left = steps;
        for act in self.begin() {
            self.settle_up_to(&mut left);
            if left == 0 {
                return false;
            }
            self.act(*act);
        }
        self.settle_up_to(&mut left);
        left > 0
    }

    fn settle_up_to(&mut self, left: &mut usize) {
        if *left > 0 {
            self.settle_while(|| {
                *left -= 1;
                *left > 0
            });
        }
    }

    /// How it went, at the client and at the server.
    pub(super) fn outcome(mut self) -> [Outcome; 2] {
        let [client, server] = self.exported;
        [self.client.outcome(client), self.server.outcome(server)]
    }

    pub(super) fn session(&self) -> ClientSession {
        self.client.sessions.last().expect("there is one").clone()
    }
}

/// How much happens in no order before all of it arrives.
const EVENTS_AT_ONCE: usize = 150;
