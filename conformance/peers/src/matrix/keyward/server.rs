//! Keyward as the server.

use std::{
    collections::HashMap,
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use keyward_crypto::random::SystemRandom;
use keyward_tls::{
    Answer, CertificateAnswer, ClientAuthentication, ClientCertificateRequest, ClientSession, Need,
    NeedError, NewSessionKind, OfferedSession, ServerConfig, ServerConnection, SessionState,
    tickets::TicketKeys,
};

use super::{
    ANSWER, REQUEST, expect_group, keys, link, link::Link, policy, report, signature_schemes,
};
use crate::matrix::{case::Case, credentials::Credentials, report::Report, values::Flow};

/// A server for one case.
pub struct Server<'a> {
    listener: TcpListener,
    desk: Desk<'a>,
    config: Arc<ServerConfig>,
    /// Whether the client says nothing on a connection whose session it will resume.
    first_is_silent: bool,
}

/// How long the peer may take to connect.
const PATIENCE: Duration = Duration::from_secs(20);

impl<'a> Server<'a> {
    /// Listens for the case's connections.
    pub fn start(
        case: Case,
        credentials: &'a Credentials,
        first_is_silent: bool,
    ) -> Result<Self, String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            })
            .map_err(|error| format!("the listener: {error}"))?;
        let tickets = TicketKeys::new(&[[7; 32]], Arc::new(SystemRandom))
            .map_err(|error| format!("the ticket key: {error}"))?;
        Ok(Self {
            listener,
            desk: Desk {
                case,
                credentials,
                tickets,
                by_id: HashMap::new(),
                resumed_by: None,
            },
            config: Arc::new(ServerConfig {
                early_data: match case.flow {
                    Flow::EarlyData => 1 << 14,
                    _ => 0,
                },
                ..ServerConfig::default()
            }),
            first_is_silent,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> Result<u16, String> {
        let address = self.listener.local_addr();
        address
            .map(|address| address.port())
            .map_err(|error| format!("the listener: {error}"))
    }

    /// Serves the case's connections, one after the other; gives up once `gone` says that nobody will come.
    pub fn serve(mut self, gone: &AtomicBool) -> Result<Vec<Report>, String> {
        let mut reports = Vec::new();
        for index in 0..self.desk.case.connections() {
            let socket = self.accept(gone)?;
            let last = index + 1 == self.desk.case.connections();
            let report = self
                .serve_one(socket, !last && self.first_is_silent)
                .map_err(|error| format!("connection {}: {error}", index + 1))?;
            reports.push(report);
        }
        Ok(reports)
    }

    fn accept(&self, gone: &AtomicBool) -> Result<TcpStream, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.listener.accept() {
                Ok((socket, _)) => {
                    socket
                        .set_nonblocking(false)
                        .map_err(|error| format!("the socket: {error}"))?;
                    return Ok(socket);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(format!("the listener: {error}")),
            }
            if gone.load(Ordering::Acquire) || Instant::now() > deadline {
                return Err("the peer never connected".to_owned());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn serve_one(&mut self, socket: TcpStream, silent: bool) -> Result<Report, String> {
        let tls = ServerConnection::new(self.config.clone())
            .map_err(|error| format!("Keyward: {error}"))?;
        let mut link = Link::new(tls, socket)?;
        link.complete(&mut self.desk)?;
        let report = report(link.tls.negotiated(), link.tls.peer_certificates())?;
        expect_group(&self.desk.case, &report)?;
        let how = match self.desk.case.flow {
            Flow::EarlyData => Flow::Ticket,
            flow => flow,
        };
        if report.resumed && self.desk.resumed_by != Some(how) {
            return Err(format!("resumed by {:?}", self.desk.resumed_by));
        }
        if !silent {
            link.receive(&mut self.desk, REQUEST)?;
            link.send(ANSWER)?;
            link.close()?;
        }
        link.end(&mut self.desk);
        Ok(report)
    }
}

struct Desk<'a> {
    case: Case,
    credentials: &'a Credentials,
    tickets: TicketKeys,
    by_id: HashMap<Vec<u8>, SessionState>,
    /// How the client named the session that it got back.
    resumed_by: Option<Flow>,
}

impl Desk<'_> {
    fn find(&mut self, offered: &[OfferedSession]) -> Option<(usize, SessionState)> {
        offered.iter().enumerate().find_map(|(index, offered)| {
            let (how, state) = match offered {
                OfferedSession::Ticket(ticket) => (Flow::Ticket, self.tickets.open(ticket)),
                OfferedSession::SessionId(id) => (Flow::SessionId, self.by_id.get(id).cloned()),
            };
            let state = state?;
            self.resumed_by = Some(how);
            Some((index, state))
        })
    }
}

impl link::Desk for Desk<'_> {
    fn answer(&mut self, need: Need) -> Result<Answer, String> {
        let server = self.credentials.server(self.case.certificate);
        Ok(match need {
            Need::Certificate(need) => {
                if need.server_name() != Some(self.case.host().as_str()) {
                    return Err(format!("the client asks for {:?}", need.server_name()));
                }
                need.answer(Ok(CertificateAnswer {
                    candidates: vec![server.credential.clone()],
                    policy: Arc::new(policy(&self.case, self.case.group.as_slice())),
                    client_authentication: match self.case.client_certificate {
                        None => ClientAuthentication::Off,
                        Some(_) => ClientAuthentication::Required(ClientCertificateRequest {
                            signature_schemes: signature_schemes(),
                            ..ClientCertificateRequest::default()
                        }),
                    },
                    ..CertificateAnswer::default()
                }))
            }
            Need::Session(need) => {
                let found = self.find(need.offered());
                need.answer(Ok(found))
            }
            Need::KeyOperation(need) => keys::perform(need, &server.key, false)?,
            Need::PeerCertificate(need) => {
                let expected = self
                    .case
                    .client_certificate
                    .map(|kind| &self.credentials.client(kind).chain[0]);
                let trusted = need.chain().first() == expected;
                need.answer(if trusted {
                    Ok(())
                } else {
                    Err(NeedError::Refused)
                })
            }
            Need::NewSession(need) => {
                let kept = match need.kind() {
                    NewSessionKind::SessionId(id) => {
                        self.by_id.insert(id.clone(), need.state().clone());
                        Some(id.clone())
                    }
                    _ => self.tickets.seal(need.state()),
                };
                need.answer(Ok(kept))
            }
            Need::EarlyData(need) => need.answer(Ok(true)),
            other => return Err(format!("an unknown need: {other:?}")),
        })
    }

    fn keep(&mut self, _session: ClientSession) {}

    fn has_session(&self) -> bool {
        true
    }
}
