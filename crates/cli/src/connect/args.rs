//! The options of `keyward connect`.

use std::path::PathBuf;

use clap::Args;

use super::target::Target;
use crate::args::PolicyName;

/// Connect to a TLS server and tell everything about the connection
///
/// Shows the certificates and why they are trusted or not, what was negotiated, and what the server
/// offers beside: resumption, early data, ALPN, OCSP stapling, certificate transparency. Then sends
/// standard input and prints what comes.
///
///   keyward connect shop.example
///   printf 'GET / HTTP/1.0\r\n\r\n' | keyward connect shop.example --quiet
///   keyward connect 127.0.0.1:8443 --server-name shop.example --ca ca.pem --resume --draw
///
/// A server that is not trusted gets an alert, and the exit code is 1. With --insecure the
/// connection goes on, and the reasons are told all the same.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ConnectArgs {
    /// HOST, HOST:PORT or an https:// URL; the port is 443 if none is given. IPv6 in brackets
    #[arg(value_name = "HOST:PORT")]
    pub(crate) target: Target,

    /// The name to ask the server for and to look for in its certificate, if it is not HOST
    #[arg(long, value_name = "NAME", help_heading = "Trust")]
    pub(crate) server_name: Option<String>,
    /// Trust the certificates in this file (PEM or DER) in place of the system's; repeat for several
    #[arg(long = "ca", value_name = "FILE", help_heading = "Trust")]
    pub(crate) authorities: Vec<PathBuf>,
    /// Check against the revocation lists in this file (PEM or DER); repeat for several
    #[arg(long = "crl", value_name = "FILE", help_heading = "Trust")]
    pub(crate) revocation_lists: Vec<PathBuf>,
    /// Demand a stapled OCSP response
    #[arg(long, help_heading = "Trust")]
    pub(crate) require_ocsp: bool,
    /// Go on with a server that is not trusted. Somebody else may read and alter what is sent
    #[arg(long, help_heading = "Trust")]
    pub(crate) insecure: bool,

    /// The certificate chain to show to servers that ask for one (PEM)
    #[arg(
        long = "cert",
        value_name = "CHAIN.pem",
        requires = "key",
        help_heading = "Client authentication"
    )]
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(
        long,
        value_name = "KEY.pem",
        requires = "certificate",
        help_heading = "Client authentication"
    )]
    pub(crate) key: Option<PathBuf>,

    /// Offer TLS 1.2; without --tls13 nothing else
    #[arg(long, help_heading = "What is offered")]
    pub(crate) tls12: bool,
    /// Offer TLS 1.3; without --tls12 nothing else
    #[arg(long, help_heading = "What is offered")]
    pub(crate) tls13: bool,
    /// Versions, suites and groups by a policy's name
    #[arg(long, value_enum, default_value_t, help_heading = "What is offered")]
    pub(crate) policy: PolicyName,
    /// Cipher suites by their IANA names, best first, in place of the policy's
    #[arg(
        long,
        value_name = "SUITE,...",
        value_delimiter = ',',
        help_heading = "What is offered"
    )]
    pub(crate) ciphers: Vec<String>,
    /// Key exchange groups by their IANA names, best first, in place of the policy's
    #[arg(
        long,
        value_name = "GROUP,...",
        value_delimiter = ',',
        help_heading = "What is offered"
    )]
    pub(crate) groups: Vec<String>,
    /// Application protocols, best first: h2,http/1.1
    #[arg(
        long,
        value_name = "PROTOCOL,...",
        value_delimiter = ',',
        help_heading = "What is offered"
    )]
    pub(crate) alpn: Vec<String>,

    /// Connect a second time and resume the session of the first; data goes over the second
    #[arg(long, help_heading = "Resumption")]
    pub(crate) resume: bool,
    /// Send this file as early data (0-RTT) with the resumed session; implies --resume. Whoever is on
    /// the way can send it to the server again
    #[arg(long, value_name = "FILE", help_heading = "Resumption")]
    pub(crate) early_data: Option<PathBuf>,

    /// Draw the handshake, message by message
    #[arg(long, conflicts_with_all = ["json", "quiet"], help_heading = "Output")]
    pub(crate) draw: bool,
    /// Print what was found out as a JSON object; no data is exchanged
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Print only what the server sends
    #[arg(long, short, conflicts_with = "json", help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Write the server's certificates to this file as PEM, trusted or not
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) save_chain: Option<PathBuf>,
    /// Append the connection's secrets to this file (SSLKEYLOGFILE, for Wireshark). Whoever has it can
    /// read the connection
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) key_log: Option<PathBuf>,

    /// Send each line of standard input with CR LF at its end
    #[arg(long, conflicts_with = "json", help_heading = "Data")]
    pub(crate) crlf: bool,
    /// How many seconds to wait for more after the end of standard input and the server's last data
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        help_heading = "Data"
    )]
    pub(crate) wait: u64,
    /// How many seconds the connection and the handshake may take, each
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
}
