//! Whatever the order in which bytes travel, steps are taken and needs are answered, on both sides: the handshake
//! completes, both sides have seen the same, and each gets what the other sent.

use std::sync::Arc;

use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, ClientConfig, ClientConnection, Connection,
    EarlyDataStatus, Need, Policy, Role, ServerConfig, ServerConnection, Step,
};
use keyward_wire::values::{NamedGroup, ProtocolVersion};
use proptest::prelude::*;

use crate::support::{KeyAlgorithm, Site, Visitor, client_identity, now};

/// One thing that happens, to the client or the server.
#[derive(Clone, Copy, Debug)]
enum Event {
    Carry(usize),
    Step,
    /// Answers the open need of this index, if there is one.
    Answer(usize),
    Send(usize),
    UpdateKeys(bool),
    ReleaseBuffers,
}

fn event() -> impl Strategy<Value = (bool, Event)> {
    let event = prop_oneof![
        8 => (1_usize..3000).prop_map(Event::Carry),
        10 => Just(Event::Step),
        6 => (0_usize..3).prop_map(Event::Answer),
        2 => (1_usize..40_000).prop_map(Event::Send),
        1 => any::<bool>().prop_map(Event::UpdateKeys),
        1 => Just(Event::ReleaseBuffers),
    ];
    (any::<bool>(), event)
}

/// What the handshake is like.
#[derive(Clone, Copy, Debug)]
struct Plan {
    version: ProtocolVersion,
    retry: bool,
    resume: bool,
    early_data: bool,
    authenticate: bool,
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(tls13, retry, resume, early_data, authenticate)| Plan {
            version: if tls13 {
                ProtocolVersion::TLS13
            } else {
                ProtocolVersion::TLS12
            },
            retry,
            resume,
            early_data,
            authenticate,
        })
}

struct Side<R: Role> {
    connection: Connection<R>,
    open: Vec<Need>,
    sent: Vec<u8>,
    received: Vec<u8>,
    complete: usize,
}

impl<R: Role> Side<R> {
    fn new(connection: Connection<R>) -> Self {
        Self {
            connection,
            open: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
            complete: 0,
        }
    }

    /// Whether anything came of it.
    fn step(&mut self, visitor: &Visitor) -> bool {
        match self.connection.step(now()).unwrap() {
            Step::Blocked => return false,
            Step::Need(need) => self.open.push(need),
            Step::Data => {
                self.received.extend_from_slice(self.connection.peek());
                self.connection.consume_readable(usize::MAX);
            }
            Step::HandshakeComplete => self.complete += 1,
            Step::SessionReceived(session) => visitor.keep(*session),
            other => panic!("{other:?}"),
        }
        true
    }

    fn carry<S: Role>(&mut self, to: &mut Side<S>, n: usize) -> bool {
        let n = n.min(self.connection.output().len());
        let taken = to.connection.receive(&self.connection.output()[..n]);
        self.connection.consume_output(taken);
        taken > 0
    }

    fn send(&mut self, n: usize) -> bool {
        let data: Vec<u8> = (0..=250)
            .cycle()
            .skip(self.sent.len() % 251)
            .take(n)
            .collect();
        let n = self.connection.send(&data).unwrap();
        self.sent.extend_from_slice(&data[..n]);
        n > 0
    }
}

struct World {
    client: Side<keyward_tls::Client>,
    server: Side<keyward_tls::Server>,
    site: Arc<Site>,
    visitor: Arc<Visitor>,
}

impl World {
    fn new(plan: Plan, site: &Arc<Site>, visitor: &Arc<Visitor>) -> Self {
        let policy = Policy {
            versions: vec![plan.version],
            ..Policy::default()
        };
        let client = ClientConfig {
            policy: Arc::new(policy),
            early_data: plan.early_data,
            ..ClientConfig::default()
        };
        let server = ServerConfig {
            early_data: if plan.early_data { 5000 } else { 0 },
            ..ServerConfig::default()
        };
        let name = "shop.example".parse().unwrap();
        Self {
            client: Side::new(ClientConnection::new(Arc::new(client), name).unwrap()),
            server: Side::new(ServerConnection::new(Arc::new(server)).unwrap()),
            site: site.clone(),
            visitor: visitor.clone(),
        }
    }

