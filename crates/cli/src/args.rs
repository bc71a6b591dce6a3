//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use keyward_config::{LogConfig, LogFormat};
use keyward_keyop::OperationKind;
use keyward_keyserver::PeerAddress;
use keyward_pki::KeyAlgorithm;
use tracing::level_filters::LevelFilter;

use crate::bench::args::BenchArgs;
use crate::connect::args::ConnectArgs;
use crate::serve::target::Target;

const EXIT_CODES: &str = "\
Exit codes:
  0  all went well
  1  failed at run time
  2  wrong usage
  3  the configuration or a file that it names is wrong
  4  the key server is out of reach";

/// TLS termination without the private key.
///
/// A TLS handshake needs the certificate's private key exactly once. Keyward does everything else
/// on an edge that never has the key, and asks a key server for that one step.
///
/// Begin with `keyward demo`: it sets up an edge, a key server and a site on this machine and shows
/// what happens in each kind of handshake.
#[derive(Debug, Parser)]
#[command(name = "keyward", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// How log lines on standard error look: without this, as the configuration file says in `[log]`, or for people
    #[arg(long, global = true, value_enum, help_heading = "Logs")]
    pub(crate) log_format: Option<LogFormatArg>,
    /// The least important log lines to show: off, error, warn, info, debug or trace. Without this, as the configuration
    /// file says in `[log]`, or info. By module: set KEYWARD_LOG, as in KEYWARD_LOG=keyward_edge=debug
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        help_heading = "Logs",
        env = "KEYWARD_LOG_LEVEL"
    )]
    pub(crate) log_level: Option<LevelFilter>,
}

impl LogArgs {
    /// The format that the command line says.
    pub(crate) fn format(&self) -> Option<LogFormat> {
        self.log_format.map(|format| match format {
            LogFormatArg::Human => LogFormat::Human,
            LogFormatArg::Json => LogFormat::Json,
        })
    }

