//! What one side says of a connection, and whether it is what the case is about.

use super::{
    case::{Case, client_name},
    values::{Flow, Group, Suite, Version},
};

/// One side's report of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The version; none if the program does not tell.
    pub version: Option<Version>,
    /// The suite; none if the program does not tell.
    pub suite: Option<&'static Suite>,
    /// The group; none if the program does not tell, or where there is no key exchange.
    pub group: Option<&'static Group>,
    /// Whether the session was resumed.
    pub resumed: bool,
    /// Whether there was a HelloRetryRequest; none if the program does not tell.
    pub retried: Option<bool>,
    /// Whether early data was accepted; none if the program does not tell.
    pub early: Option<bool>,
    /// The common name in the other side's certificate; the outer none if the program does not tell.
    pub peer: Option<Option<String>>,
}

/// Whose report it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The server's.
    Server,
    /// The client's.
    Client,
}

impl Report {
    /// Compares it with what connection number `index` (from 0) of the case has to be.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self, case: &Case, side: Side, index: usize) -> Result<(), String> {
        let resumed = index > 0;
        if let Some(version) = self.version
            && version != case.version()
        {
            return Err(format!("the version is {version}"));
        }
        if let Some(suite) = self.suite
            && suite != case.suite
        {
            return Err(format!("the suite is {}", suite.name));
        }
        // In TLS 1.2 a resumed handshake has no key exchange; programs may show that of the session.
        if let Some(group) = self.group
            && Some(group) != case.group
        {
            return Err(format!("the group is {}", group.name));
        }
        if self.resumed != resumed {
            return Err(if resumed {
                "the session was not resumed".to_owned()
            } else {
                "a session was resumed".to_owned()
            });
        }
        if let Some(retried) = self.retried
            && matches!(case.flow, Flow::Full | Flow::HelloRetry)
            && retried != (case.flow == Flow::HelloRetry)
        {
            return Err(format!("HelloRetryRequest: {retried}"));
        }
        if let Some(early) = self.early
            && early != (resumed && case.flow == Flow::EarlyData)
        {
            return Err(format!("early data was accepted: {early}"));
        }
        let expected = match side {
            Side::Server => case.client_certificate.map(client_name),
            Side::Client => Some(case.host()),
        };
        match &self.peer {
            Some(peer) if *peer != expected => {
                Err(format!("the other side's certificate is of {peer:?}"))
            }
            _ => Ok(()),
        }
    }
}

/// Compares all connections of a case.
///
/// # Errors
/// What differs, and where.
pub fn check_all(case: &Case, side: Side, reports: &[Report]) -> Result<(), String> {
    if reports.len() != case.connections() {
        return Err(format!(
            "{} connections, not {}",
            reports.len(),
            case.connections()
        ));
    }
    for (index, report) in reports.iter().enumerate() {
        report
            .check(case, side, index)
            .map_err(|error| format!("connection {}: {error}", index + 1))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::values::{Certificate, Flow};

    fn case() -> Case {
        Case {
            suite: Suite::named("AES128-SHA").unwrap(),
            group: None,
            certificate: Certificate::Rsa,
            flow: Flow::Ticket,
            client_certificate: Some(Certificate::P256),
        }
    }

    #[test]
    fn every_difference_is_told() {
        let good = Report {
            version: Some(Version::Tls12),
            suite: Some(case().suite),
            group: None,
            resumed: false,
            retried: Some(false),
            early: Some(false),
            peer: Some(Some("p256.client.example".to_owned())),
        };
        assert_eq!(good.check(&case(), Side::Server, 0), Ok(()));
        let bad = [
            Report {
                version: Some(Version::Tls13),
                ..good.clone()
            },
            Report {
                suite: Suite::named("AES256-SHA"),
                ..good.clone()
            },
            Report {
                group: Group::named("x25519"),
                ..good.clone()
            },
            Report {
                resumed: true,
                ..good.clone()
            },
            Report {
                early: Some(true),
                ..good.clone()
            },
            Report {
                peer: Some(None),
                ..good.clone()
            },
        ];
        for report in bad {
            assert!(
                report.check(&case(), Side::Server, 0).is_err(),
                "{report:?}"
            );
        }
        assert!(good.check(&case(), Side::Server, 1).is_err());
        assert!(good.check(&case(), Side::Client, 0).is_err());
        assert!(check_all(&case(), Side::Server, &[good]).is_err());
    }
}
