//! A client of the older protocol: a key server of last resort, for keys whose owner still runs one for other clients.
//!
//! It is asked for digests, so the digest is made here, of the message that the checked operation itself formats, and what comes
//! back is verified with the key's public half before anybody sees it. For RSA key transport it hands out the padded block, which is
//! unpadded here, in constant time; whatever goes wrong with it becomes a random premaster secret.

mod config;
mod connection;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_crypto::rsa_kex::PREMASTER_LEN;
use keyward_crypto::signature::PublicKey;
use keyward_keyop::{KeyRules, KeyTask, Names, Operation, OperationResult, PerformError, Role};
use keyward_protocol::gokeyless::{ErrorCode, Opcode, Reply, Request};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::config::KeyClientConfigError;
use crate::error::KeyClientError;
use connection::Connection;

pub use config::GokeylessConfig;

/// A client of one server of the older protocol. It connects when it is asked for something. Clones share the connection.
#[derive(Clone)]
pub struct GokeylessClient {
    inner: Arc<Inner>,
}

struct Inner {
    address: String,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
    connect: Duration,
    /// Held while connecting: who comes meanwhile waits for that connection.
    connection: Mutex<Option<Arc<Connection>>>,
}

impl GokeylessClient {
    /// For a server, without connecting to it yet.
    ///
    /// # Errors
    /// If the certificates, the key or the name cannot be used.
    pub fn new(config: GokeylessConfig) -> Result<Self, KeyClientConfigError> {
        let (address, connect) = (config.address.clone(), config.connect);
        let (tls, name) = config::tls(config)?;
        Ok(Self {
            inner: Arc::new(Inner {
                address,
                name,
                tls,
                connect,
                connection: Mutex::new(None),
            }),
        })
    }

    /// The server's address.
    pub fn server(&self) -> &str {
        &self.inner.address
    }

    /// Has the server do what an operation needs, with the private half of `public_key`, within `limit` from now.
    ///
    /// # Errors
    /// If the server is out of reach or says no, what it says does not fit the public key, or the operation is none that the
    /// protocol can serve: ML-DSA, delegated credentials, requests for certificates.
    pub async fn perform(
        &self,
        operation: &Operation,
        public_key: &PublicKey,
        limit: Duration,
    ) -> Result<OperationResult, KeyClientError> {
        let until = Instant::now() + limit;
        // The edge made it, and the engine keeps to its own policy: what a key's owner allows is for the server to say.
        let rules = KeyRules {
            rsa_decryption: true,
            legacy: true,
            client: operation.kind().role() == Some(Role::Client),
            ..KeyRules::signing(public_key)
        };
        let checked = operation
            .check(&rules)
            .map_err(|error| KeyClientError::Unsupported {
                message: error.to_string(),
            })?;
        let names = checked.names().clone();
        let remote = checked.for_remote_key();
        let Some(task) = remote.task().cloned() else {
            // Everybody can see that this decrypts to nothing.
            return remote
                .finish_unpadding(&[], &*substitute()?)
                .map_err(invalid);
        };
        let (opcode, payload) = question(&task)?;
        let request = Request {
            opcode: opcode.number(),
            ski: Some(public_key.subject_key_identifier()),
            server_name: match names {
                Names::ServerName(Some(name)) => Some(name.into_bytes()),
                _ => None,
            },
            payload,
            ..Request::default()
        };
        let answered = timeout_at(until, self.ask(&request)).await;
        let reply = answered.unwrap_or(Err(KeyClientError::Expired))?;
        match (&*task, reply) {
            (KeyTask::Sign { .. }, Reply::Success(signature)) => {
                remote.finish(Some(signature), None).map_err(invalid)
            }
            (KeyTask::RsaDecrypt { .. }, Reply::Success(block)) => remote
                .finish_unpadding(&block, &*substitute()?)
                .map_err(invalid),
            // A server that says no to what is in the ciphertext must not make the edge say it too.
            (KeyTask::RsaDecrypt { .. }, Reply::Error(ErrorCode::Cryptography)) => remote
                .finish_unpadding(&[], &*substitute()?)
                .map_err(invalid),
            (_, Reply::Error(code)) => Err(refused(code)),
            (_, Reply::Pong(_)) => Err(KeyClientError::InvalidReply {
                cause: "an echo that nobody asked for".to_owned(),
            }),
        }
    }

