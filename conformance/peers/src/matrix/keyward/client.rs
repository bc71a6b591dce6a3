//! Keyward as the client.

use std::{
    net::{Ipv4Addr, TcpStream},
    sync::Arc,
};

use keyward_tls::{
    Answer, ClientConfig, ClientConnection, ClientSession, Need, NeedError, PeerName,
};

use super::{REQUEST, expect_group, keys, link, link::Link, policy, report, signature_schemes};
use crate::matrix::{case::Case, credentials::Credentials, report::Report, values::Flow};

/// Makes the case's connections to a server, and returns the reports and what the server answered. `mark` ends an
/// answer.
pub fn connect(
    case: &Case,
    credentials: &Credentials,
    port: u16,
    mark: &[u8],
) -> Result<Vec<(Report, Vec<u8>)>, String> {
    let config = Arc::new(ClientConfig {
        policy: Arc::new(policy(case, &case.offered_groups())),
        resumption: case.connections() > 1,
        key_shares: keyward_tls::KeyShares::First(1),
        early_data: case.flow == Flow::EarlyData,
        signature_schemes: signature_schemes(),
        ..ClientConfig::default()
    });
    let name: PeerName = case
        .host()
        .parse()
        .map_err(|error| format!("the host name: {error}"))?;
    let mut desk = Desk {
        case,
        credentials,
        session: None,
    };
    let mut done = Vec::new();
    for index in 0..case.connections() {
        let last = index + 1 == case.connections();
        let one = connect_one(&mut desk, config.clone(), name.clone(), port, mark, last);
        done.push(one.map_err(|error| format!("connection {}: {error}", index + 1))?);
    }
    Ok(done)
}

fn connect_one(
    desk: &mut Desk<'_>,
    config: Arc<ClientConfig>,
    name: PeerName,
    port: u16,
    mark: &[u8],
    last: bool,
) -> Result<(Report, Vec<u8>), String> {
    let tls = ClientConnection::new(config, name).map_err(|error| format!("Keyward: {error}"))?;
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .map_err(|error| format!("the peer's port: {error}"))?;
    let mut link = Link::new(tls, socket)?;
    if desk.case.flow == Flow::EarlyData && desk.session.is_some() {
        link.send_early(desk, REQUEST)?;
    }
    link.complete(desk)?;
    let report = report(link.tls.negotiated(), link.tls.peer_certificates())?;
    expect_group(desk.case, &report)?;
    link.send(REQUEST)?;
    link.receive(desk, mark)?;
    if !last {
        link.session(desk)?;
    }
    link.close()?;
    link.end(desk);
    Ok((report, link.received))
}

struct Desk<'a> {
    case: &'a Case,
    credentials: &'a Credentials,
    /// The newest; offered once.
    session: Option<ClientSession>,
}

impl link::Desk for Desk<'_> {
    fn answer(&mut self, need: Need) -> Result<Answer, String> {
        let client = self
            .case
            .client_certificate
            .map(|kind| self.credentials.client(kind));
        Ok(match need {
            Need::OfferSession(need) => need.answer(Ok(self.session.take())),
            Need::PeerCertificate(need) => {
                let expected = &self.credentials.server(self.case.certificate).chain[0];
                let trusted = need.chain().first() == Some(expected);
                need.answer(if trusted {
                    Ok(())
                } else {
                    Err(NeedError::Refused)
                })
            }
            Need::ClientCertificate(need) => {
                need.answer(Ok(client.map(|client| vec![client.credential.clone()])))
            }
            Need::KeyOperation(need) => {
                let client = client.ok_or("an operation of a client without a key")?;
                keys::perform(need, &client.key, true)?
            }
            other => return Err(format!("an unknown need: {other:?}")),
        })
    }

    fn keep(&mut self, session: ClientSession) {
        self.session = Some(session);
    }

    fn has_session(&self) -> bool {
        self.session.is_some()
    }
}
