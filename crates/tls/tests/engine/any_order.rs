//! Whatever the order in which bytes travel, steps are taken and needs are answered: the handshake
//! completes, and each side gets what the other sent.

use std::io::{Read, Write};
use std::sync::Arc;

use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, Need, NeedError, NeedKind, ServerConfig,
    ServerConnection, Step,
};
use proptest::prelude::*;
use rustls::{ClientConfig, ClientConnection, SupportedProtocolVersion};

use crate::support::{ClientOptions, KeyAlgorithm, Site, client_config, client_identity, now};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    ToServer(usize),
    ToClient(usize),
    Step,
    /// Answers the open need of this index, if there is one.
    Answer(usize),
    /// Fails it, if the handshake can do without.
    Fail(usize),
    ClientWrites(usize),
    ServerSends(usize),
    ClientUpdatesKeys,
    ServerUpdatesKeys(bool),
    ServerReleasesBuffers,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (1_usize..3000).prop_map(Event::ToServer),
        8 => (1_usize..3000).prop_map(Event::ToClient),
        12 => Just(Event::Step),
        6 => (0_usize..3).prop_map(Event::Answer),
        1 => (0_usize..3).prop_map(Event::Fail),
        2 => (1_usize..40_000).prop_map(Event::ClientWrites),
        2 => (1_usize..40_000).prop_map(Event::ServerSends),
        1 => Just(Event::ClientUpdatesKeys),
        1 => any::<bool>().prop_map(Event::ServerUpdatesKeys),
        1 => Just(Event::ServerReleasesBuffers),
    ]
}

struct World {
    client: ClientConnection,
    server: ServerConnection,
    site: Arc<Site>,
    open: Vec<Need>,
    to_server: Vec<u8>,
    client_wrote: Vec<u8>,
    server_read: Vec<u8>,
    server_sent: Vec<u8>,
    client_read: Vec<u8>,
    /// The client has sent early data, which is lost if no session is found.
    early: bool,
}

impl World {
    fn new(version: &'static SupportedProtocolVersion, site: Arc<Site>) -> Self {
        let config = client_config(ClientOptions {
            versions: vec![version],
            ..ClientOptions::default()
        });
        Self::with(&config, ServerConfig::default(), site)
    }

    fn with(client: &Arc<ClientConfig>, server: ServerConfig, site: Arc<Site>) -> Self {
        let name = "shop.example".try_into().unwrap();
        Self {
            client: ClientConnection::new(client.clone(), name).unwrap(),
            server: ServerConnection::new(Arc::new(server)).unwrap(),
            site,
            open: Vec::new(),
            to_server: Vec::new(),
            client_wrote: Vec::new(),
            server_read: Vec::new(),
            server_sent: Vec::new(),
            client_read: Vec::new(),
            early: false,
        }
    }

    /// Whether anything came of it.
    fn happen(&mut self, event: Event) -> bool {
        match event {
            Event::ToServer(n) => {
                while self.client.wants_write() {
                    self.client.write_tls(&mut self.to_server).unwrap();
                }
                let n = n.min(self.to_server.len());
                let taken = self.server.receive(&self.to_server[..n]);
                self.to_server.drain(..taken);
                taken > 0
            }
            Event::ToClient(n) => {
                let output = self.server.output();
                let n = n.min(output.len());
                if n == 0 {
                    // To rustls, nothing is the end of the stream.
                    return false;
                }
                let taken = self.client.read_tls(&mut &output[..n]).unwrap();
                self.server.consume_output(taken);
                self.client.process_new_packets().unwrap();
                match self.client.reader().read_to_end(&mut self.client_read) {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
                }
                taken > 0
            }
            Event::Step => match self.server.step(now()).unwrap() {
                Step::Blocked => false,
                Step::Need(need) => {
                    self.open.push(need);
                    true
                }
                Step::Data => {
                    let mut buf = [0; 777];
                    let n = self.server.read(&mut buf);
                    self.server_read.extend_from_slice(&buf[..n]);
                    true
                }
                Step::HandshakeComplete => true,
                other => panic!("{other:?}"),
            },
            Event::Answer(index) if index < self.open.len() => {
                let answer = self.site.answer(self.open.remove(index));
                self.server.answer(answer).unwrap();
                true
            }
            Event::Fail(index) if index < self.open.len() => {
                if self.open[index].kind() != NeedKind::NewSession || self.early {
                    return false;
                }
                let answer = self.open.remove(index).fail(NeedError::Overloaded);
                self.server.answer(answer).unwrap();
                true
            }
            Event::ClientWrites(n) => {
                let data = data(self.client_wrote.len(), n);
                let n = self.client.writer().write(&data).unwrap();
                self.client_wrote.extend_from_slice(&data[..n]);
                n > 0
            }
            Event::ServerSends(n) => {
                let data = data(self.server_sent.len(), n);
                let n = self.server.send(&data).unwrap();
                self.server_sent.extend_from_slice(&data[..n]);
                n > 0
            }
            Event::ClientUpdatesKeys => self.client.refresh_traffic_keys().is_ok(),
            Event::ServerUpdatesKeys(request) => self.server.update_keys(request).is_ok(),
            Event::ServerReleasesBuffers => {
                self.server.release_buffers();
                false
            }
            Event::Answer(_) | Event::Fail(_) => false,
        }
    }

