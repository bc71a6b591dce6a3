//! One case: what two peers are told to do, and are expected to report.

use std::fmt;

use super::values::{Certificate, Flow, Group, Suite, Version};

/// One case of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The cipher suite; with it the version.
    pub suite: &'static Suite,
    /// The group; none with RSA key transport.
    pub group: Option<&'static Group>,
    /// The server's certificate.
    pub certificate: Certificate,
    /// How the handshake goes, and whether a second connection resumes the session.
    pub flow: Flow,
    /// The certificate that the server requires of the client.
    pub client_certificate: Option<Certificate>,
}

impl Case {
    /// The version.
    pub fn version(&self) -> Version {
        self.suite.version()
    }

    /// How many connections are made, one after the other.
    pub fn connections(&self) -> usize {
        self.flow.connections()
    }

    /// The host name that is asked for, and that the server's certificate has.
    pub fn host(&self) -> String {
        host(self.certificate)
    }

    /// The groups that a side names, the case's own first.
    ///
    /// RFC 8422 §5.1.1 for TLS 1.2: supported_groups speaks of the curves of ECDSA certificates as well, and there are
    /// peers that refuse a certificate on a curve that was not named.
    pub fn groups(&self) -> Vec<&'static Group> {
        let mut groups: Vec<_> = self.group.into_iter().collect();
        if self.version() == Version::Tls12 {
            let certificates = [Some(self.certificate), self.client_certificate];
            for curve in certificates
                .into_iter()
                .flatten()
                .filter_map(Certificate::curve)
            {
                if !groups.contains(&curve) {
                    groups.push(curve);
                }
            }
        }
        groups
    }

    /// The groups that the client names. It sends a share of the first alone, where that is to be refused.
    pub fn offered_groups(&self) -> Vec<&'static Group> {
        let mut groups = self.groups();
        if self.flow == Flow::HelloRetry {
            groups.splice(0..0, self.group.and_then(decoy));
        }
        groups
    }

    /// Whether the client may name the session by a ticket in TLS 1.2.
    pub fn tickets(&self) -> bool {
        self.flow != Flow::SessionId
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = self.group.map_or("no group", |group| group.name);
        write!(
            f,
            "{}, {}, {group}, server {}, client ",
            self.version(),
            self.suite.name,
            self.certificate
        )?;
        match self.client_certificate {
            None => f.write_str("without a certificate")?,
            Some(certificate) => write!(f, "{certificate}")?,
        }
        write!(f, ", {}", self.flow)
    }
}

/// A group to begin with where the server takes `group` alone. Of two curves of NIST, all peers that can be told groups send a
/// share of the first alone; with X25519 some send another one.
fn decoy(group: &Group) -> Option<&'static Group> {
    Group::named(match group.name {
        "secp256r1" => "secp384r1",
        _ => "secp256r1",
    })
}

/// The host name in a server's certificate of this kind, its subject as well.
pub fn host(certificate: Certificate) -> String {
    format!("{}.matrix.example", certificate.word())
}

/// The name in a client's certificate of this kind, its subject as well.
pub fn client_name(certificate: Certificate) -> String {
    format!("{}.client.example", certificate.word())
}
