//! Why a key server does not start.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use keyward_config::ConfigError;
use keyward_protocol::Address;

/// Why [`KeyServer::start`](crate::KeyServer::start) failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration, or the files that it names.
    Config(ConfigError),
    /// An address cannot be listened on.
    Listen {
        /// Which.
        address: Address,
        /// Why not.
        cause: io::Error,
    },
    /// The admin address cannot be listened on.
    Admin {
        /// Which.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// A thread cannot be started.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Listen { address, cause } => {
                write!(f, "cannot listen on {address}: {cause}")?;
                match (cause.kind(), address) {
                    (io::ErrorKind::AddrInUse, _) => {
                        f.write_str("; is another key server running there?")
                    }
                    (io::ErrorKind::PermissionDenied, Address::Tcp { .. }) => {
                        f.write_str("; ports below 1024 need the capability CAP_NET_BIND_SERVICE")
                    }
                    (
                        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound,
                        Address::Unix(_),
                    ) => f.write_str(
                        "; its directory must exist and this user must be able to write there",
                    ),
                    _ => Ok(()),
                }
            }
            Self::Admin { address, cause } => {
                write!(f, "cannot listen on the admin address {address}: {cause}")
            }
            Self::Thread(cause) => write!(f, "cannot start a worker thread: {cause}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Config(_) => None,
            Self::Listen { cause, .. } | Self::Admin { cause, .. } | Self::Thread(cause) => {
                Some(cause)
            }
        }
    }
}
