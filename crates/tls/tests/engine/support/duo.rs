use std::sync::Arc;

use keyward_tls::{
    ClientConfig, ClientConnection, Connection, Error, Role, ServerConfig, ServerConnection, Step,
};

use super::{Site, Visitor, now};

/// Our client and our server.
pub(crate) struct Duo {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
    pub(crate) site: Arc<Site>,
    pub(crate) visitor: Arc<Visitor>,
    /// How many bytes travel at once.
    pub(crate) piece: usize,
    /// What each side has received.
    pub(crate) client_received: Vec<u8>,
    pub(crate) server_received: Vec<u8>,
    /// Steps of the client other than needs and data.
    pub(crate) client_steps: Vec<&'static str>,
}

/// Which side failed, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    Client(Error),
    Server(Error),
}

impl Duo {
    pub(crate) fn new(site: &Arc<Site>, visitor: &Arc<Visitor>) -> Self {
        Self::with(
            site,
            visitor,
            ClientConfig::default(),
            ServerConfig::default(),
        )
    }

    pub(crate) fn with(
        site: &Arc<Site>,
        visitor: &Arc<Visitor>,
        client: ClientConfig,
        server: ServerConfig,
    ) -> Self {
        let name = "shop.example".parse().unwrap();
        Self {
            client: ClientConnection::new(Arc::new(client), name).unwrap(),
            server: ServerConnection::new(Arc::new(server)).unwrap(),
            site: site.clone(),
            visitor: visitor.clone(),
            piece: usize::MAX,
            client_received: Vec::new(),
            server_received: Vec::new(),
            client_steps: Vec::new(),
        }
    }

    /// Moves bytes until nothing moves any more.
    pub(crate) fn run(&mut self) -> Result<(), Failed> {
        loop {
            let client = self.step_client();
            let any = carry(&mut self.client, &mut self.server, self.piece);
            client.map_err(Failed::Client)?;
            let server = self.step_server();
            let any = carry(&mut self.server, &mut self.client, self.piece) | any;
            server.map_err(Failed::Server)?;
            if !any {
                return Ok(());
            }
        }
    }

    pub(crate) fn step_client(&mut self) -> Result<(), Error> {
        loop {
            match self.client.step(now())? {
                Step::Need(need) => self.client.answer(self.visitor.answer(need)).unwrap(),
                Step::Data => {
                    self.client_received.extend_from_slice(self.client.peek());
                    self.client.consume_readable(usize::MAX);
                }
                Step::SessionReceived(session) => self.visitor.keep(*session),
                Step::HandshakeComplete => self.client_steps.push("HandshakeComplete"),
                Step::PeerClosed => self.client_steps.push("PeerClosed"),
                _ => return Ok(()),
            }
        }
    }

    pub(crate) fn step_server(&mut self) -> Result<(), Error> {
        loop {
            match self.server.step(now())? {
                Step::Need(need) => self.server.answer(self.site.answer(need)).unwrap(),
                Step::Data => {
                    self.server_received.extend_from_slice(self.server.peek());
                    self.server.consume_readable(usize::MAX);
                }
                Step::HandshakeComplete | Step::PeerClosed => {}
                _ => return Ok(()),
            }
        }
    }

    /// A whole handshake.
    #[track_caller]
    pub(crate) fn handshake(&mut self) {
        self.run().unwrap();
        assert!(
            self.client.is_handshake_complete(),
            "the client is not done"
        );
        assert!(
            self.server.is_handshake_complete(),
            "the server is not done"
        );
    }

    /// Data there and back.
    #[track_caller]
    pub(crate) fn echo(&mut self) {
        self.client_received.clear();
        self.server_received.clear();
        assert_eq!(self.client.send(b"request").unwrap(), 7);
        assert_eq!(self.server.send(b"response").unwrap(), 8);
        self.run().unwrap();
        assert_eq!(self.server_received, b"request");
        assert_eq!(self.client_received, b"response");
    }
}

/// Moves what one side has to say to the other; whether there was any.
fn carry<A: Role, B: Role>(from: &mut Connection<A>, to: &mut Connection<B>, piece: usize) -> bool {
    let n = from.output().len().min(piece);
    let taken = to.receive(&from.output()[..n]);
    from.consume_output(taken);
    taken > 0
}
