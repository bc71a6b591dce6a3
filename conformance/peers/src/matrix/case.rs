//! One case: what two peers are told to do, and are expected to report.

use std::fmt;

use super::values::{Certificate, Group, Resumption, Suite, Version};

/// One case of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The cipher suite; with it the version.
    pub suite: &'static Suite,
    /// The group; none with RSA key transport.
    pub group: Option<&'static Group>,
    /// The server's certificate.
    pub certificate: Certificate,
    /// Whether a second connection resumes the session, and how.
    pub resumption: Resumption,
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
        self.resumption.connections()
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

    /// Whether the client may name the session by a ticket in TLS 1.2.
    pub fn tickets(&self) -> bool {
        self.resumption != Resumption::SessionId
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
        match self.resumption {
            Resumption::None => Ok(()),
            how => write!(f, ", resumed by {how}"),
        }
    }
}

/// The host name in a server's certificate of this kind, its subject as well.
pub fn host(certificate: Certificate) -> String {
    format!("{}.matrix.example", certificate.word())
}

/// The name in a client's certificate of this kind, its subject as well.
pub fn client_name(certificate: Certificate) -> String {
    format!("{}.client.example", certificate.word())
}
