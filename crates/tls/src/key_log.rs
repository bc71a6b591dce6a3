//! The secrets of a connection, for programs that look into recorded traffic (SSLKEYLOGFILE, RFC 9850).

use std::fmt;

use keyward_crypto::hkdf::Secret;

/// One secret, which `Display` writes as a line of a key log file, without its end.
///
/// Whoever has it can read the connection, or a part of it: it is wiped when dropped, and there is none
/// unless the configuration has `key_log` set.
pub struct KeyLogLine {
    label: &'static str,
    client_random: [u8; 32],
    secret: Secret,
}

impl KeyLogLine {
    /// Which secret it is: a label of RFC 9850.
    pub fn label(&self) -> &'static str {
        self.label
    }

    /// The random of the ClientHello, by which a connection is found.
    pub fn client_random(&self) -> &[u8; 32] {
        &self.client_random
    }

    /// The secret.
    pub fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

/// RFC 9850 §2: "Each secret is described using a single line composed of three values that are
/// separated by a single space character".
impl fmt::Display for KeyLogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.label)?;
        for byte in self.client_random {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(" ")?;
        for byte in self.secret() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyLogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLogLine")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// The labels of RFC 9850.
pub(crate) mod label {
    pub(crate) const CLIENT_EARLY_TRAFFIC: &str = "CLIENT_EARLY_TRAFFIC_SECRET";
    pub(crate) const EARLY_EXPORTER: &str = "EARLY_EXPORTER_SECRET";
    pub(crate) const CLIENT_HANDSHAKE_TRAFFIC: &str = "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
    pub(crate) const SERVER_HANDSHAKE_TRAFFIC: &str = "SERVER_HANDSHAKE_TRAFFIC_SECRET";
    pub(crate) const CLIENT_TRAFFIC: &str = "CLIENT_TRAFFIC_SECRET_0";
    pub(crate) const SERVER_TRAFFIC: &str = "SERVER_TRAFFIC_SECRET_0";
    pub(crate) const EXPORTER: &str = "EXPORTER_SECRET";
    /// The master secret of TLS 1.2.
    pub(crate) const CLIENT_RANDOM: &str = "CLIENT_RANDOM";
}

/// Collects the lines of a connection, if it is to.
pub(crate) struct KeyLog {
    /// `None`: it is not to.
    lines: Option<Vec<KeyLogLine>>,
    client_random: [u8; 32],
}

impl KeyLog {
    pub(crate) fn new(enabled: bool) -> Self {
        Self {
            lines: enabled.then(Vec::new),
            client_random: [0; 32],
        }
    }

    /// The random of the ClientHello that the secrets after this belong to.
    pub(crate) fn set_client_random(&mut self, client_random: &[u8; 32]) {
        self.client_random = *client_random;
    }

    pub(crate) fn add(&mut self, label: &'static str, secret: &Secret) {
        if let Some(lines) = &mut self.lines {
            lines.push(KeyLogLine {
                label,
                client_random: self.client_random,
                secret: secret.clone(),
            });
        }
    }

    pub(crate) fn take(&mut self) -> Vec<KeyLogLine> {
        self.lines.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_label_random_and_secret_and_debug_shows_none() {
        let mut log = KeyLog::new(true);
        log.set_client_random(&[0xab; 32]);
        log.add(label::EXPORTER, &Secret::from_slice(&[0x01, 0xfe]));
        let lines = log.take();
        let expected = format!("EXPORTER_SECRET {} 01fe", "ab".repeat(32));
        assert_eq!(lines[0].to_string(), expected);
        let debug = format!("{lines:?}");
        assert!(!debug.contains("fe") && !debug.contains("254"), "{debug}");
        assert!(log.take().is_empty());
    }

    #[test]
    fn nothing_is_kept_unless_it_is_to() {
        let mut log = KeyLog::new(false);
        log.add(label::EXPORTER, &Secret::from_slice(&[1]));
        assert!(log.take().is_empty());
    }
}