    /// For a process that this one starts: the same format, and of the usual lines only those that
    /// somebody has to look at.
    pub(crate) fn for_child(&self) -> [String; 2] {
        let format = match self.format().unwrap_or_default() {
            LogFormat::Human => "human",
            LogFormat::Json => "json",
        };
        let level = match self.log_level {
            None | Some(LevelFilter::INFO) => LevelFilter::WARN,
            Some(level) => level,
        };
        [
            format!("--log-format={format}"),
            format!("--log-level={level}"),
        ]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormatArg {
    /// Lines for people
    Human,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Serve(ServeArgs),
    Keyserver(DaemonArgs),
    Edge(EdgeArgs),
    Check(CheckArgs),
    Connect(Box<ConnectArgs>),
    Audit(AuditArgs),
    Policy(PolicyArgs),
    Pki(PkiArgs),
    Tickets(TicketsArgs),
    Bench(BenchArgs),
    /// The small site of `keyward demo`
    #[command(hide = true)]
    DemoSite(DemoSiteArgs),
}

impl Command {
    /// What the configuration file that the command is about says of logs.
    pub(crate) fn log_config(&self) -> LogConfig {
        match self {
            Self::Keyserver(args) => LogConfig::of_file(&args.config),
            Self::Edge(args) => LogConfig::of_file(&args.config),
            _ => LogConfig::default(),
        }
    }
}

/// Show real handshakes between a client, an edge and a key server on this machine.
///
/// Makes throwaway certificates, starts a key server, an edge and a small site as processes of
/// their own on free loopback ports, and connects to them with a TLS client that is not Keyward's
/// (s2n-tls): TLS 1.3 and TLS 1.2, full and resumed, with ECDSA and RSA certificates. Draws every
/// handshake, counts its round trips until the first byte of the response and its private-key
/// operations. Then stays up for you to try, until Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Verify that every handshake is as it should be, then exit: 0 if so, 1 if not
    #[arg(long)]
    pub(crate) check: bool,
    /// Print the measurements as a JSON array instead of drawings, then exit
    #[arg(long)]
    pub(crate) json: bool,
}

/// Terminate TLS for one service, with the keys in a process of their own
///
/// The process that faces the network never opens the key files: it starts a key server as a child,
/// which does, and asks it over a Unix socket that only the two can reach.
///
///   keyward serve --listen 0.0.0.0:443 --cert shop.pem --key shop.key --to http://127.0.0.1:8080
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ServeArgs {
    /// Address and port for TLS clients; `:443` is all addresses
    #[arg(long, value_name = "ADDR", required = true, value_parser = crate::serve::target::listen_address)]
    pub(crate) listen: Vec<String>,
    /// Certificate chain as PEM, leaf first; repeat for several (ECDSA and RSA, several names)
    #[arg(long = "cert", value_name = "CHAIN.pem", required = true)]
    pub(crate) certificates: Vec<PathBuf>,
    /// Private key as PEM; repeat for several. Which belongs to which certificate is found out
    #[arg(long = "key", value_name = "KEY.pem", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// The service: http://HOST:PORT, https://HOST:PORT, or tcp://HOST:PORT (also HOST:PORT)
    #[arg(long, value_name = "URL_OR_ADDR")]
    pub(crate) to: Target,
    /// Which clients are let in
    #[arg(long, value_enum, default_value_t)]
    pub(crate) policy: PolicyName,
    /// Only clients with a certificate from one of these CAs (PEM); the service is told of it in Client-Cert
    #[arg(long, value_name = "CA.pem")]
    pub(crate) client_ca: Option<PathBuf>,
    /// A revocation list of those CAs, PEM or DER; repeat for several
    #[arg(long, value_name = "CRL", requires = "client_ca")]
    pub(crate) client_crl: Vec<PathBuf>,
    /// How many seconds open connections may take to end after SIGTERM or SIGINT
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) grace: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyName {
    /// TLS 1.3 only
    Modern,
    /// TLS 1.3, and TLS 1.2 with ECDHE and AEAD suites
    #[default]
    Intermediate,
    /// Also TLS 1.2 with RSA key transport, which has no forward secrecy
    Legacy,
}

impl PolicyName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Intermediate => "intermediate",
            Self::Legacy => "legacy",
        }
    }
}

/// Run a key server: it has the private keys and performs operations for edges.
///
/// Edges connect to it with certificates of a private CA (`keyward pki init`). What an edge may ask
/// for, with which keys and for which names, the configuration says; everything else is refused.
/// SIGTERM or SIGINT lets what is in flight end first. Rules and revocation lists are read anew when
/// they change, and on SIGHUP.
#[derive(Debug, Args)]
pub(crate) struct DaemonArgs {
    /// The configuration file (TOML); examples/keyserver.toml explains every setting
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Started by another keyward: report on standard output, stop when standard input ends
    #[arg(long, hide = true)]
    pub(crate) attached: bool,
}

/// Run an edge: it faces clients and has no private key.
///
/// SIGTERM or SIGINT stops it when open connections have ended, at once if it comes twice. SIGHUP has it look at
/// the sites' files at once, as it does every ten seconds: chains, revocation lists and the like.
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    /// The configuration file (TOML); examples/edge.toml explains every setting
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// How many seconds to wait for the key server at the start before giving up with exit code 4;
    /// later on the edge stays up and reconnects
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) wait: u64,
    /// How many seconds open connections may take to end after SIGTERM or SIGINT
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) grace: u64,
    /// Started by another keyward: report on standard output, stop when standard input ends
    #[arg(long, hide = true)]
    pub(crate) attached: bool,
}

/// Say whether a configuration file of an edge or a key server is right.
///
/// What is wrong comes with its file, line and column, and with what to do about it. The files that
/// it names, certificates and keys, are read too. Nothing is listened on.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The configuration file of an edge or a key server; which of them is found out
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// For an edge: also connect to the key server (exit code 4 if that fails)
    #[arg(long)]
    pub(crate) connect: bool,
}

