//! What can go wrong on a connection, why, and what to do about it.

use std::io;

use keyward_tls::{Error, InvalidMessage, NeedKind, PeerIncompatible};
use keyward_wire::values::AlertDescription;

/// Why a connection ended early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The engine says so.
    Tls(Error),
    /// What answers does not speak TLS; this is what it said first.
    NotTls(Vec<u8>),
    /// The operating system says so.
    Socket(io::Error),
    /// No answer in time.
    Timeout,
    /// The file for secrets cannot be written.
    KeyLog(io::Error),
    /// A mistake in this program.
    Internal(String),
}

impl Trouble {
    pub(crate) fn of_engine(error: Error, first: &[u8]) -> Self {
        match error {
            Error::InvalidMessage(InvalidMessage::NotTls) => Self::NotTls(first.to_vec()),
            error => Self::Tls(error),
        }
    }

    /// Whether the report on the server's certificates says all of it.
    pub(crate) fn is_distrust(&self) -> bool {
        matches!(self, Self::Tls(Error::Need(NeedKind::PeerCertificate, _)))
    }

    /// A few words.
    pub(crate) fn short(&self) -> String {
        match self {
            Self::Tls(error) => error.to_string(),
            Self::NotTls(_) => "what answers does not speak TLS".to_owned(),
            Self::Socket(cause) => cause.to_string(),
            Self::Timeout => "no answer in time".to_owned(),
            Self::KeyLog(cause) => format!("the key log cannot be written: {cause}"),
            Self::Internal(what) => format!("internal error: {what}"),
        }
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::NotTls(first) => not_tls(first),
            Self::Tls(Error::AlertReceived(alert)) => alert_received(*alert)?.to_owned(),
            Self::Tls(Error::PeerIncompatible(PeerIncompatible::NoVersion)) => {
                "it may know TLS 1.1 or older alone, which nobody should speak any more".to_owned()
            }
            Self::Tls(Error::PeerIncompatible(_)) => {
                "offer more: --policy legacy has all that Keyward knows".to_owned()
            }
            Self::Tls(Error::PeerTruncated) => {
                "the server closed the connection without a word; it may not speak TLS on this port, or \
                 its log says why"
                    .to_owned()
            }
            Self::Socket(cause) if cause.kind() == io::ErrorKind::ConnectionReset => {
                "the server cut the connection; it may not speak TLS on this port, or its log says why"
                    .to_owned()
            }
            Self::Timeout => "it may not speak TLS on this port: a server that waits for the client to \
                              speak another protocol looks like this; or give it longer with --timeout"
                .to_owned(),
            _ => return None,
        })
    }
}

/// What a port that does not speak TLS speaks, by its first words.
fn not_tls(first: &[u8]) -> String {
    let begins = |prefix: &[u8]| first.starts_with(prefix);
    let said: String = String::from_utf8_lossy(first)
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(40)
        .collect();
    let what = if begins(b"HTTP/") {
        "it is plain HTTP: use the server's HTTPS port"
    } else if begins(b"SSH-") {
        "it is SSH"
    } else if begins(b"220 ") || begins(b"220-") {
        "it is SMTP or FTP, which go over to TLS by a command (STARTTLS); use the port that begins with \
         TLS, such as 465"
    } else if begins(b"* OK") || begins(b"+OK") {
        "it is a mail server that goes over to TLS by a command; use the port that begins with TLS, 993 \
         or 995"
    } else {
        "check the port"
    };
    match said.trim() {
        "" => what.to_owned(),
        said => format!("it answered {said:?}; {what}"),
    }
}

/// What a server means by an alert, and what to try.
const fn alert_received(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        AlertDescription::HANDSHAKE_FAILURE => {
            "the server shares no suite, group or signature scheme with what was offered, or demands a \
             client certificate; try --policy legacy, or --cert and --key"
        }
        AlertDescription::PROTOCOL_VERSION => {
            "the server speaks none of the versions that were offered; try without --tls12 or --tls13"
        }
        AlertDescription::UNRECOGNIZED_NAME => {
            "the server does not know this name; ask for another with --server-name"
        }
        AlertDescription::CERTIFICATE_REQUIRED => {
            "the server demands a client certificate; show one with --cert and --key"
        }
        AlertDescription::BAD_CERTIFICATE
        | AlertDescription::UNSUPPORTED_CERTIFICATE
        | AlertDescription::CERTIFICATE_EXPIRED
        | AlertDescription::CERTIFICATE_REVOKED
        | AlertDescription::CERTIFICATE_UNKNOWN
        | AlertDescription::UNKNOWN_CA
        | AlertDescription::ACCESS_DENIED => {
            "the server does not accept the client's certificate; its log says why"
        }
        AlertDescription::NO_APPLICATION_PROTOCOL => {
            "the server speaks none of the protocols of --alpn; try others, or none"
        }
        AlertDescription::INTERNAL_ERROR => "something is wrong in the server; its log says what",
        AlertDescription::INSUFFICIENT_SECURITY => {
            "the server demands stronger suites or groups than were offered"
        }
        AlertDescription::MISSING_EXTENSION => {
            "the server may want a name, which addresses are not; give one with --server-name"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_recognized() {
        for (first, words) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], "plain HTTP"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "it is SSH"),
            (b"220 mail.example ESMTP\r\n", "STARTTLS"),
            (b"* OK IMAP4", "993"),
            (
                b"hello\x1b[2J\r\n",
                "it answered \"hello[2J\"; check the port",
            ),
            (b"", "check the port"),
        ] {
            let remedy = Trouble::NotTls(first.to_vec()).remedy().unwrap();
            assert!(remedy.contains(words), "{remedy}");
        }
    }
}
