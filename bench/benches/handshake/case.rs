//! One row: a handshake, and the sides that make it.

use std::fmt;
use std::time::Duration;

use keyward_bench::client::{Client, Offer};
use keyward_bench::handshakes::{BATCH, Handshakes};
use keyward_bench::rounds::{Rounds, Side};
use keyward_bench::servers::Server;
use keyward_bench::servers::keyward::KeywardServer;
#[cfg(feature = "openssl")]
use keyward_bench::servers::openssl::OpensslServer;
use keyward_bench::servers::rustls::RustlsServer;
use keyward_bench::table::Table;
use keyward_bench::{Result, SERVER_NAME};
use keyward_pki::{Authority, Issued, KeyAlgorithm};
use rustls::version::TLS13;
use rustls::{NamedGroup, SupportedProtocolVersion};

use crate::floor::Floor;

/// How long the server's side of one round takes, about.
const ROUND: Duration = Duration::from_millis(150);

/// The head of the table of whole handshakes.
pub(crate) const WHOLE: [&str; 8] = [
    "handshake, µs",
    "OpenSSL",
    "rustls",
    "Keyward",
    "rustls / Keyward",
    "of it checks",
    "floor",
    "Keyward / floor",
];

/// The head of the table of handshakes whose key operation is somebody else's work.
pub(crate) const EDGE: [&str; 9] = [
    "without the key operation, µs",
    "rustls",
    "Keyward",
    "rustls / Keyward",
    "verification alone",
    "not verified",
    "rustls / not verified",
    "floor",
    "not verified / floor",
];

/// Whether a session is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Full,
    Resumed,
}

/// One row of the tables.
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) version: &'static SupportedProtocolVersion,
    pub(crate) group: NamedGroup,
    pub(crate) algorithm: KeyAlgorithm,
    pub(crate) issued: Issued,
    clients: Vec<Client>,
    ca: rustls_pki_types::CertificateDer<'static>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.is_tls13() {
            "TLS 1.3"
        } else {
            "TLS 1.2"
        };
        match self.kind {
            Kind::Full => write!(f, "{version}, {:?}, {}", self.group, self.algorithm.name()),
            Kind::Resumed => write!(f, "{version}, resumed"),
        }
    }
}

/// A side's figures, in microseconds for one handshake.
#[derive(Clone, Copy)]
enum Figure {
    Total,
    Checks,
    /// Without checks and signature.
    Edge,
}

impl Case {
    pub(crate) fn new(
        authority: &Authority,
        kind: Kind,
        version: &'static SupportedProtocolVersion,
        group: NamedGroup,
        algorithm: KeyAlgorithm,
    ) -> Result<Self> {
        let mut case = Self {
            kind,
            version,
            group,
            algorithm,
            issued: authority.issue_server(&[SERVER_NAME], algorithm)?,
            clients: Vec::new(),
            ca: authority.ca_der().clone(),
        };
        case.clients = case.new_clients()?;
        Ok(case)
    }

    pub(crate) fn is_tls13(&self) -> bool {
        self.version.version == TLS13.version
    }

    /// Tickets after a TLS 1.3 handshake: as many as Keyward and OpenSSL send by themselves. rustls would send two after a
    /// resumed one as well.
    pub(crate) fn tickets(&self) -> usize {
        match self.kind {
            Kind::Full => 2,
            Kind::Resumed => 1,
        }
    }

    fn new_clients(&self) -> Result<Vec<Client>> {
        let offer = Offer {
            version: self.version,
            group: self.group,
            aes256: false,
        };
        let client = || match self.kind {
            Kind::Full => Client::new(&self.ca, offer),
            Kind::Resumed => Client::with_resumption(&self.ca, offer),
        };
        (0..BATCH).map(|_| client()).collect()
    }