/// Ask the rules of a key server
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Explain(ExplainArgs),
}

/// Say whether an edge may use a key, and by which rule
///
/// Exit status 0 is yes, 1 is no: then the rule that is nearest to allowing it is named, and what it
/// does not allow. What decides is what decides in the key server; no key is used, and no rate counted.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ExplainArgs {
    /// The configuration file of a key server
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The edge: a DNS name, SPIFFE ID or SHA-256 of the public key of its certificate, or the
    /// certificate's file; repeat for what else its certificate has
    #[arg(long, value_name = "EDGE", required = true)]
    pub(crate) edge: Vec<String>,
    /// The key: by file name, or key ID
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
    /// The operation, like tls13-server-certificate-verify
    #[arg(long, value_name = "OPERATION")]
    pub(crate) operation: OperationKind,
    /// The server name that a client asks for; without it, a client that sends none
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Vec<String>,
    /// Where the edge connects from: an IP address, or `unix` [default: wherever it may]
    #[arg(long, value_name = "IP")]
    pub(crate) from: Option<PeerAddress>,
    /// Answer with a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Read, verify and prove the record of every use of a key
///
/// A key server with an `[audit]` section records every operation in an append-only Merkle log. What is
/// changed, removed or cut off in it shows.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    Init(AuditInitArgs),
    Show(AuditShowArgs),
    Verify(AuditVerifyArgs),
    Prove(AuditProveArgs),
    CheckProof(AuditCheckProofArgs),
}

/// Make the key that signs a log's checkpoints
///
/// Writes KEY and, beside it, the public key with the extension `.pub`. Nothing is ever overwritten.
/// Prints the `[audit]` section for the key server's configuration.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct AuditInitArgs {
    /// Where to: the private key's file
    #[arg(value_name = "KEY")]
    pub(crate) key: PathBuf,
    /// The log's name, like an address without a scheme: keys.example/audit
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
}

/// Show what was recorded
#[derive(Debug, Args)]
pub(crate) struct AuditShowArgs {
    /// The log's folder
    #[arg(value_name = "DIR")]
    pub(crate) log: PathBuf,
    /// Begin with this record, counted from 0
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub(crate) from: u64,
    /// Only the last so many of those that fit
    #[arg(long, value_name = "COUNT")]
    pub(crate) last: Option<usize>,
    /// Only what this edge asked for
    #[arg(long, value_name = "NAME")]
    pub(crate) edge: Option<String>,
    /// Only this key: by file name, or the beginning of its ID
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Only this operation, like tls13-server-certificate-verify
    #[arg(long, value_name = "OPERATION")]
    pub(crate) operation: Option<String>,
    /// Only what was refused, or failed
    #[arg(long)]
    pub(crate) refused: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// The log's public key, or the file that has it [default: the one in the log's folder]
    #[arg(long, value_name = "KEY")]
    pub(crate) verifier: Option<String>,
}

/// Verify a whole log: exit status 0 if nothing in it was changed, removed or cut off, else 1
#[derive(Debug, Args)]
pub(crate) struct AuditVerifyArgs {
    /// The log's folder
    #[arg(value_name = "DIR")]
    pub(crate) log: PathBuf,
    /// The log's public key, or the file that has it [default: the one in the log's folder]
    #[arg(long, value_name = "KEY")]
    pub(crate) verifier: Option<String>,
    /// A checkpoint that was kept elsewhere, from which the log must go on; repeat for several
    #[arg(long, value_name = "FILE")]
    pub(crate) kept: Vec<PathBuf>,
    /// Write the newest checkpoint to this file, to be kept elsewhere
    #[arg(long, value_name = "FILE")]
    pub(crate) keep: Option<PathBuf>,
}