    fn happen(&mut self, at_client: bool, event: Event) -> bool {
        let Self {
            client,
            server,
            site,
            visitor,
        } = self;
        match (event, at_client) {
            (Event::Carry(n), true) => client.carry(server, n),
            (Event::Carry(n), false) => server.carry(client, n),
            (Event::Step, true) => client.step(visitor),
            (Event::Step, false) => server.step(visitor),
            (Event::Answer(index), true) if index < client.open.len() => {
                let answer = visitor.answer(client.open.remove(index));
                client.connection.answer(answer).unwrap();
                true
            }
            (Event::Answer(index), false) if index < server.open.len() => {
                let answer = site.answer(server.open.remove(index));
                server.connection.answer(answer).unwrap();
                true
            }
            (Event::Answer(_), _) => false,
            // Early data counts as sent, and is taken by a server that resumes.
            (Event::Send(n), true) if client.connection.early_data_capacity() > 0 => {
                client
                    .connection
                    .send_early(&vec![0xea; n.min(100)])
                    .unwrap()
                    > 0
            }
            (Event::Send(n), true) => client.send(n),
            (Event::Send(n), false) => server.send(n),
            (Event::UpdateKeys(request), true) => client.connection.update_keys(request).is_ok(),
            (Event::UpdateKeys(request), false) => server.connection.update_keys(request).is_ok(),
            (Event::ReleaseBuffers, true) => {
                client.connection.release_buffers();
                false
            }
            (Event::ReleaseBuffers, false) => {
                server.connection.release_buffers();
                false
            }
        }
    }

    /// Lets everything that is under way arrive.
    fn settle(&mut self) {
        let all = [Event::Step, Event::Answer(0), Event::Carry(usize::MAX)];
        loop {
            let mut any = false;
            for event in all {
                any |= self.happen(true, event);
                any |= self.happen(false, event);
            }
            if !any {
                return;
            }
        }
    }
}

fn site(plan: Plan) -> Arc<Site> {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    if plan.retry {
        site.policy.groups = vec![NamedGroup::SECP384R1];
    }
    if plan.authenticate {
        site.client_authentication =
            ClientAuthentication::Required(ClientCertificateRequest::default());
    }
    Arc::new(site)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn everything_arrives(
        plan in plan(),
        events in proptest::collection::vec(event(), 0..200),
    ) {
        let site = site(plan);
        let visitor = Arc::new(Visitor {
            identities: Some(vec![client_identity(KeyAlgorithm::P256)]),
            ..Visitor::of(&site)
        });
        if plan.resume {
            let mut first = World::new(plan, &site, &visitor);
            first.settle();
            prop_assert!(!visitor.sessions.lock().unwrap().is_empty());
        }
        let mut world = World::new(plan, &site, &visitor);
        for (at_client, event) in events {
            world.happen(at_client, event);
        }
        world.settle();
        world.happen(true, Event::Send(10));
        world.happen(false, Event::Send(10));
        world.settle();
        let World { client, server, .. } = &world;
        prop_assert_eq!((client.complete, server.complete), (1, 1));
        // What a server received early is in front.
        let early = server.received.len() - client.sent.len();
        prop_assert!(server.received[..early].iter().all(|byte| *byte == 0xea));
        prop_assert!(server.received[early..] == client.sent);
        prop_assert!(client.received == server.sent);
        prop_assert!(!client.sent.is_empty() && !server.sent.is_empty());
        let (ours, theirs) = (
            client.connection.negotiated().unwrap(),
            server.connection.negotiated().unwrap(),
        );
        prop_assert_eq!(ours.resumed, plan.resume);
        prop_assert_eq!(theirs.resumed, plan.resume);
        let accepted = |status| status == EarlyDataStatus::Accepted;
        prop_assert_eq!(accepted(ours.early_data), accepted(theirs.early_data));
        // Both have made the same of all messages.
        let mut exported = [[0; 32]; 2];
        let [one, other] = &mut exported;
        client.connection.export_keying_material(b"test", None, one).unwrap();
        server.connection.export_keying_material(b"test", None, other).unwrap();
        prop_assert_eq!(exported[0], exported[1]);
    }
}