    /// Asks, a second time on a fresh connection where the one that was there has ended: servers close idle ones, and to do
    /// it twice does no harm.
    async fn ask(&self, request: &Request) -> Result<Reply, KeyClientError> {
        let (connection, fresh) = self.connection().await?;
        match connection.ask(request).await {
            Err(KeyClientError::ConnectionLost { .. }) if !fresh => {
                let (connection, _) = self.connection().await?;
                connection.ask(request).await
            }
            answer => answer,
        }
    }

    /// The connection, and whether it was made for this.
    async fn connection(&self) -> Result<(Arc<Connection>, bool), KeyClientError> {
        let inner = &self.inner;
        let mut slot = inner.connection.lock().await;
        if let Some(connection) = slot.as_ref().filter(|connection| connection.is_open()) {
            return Ok((Arc::clone(connection), false));
        }
        let dialled = Connection::open(&inner.address, &inner.name, &inner.tls);
        let until = Instant::now() + inner.connect;
        let unreachable = |cause: String| KeyClientError::Unreachable {
            cause: format!("gokeyless server {}: {cause}", inner.address),
        };
        let connection = timeout_at(until, dialled)
            .await
            .map_err(|_| unreachable(format!("no connection within {:?}", inner.connect)))?
            .map_err(|error| unreachable(error.to_string()))?;
        let connection = Arc::new(connection);
        *slot = Some(Arc::clone(&connection));
        Ok((connection, true))
    }
}

impl fmt::Debug for GokeylessClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GokeylessClient")
            .field("address", &self.inner.address)
            .finish_non_exhaustive()
    }
}

/// What is asked of the server.
fn question(task: &KeyTask) -> Result<(Opcode, Vec<u8>), KeyClientError> {
    match task {
        KeyTask::Sign { algorithm, message } => {
            let opcode =
                Opcode::for_algorithm(*algorithm).ok_or_else(|| KeyClientError::Unsupported {
                    message: format!("the protocol of gokeyless has no {algorithm:?}"),
                })?;
            let payload = match task.digest() {
                Some((_, digest)) => digest.to_vec(),
                None => message.clone(),
            };
            Ok((opcode, payload))
        }
        KeyTask::RsaDecrypt { ciphertext } => Ok((Opcode::RsaDecrypt, ciphertext.clone())),
    }
}

/// "a randomly generated 48-byte value" (RFC 5246 §7.4.7.1), drawn whether it is needed or not.
fn substitute() -> Result<Zeroizing<[u8; PREMASTER_LEN]>, KeyClientError> {
    let mut substitute = Zeroizing::new([0; PREMASTER_LEN]);
    SystemRandom
        .fill(substitute.as_mut_slice())
        .map_err(|error| KeyClientError::Internal {
            message: error.to_string(),
        })?;
    Ok(substitute)
}

fn invalid(error: PerformError) -> KeyClientError {
    KeyClientError::InvalidReply {
        cause: format!("gokeyless server: {error}"),
    }
}

fn refused(code: ErrorCode) -> KeyClientError {
    match code {
        ErrorCode::KeyNotFound => KeyClientError::UnknownKey,
        ErrorCode::Version | ErrorCode::BadOpcode | ErrorCode::UnexpectedOpcode => {
            KeyClientError::Unsupported {
                message: format!("gokeyless server: {code}"),
            }
        }
        ErrorCode::Format => KeyClientError::Malformed {
            message: format!("gokeyless server: {code}"),
        },
        _ => KeyClientError::Internal {
            message: format!("gokeyless server: {code}"),
        },
    }
}