/// Print a proof that a record is in the log, which can be checked without the log
#[derive(Debug, Args)]
pub(crate) struct AuditProveArgs {
    /// The log's folder
    #[arg(value_name = "DIR")]
    pub(crate) log: PathBuf,
    /// Which record, counted from 0
    #[arg(value_name = "INDEX")]
    pub(crate) index: u64,
    /// The log's public key, or the file that has it [default: the one in the log's folder]
    #[arg(long, value_name = "KEY")]
    pub(crate) verifier: Option<String>,
}

/// Check a proof, and show the record that it proves
#[derive(Debug, Args)]
pub(crate) struct AuditCheckProofArgs {
    /// What `keyward audit prove` has printed
    #[arg(value_name = "FILE")]
    pub(crate) proof: PathBuf,
    /// The log's public key, or the file that has it
    #[arg(long, value_name = "KEY")]
    pub(crate) verifier: String,
}

/// Make the certificates with which edges and key servers know each other.
#[derive(Debug, Args)]
pub(crate) struct PkiArgs {
    #[command(subcommand)]
    pub(crate) command: PkiCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PkiCommand {
    Init(PkiInitArgs),
    Issue(PkiIssueArgs),
}

/// Make a private CA with a certificate for a key server and one for an edge.
///
/// Writes ca.pem, ca.key, keyserver.pem, keyserver.key, edge.pem and edge.key. Nothing is ever
/// overwritten. Keep ca.key off both machines: who has it can make itself an edge.
#[derive(Debug, Args)]
pub(crate) struct PkiInitArgs {
    /// The folder, which is created if it is not there
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// A name or address of the key server; repeat for several
    #[arg(long, value_name = "NAME", default_value = "keyserver")]
    pub(crate) keyserver_name: Vec<String>,
    /// The name by which the key server knows the edge
    #[arg(long, value_name = "NAME", default_value = "edge")]
    pub(crate) edge_name: String,
}

/// Issue one more certificate from a CA that `keyward pki init` made
///
/// For one more edge:
///   keyward pki issue --ca pki --client --name edge-2.example --out pki/edge-2
/// For a site, in tests:
///   keyward pki issue --ca pki --name shop.example --algorithm rsa2048 --out shop
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct PkiIssueArgs {
    /// The folder with ca.pem and ca.key
    #[arg(long, value_name = "DIR")]
    pub(crate) ca: PathBuf,
    /// A DNS name (also *.example) or IP address; repeat for several
    #[arg(long = "name", value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// For a client, such as an edge toward its key server (otherwise for a server)
    #[arg(long)]
    pub(crate) client: bool,
    /// With the extension by which its key may sign delegated credentials (RFC 9345)
    #[arg(long, conflicts_with = "client")]
    pub(crate) delegates: bool,
    /// The kind of key: p256, p384, p521, rsa2048, rsa3072, rsa4096, ed25519, mldsa44, mldsa65, mldsa87
    #[arg(long, value_name = "KIND", default_value_t = KeyAlgorithm::P256)]
    pub(crate) algorithm: KeyAlgorithm,
    /// Days until it expires
    #[arg(long, default_value_t = 397)]
    pub(crate) days: u16,
    /// Where to: writes PATH.pem and PATH.key
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
}

/// Make the root from which key servers derive the session ticket keys of a fleet of edges.
#[derive(Debug, Args)]
pub(crate) struct TicketsArgs {
    #[command(subcommand)]
    pub(crate) command: TicketsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TicketsCommand {
    Init(TicketsInitArgs),
}

/// Make a new root, with which edges resume each other's sessions
///
/// Copy the file to each key server at once; each writes its own copy anew in every epoch, so that it
/// never holds what opens older tickets. A new root in its place ends what the old one could open.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct TicketsInitArgs {
    /// The file, which must not be there yet
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// How long a session ticket key is used, from 60 to 86400
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) epoch: u32,
}

#[derive(Debug, Args)]
pub(crate) struct DemoSiteArgs {
    #[arg(long)]
    pub(crate) attached: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }
}