    /// The handshakes of one server. Tickets are a server's own, so each server gets this case's clients afresh.
    pub(crate) fn handshakes<'a, S: Server>(
        &self,
        server: &'a S,
        clients: &'a [Client],
    ) -> Result<Handshakes<'a, S>> {
        match self.kind {
            Kind::Full => Ok(Handshakes::full(server, clients)),
            Kind::Resumed => Handshakes::resumed(server, clients),
        }
    }

    /// Clients for one server.
    pub(crate) fn clients(&self) -> Result<Vec<Client>> {
        self.new_clients()
    }

    /// Sees that every side works.
    pub(crate) fn try_once(&self) -> Result<()> {
        Floor::of(self)?;
        let clients = self.clients()?;
        self.handshakes(&RustlsServer::new(&self.issued, self.tickets())?, &clients)?
            .run(1)?;
        let clients = self.clients()?;
        self.handshakes(&KeywardServer::new(&self.issued)?, &clients)?
            .run(1)?;
        let clients = self.clients()?;
        self.handshakes(
            &KeywardServer::asking_somebody_else(&self.issued)?,
            &clients,
        )?
        .run(1)?;
        #[cfg(feature = "openssl")]
        {
            let clients = self.clients()?;
            self.handshakes(&OpensslServer::new(&self.issued)?, &clients)?
                .run(1)?;
        }
        Ok(())
    }

    /// Measures all sides, and adds a row to each table.
    pub(crate) fn measure(
        &self,
        whole: &mut Table,
        edge: &mut Table,
        floors: &mut Table,
    ) -> Result<()> {
        const RUSTLS: usize = 0;
        const KEYWARD: usize = 1;
        const FLOOR: usize = 2;
        /// Keyward, whose engine is told the signature and verifies it.
        const VERIFIED: usize = 3;
        const OPENSSL: usize = 4;

        let floor = Floor::of(self)?;
        let rustls = RustlsServer::new(&self.issued, self.tickets())?;
        let keyward = KeywardServer::new(&self.issued)?;
        let verified = KeywardServer::asking_somebody_else(&self.issued)?;
        let [for_rustls, for_keyward, for_verified, for_others] = [
            self.clients()?,
            self.clients()?,
            self.clients()?,
            self.clients()?,
        ];
        #[cfg(feature = "openssl")]
        let (openssl, for_openssl) = (OpensslServer::new(&self.issued)?, self.clients()?);
        let others = self.handshakes(&rustls, &for_others)?;
        let mut sides = vec![
            self.side(&rustls, &for_rustls)?,
            self.side(&keyward, &for_keyward)?,
            floor.side(move || others.run(1).map(drop)),
            self.side(&verified, &for_verified)?,
        ];
        #[cfg(feature = "openssl")]
        sides.push(self.side(&openssl, &for_openssl)?);
        let rounds = Rounds::measure(&mut sides)?;

        let us = |side, figure: Figure| format!("{:.1}", rounds.median(side, figure as usize));
        let ratio = |side, other, figure: Figure| {
            format!("{:.2}", rounds.ratio(side, other, figure as usize))
        };
        let openssl = if sides.len() > OPENSSL {
            us(OPENSSL, Figure::Total)
        } else {
            "–".into()
        };
        whole.row(vec![
            self.to_string(),
            openssl,
            us(RUSTLS, Figure::Total),
            us(KEYWARD, Figure::Total),
            ratio(RUSTLS, KEYWARD, Figure::Total),
            us(KEYWARD, Figure::Checks),
            us(FLOOR, Figure::Total),
            ratio(KEYWARD, FLOOR, Figure::Total),
        ]);
        if self.kind == Kind::Full {
            edge.row(vec![
                self.to_string(),
                us(RUSTLS, Figure::Edge),
                us(VERIFIED, Figure::Edge),
                ratio(RUSTLS, VERIFIED, Figure::Edge),
                format!("{:.1}", floor.verification_us(&rounds, FLOOR)),
                us(KEYWARD, Figure::Edge),
                ratio(RUSTLS, KEYWARD, Figure::Edge),
                us(FLOOR, Figure::Edge),
                ratio(KEYWARD, FLOOR, Figure::Edge),
            ]);
        }
        floor.describe(&self.to_string(), &rounds, FLOOR, floors);
        Ok(())
    }

    fn side<'a, S: Server>(&self, server: &'a S, clients: &'a [Client]) -> Result<Side<'a>> {
        let handshakes = self.handshakes(server, clients)?;
        let one = handshakes.run(4 * BATCH)?;
        let mut count = BATCH;
        while one * u32::try_from(count)? < ROUND {
            count *= 2;
        }
        server.take_key_time_us();
        Ok(Box::new(move || {
            let total = handshakes.run(count)?.as_secs_f64() * 1e6;
            let (checks, signing) = server.take_key_time_us().unwrap_or_default();
            Ok(vec![total, checks, total - checks - signing])
        }))
    }
}
