//! Whether there is a connection, or why not.

use std::sync::Arc;

use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::KeyClientError;

/// What the background task is at. `attempt` counts the attempts to connect.
#[derive(Debug)]
pub(crate) enum Link {
    Connecting {
        attempt: u64,
        /// How the attempt before this one failed, or its connection ended.
        after: Option<KeyClientError>,
    },
    Connected {
        attempt: u64,
        connection: Arc<Connection>,
    },
    Failed {
        attempt: u64,
        error: KeyClientError,
        /// Until then it is likely to be a restart, and who asks for an operation waits for it.
        patient_until: Instant,
    },
}

impl Link {
    /// The last attempt that failed or ended, as far as this state tells.
    pub(crate) fn last_ended(&self) -> u64 {
        match self {
            Self::Connecting { attempt, .. } => attempt - 1,
            Self::Connected { attempt, .. } | Self::Failed { attempt, .. } => *attempt,
        }
    }
}

/// For people: whether there is a connection, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// The first attempt is under way.
    Connecting,
    /// Operations can be performed.
    Connected {
        /// Name and version of the key server's software, as it says.
        software: String,
        /// The key exchange of the channel, by its IANA name.
        key_exchange: String,
    },
    /// The last attempt failed, or its connection has ended; the next is made in the background.
    Failed(KeyClientError),
}

impl From<&Link> for ConnectionState {
    fn from(link: &Link) -> Self {
        match link {
            Link::Connecting { after: None, .. } => Self::Connecting,
            Link::Connected { connection, .. } => Self::Connected {
                software: connection.software().to_owned(),
                key_exchange: connection.key_exchange().to_owned(),
            },
            Link::Connecting {
                after: Some(error), ..
            }
            | Link::Failed { error, .. } => Self::Failed(error.clone()),
        }
    }
}
