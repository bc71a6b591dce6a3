//! The command line of `keyward bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use keyward_keyserver::Address;
use keyward_pki::KeyAlgorithm;

/// Measure
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    Keyserver(Box<KeyserverArgs>),
}

/// Measure a key server against the bare signature, and verify every reply
///
/// Starts a key server of its own on the loopback, on one processor, and asks it from the others for signatures of TLS 1.3
/// handshakes, transcripts and all. In turns with it a loop makes the same signatures with AWS-LC on the same processor, and
/// nothing else. Rates are per second of processor time, kernel included, so that other programs matter little.
///
/// Then requests come at random (Poisson) at half of the rate that was reached, and the time from when each was due to its
/// answer is shown. With --beside another edge keeps the key server busy meanwhile.
///
///   keyward bench keyserver --keys p256,rsa2048,rsa4096 --audit relaxed
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct KeyserverArgs {
    /// The kinds of keys: p256, p384, p521, ed25519, rsa2048, rsa3072, rsa4096
    #[arg(
        long,
        value_name = "KIND",
        value_delimiter = ',',
        default_value = "p256,rsa2048,rsa4096"
    )]
    pub(crate) keys: Vec<KeyAlgorithm>,
    /// Requests in flight on each connection
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) in_flight: u16,
    /// Connections of each edge
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) connections: u16,
    /// Edges, each with its own certificate
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) edges: u16,
    /// Connections that are open and ask for nothing; what each costs in memory is shown
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) idle: u32,
    /// Whether and how the key server records each use
    #[arg(long, value_enum, default_value_t)]
    pub(crate) audit: AuditChoice,
    /// Of each round, of either side
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) duration: u64,
    /// Rounds; medians of them are shown
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) rounds: u16,
    /// Another edge asks for signatures with a key of this kind all the time while latencies are measured
    #[arg(long, value_name = "KIND")]
    pub(crate) beside: Option<KeyAlgorithm>,
    /// The processor for the key server; the last one unless given
    #[arg(long, value_name = "NUMBER", conflicts_with = "server")]
    pub(crate) core: Option<usize>,
    /// Ask a key server that runs already, at this address, instead of starting one. Its rates are then by the clock, and its
    /// keys those of its catalog that are of --keys
    #[arg(long, value_name = "ADDR", requires_all = ["ca", "cert", "key"], conflicts_with_all = ["audit", "edges", "idle"])]
    pub(crate) server: Option<Address>,
    /// The name that its certificate is for
    #[arg(
        long,
        value_name = "NAME",
        default_value = "keyserver",
        requires = "server"
    )]
    pub(crate) server_name: String,
    /// The private CA's certificate (PEM)
    #[arg(long, value_name = "CA.pem", requires = "server")]
    pub(crate) ca: Option<PathBuf>,
    /// An edge's certificate (PEM)
    #[arg(long, value_name = "EDGE.pem", requires = "server")]
    pub(crate) cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "EDGE.key", requires = "server")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditChoice {
    /// Nothing is recorded
    Off,
    /// Records are on disk a second after their answer, at the latest
    #[default]
    Relaxed,
    /// Records are on disk before their answer
    Strict,
}