    /// Lets these things happen, then all else, and sees that everything has arrived.
    fn go_through(&mut self, events: Vec<Event>) {
        for event in events {
            self.happen(event);
        }
        self.settle();
        self.happen(Event::ClientWrites(10));
        self.happen(Event::ServerSends(10));
        self.settle();
        assert!(self.server.is_handshake_complete());
        assert!(self.server_read == self.client_wrote);
        assert!(self.client_read == self.server_sent);
        assert!(!self.server_sent.is_empty());
    }

    /// Lets everything that is under way arrive.
    fn settle(&mut self) {
        let all = [
            Event::ToServer(usize::MAX),
            Event::Step,
            Event::Answer(0),
            Event::ToClient(usize::MAX),
        ];
        while all
            .into_iter()
            .fold(false, |any, event| self.happen(event) | any)
        {}
    }
}

/// `n` bytes of a stream, from `at` on: what is lost or doubled shows.
fn data(at: usize, n: usize) -> Vec<u8> {
    (0..=250).cycle().skip(at % 251).take(n).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn everything_arrives(
        events in proptest::collection::vec(event(), 0..150),
        tls13 in any::<bool>(),
    ) {
        let version = if tls13 { &rustls::version::TLS13 } else { &rustls::version::TLS12 };
        let mut world = World::new(version, Arc::new(Site::new(&[KeyAlgorithm::P256])));
        world.go_through(events);
    }

    #[test]
    fn a_client_is_known_in_any_order(
        events in proptest::collection::vec(event(), 0..150),
        tls13 in any::<bool>(),
    ) {
        let version = if tls13 { &rustls::version::TLS13 } else { &rustls::version::TLS12 };
        let mut site = Site::new(&[KeyAlgorithm::P256]);
        let request = ClientCertificateRequest::default();
        site.client_authentication = ClientAuthentication::Required(request);
        let client = client_config(ClientOptions {
            versions: vec![version],
            identity: Some(client_identity(KeyAlgorithm::P256)),
            ..ClientOptions::default()
        });
        let mut world = World::with(&client, ServerConfig::default(), Arc::new(site));
        world.go_through(events);
        prop_assert_eq!(world.server.peer_certificates().len(), 1);
    }

    #[test]
    fn early_data_arrives_in_any_order(
        events in proptest::collection::vec(event(), 0..150),
        early in 1_usize..5000,
    ) {
        let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
        let options = ClientOptions { resumption: true, ..ClientOptions::default() };
        let mut client = Arc::into_inner(client_config(options)).unwrap();
        client.enable_early_data = true;
        let client = Arc::new(client);
        let config = || ServerConfig { early_data: 5000, ..ServerConfig::default() };
        World::with(&client, config(), site.clone()).go_through(Vec::new());

        let mut world = World::with(&client, config(), site);
        world.early = true;
        let bytes = data(0, early);
        world.client.early_data().unwrap().write_all(&bytes).unwrap();
        world.client_wrote = bytes;
        world.go_through(events);
        prop_assert!(world.client.is_early_data_accepted());
    }
}
