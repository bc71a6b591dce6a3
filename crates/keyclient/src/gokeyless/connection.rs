//! One connection, with many requests in flight.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_protocol::gokeyless::{Decoder, Reply, Request};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::{Zeroize, Zeroizing};

use crate::error::KeyClientError;

/// Requests in flight at most.
const IN_FLIGHT: usize = 1024;

/// For a write to get through.
const WRITE: Duration = Duration::from_secs(5);

/// Bytes read at a time.
const CHUNK: usize = 4096;

pub(super) struct Connection {
    writer: Mutex<Option<WriteHalf<TlsStream<TcpStream>>>>,
    pending: Arc<Pending>,
    reader: AbortHandle,
}

/// Who waits, by id; `None` when the connection has ended.
struct Pending(StdMutex<Option<Waiting>>);

#[derive(Default)]
struct Waiting {
    by_id: HashMap<u32, oneshot::Sender<Reply>>,
    last_id: u32,
}

impl Connection {
    pub(super) async fn open(
        address: &str,
        name: &ServerName<'static>,
        tls: &Arc<ClientConfig>,
    ) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(tls));
        let stream = connector.connect(name.clone(), tcp).await?;
        let (reader, writer) = tokio::io::split(stream);
        let pending = Arc::new(Pending(StdMutex::new(Some(Waiting::default()))));
        let reading = tokio::spawn(read(reader, Arc::clone(&pending)));
        Ok(Self {
            writer: Mutex::new(Some(writer)),
            pending,
            reader: reading.abort_handle(),
        })
    }

    /// Whether requests can be sent, as far as that is known.
    pub(super) fn is_open(&self) -> bool {
        self.pending.lock().is_some()
    }

    pub(super) async fn ask(&self, request: &Request) -> Result<Reply, KeyClientError> {
        let (id, receiver) = self.pending.begin()?;
        // Also where this future is dropped before the answer.
        let _forget = Forget {
            pending: &self.pending,
            id,
        };
        let bytes = request
            .encode(id)
            .map_err(|error| KeyClientError::Unsupported {
                message: format!("the protocol of gokeyless has no room for it: {error}"),
            })?;
        self.write(&bytes).await?;
        receiver.await.map_err(|_| lost())
    }

    async fn write(&self, bytes: &[u8]) -> Result<(), KeyClientError> {
        let mut slot = self.writer.lock().await;
        // Taken out: a write that fails, or that is dropped halfway, leaves a connection that is of no use any more.
        let Some(mut writer) = slot.take() else {
            self.pending.end();
            return Err(lost());
        };
        let written = timeout(WRITE, async {
            writer.write_all(bytes).await?;
            writer.flush().await
        });
        match written.await {
            Ok(Ok(())) => {
                *slot = Some(writer);
                Ok(())
            }
            _ => {
                self.pending.end();
                Err(lost())
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

struct Forget<'a> {
    pending: &'a Pending,
    id: u32,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = &mut *self.pending.lock() {
            waiting.by_id.remove(&self.id);
        }
    }
}

impl Pending {
    fn begin(&self) -> Result<(u32, oneshot::Receiver<Reply>), KeyClientError> {
        let mut guard = self.lock();
        let waiting = guard.as_mut().ok_or_else(lost)?;
        if waiting.by_id.len() >= IN_FLIGHT {
            return Err(KeyClientError::Overloaded);
        }
        loop {
            waiting.last_id = waiting.last_id.wrapping_add(1);
            if !waiting.by_id.contains_key(&waiting.last_id) {
                break;
            }
        }
        let (sender, receiver) = oneshot::channel();
        waiting.by_id.insert(waiting.last_id, sender);
        Ok((waiting.last_id, receiver))
    }

    fn answer(&self, id: u32, reply: Reply) {
        let sender = self.lock().as_mut().and_then(|it| it.by_id.remove(&id));
        if let Some(sender) = sender {
            let _ = sender.send(reply);
        }
    }

    /// Whoever waits hears that the connection has ended.
    fn end(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waiting>> {
        // Nothing done under the lock can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands out replies until the connection ends, or what comes is no reply.
async fn read(mut reader: ReadHalf<TlsStream<TcpStream>>, pending: Arc<Pending>) {
    let mut decoder = Decoder::new();
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    while let Ok(read @ 1..) = reader.read(&mut chunk).await {
        let mut taken = 0;
        while taken < read {
            taken += decoder.receive(&chunk[taken..read]);
            match decoder.next_message() {
                Ok(None) => {}
                Ok(Some(message)) => {
                    let id = message.id();
                    match message.into_reply() {
                        Some(reply) => pending.answer(id, reply),
                        None => return pending.end(),
                    }
                }
                Err(_) => return pending.end(),
            }
        }
        chunk[..read].zeroize();
    }
    pending.end();
}

fn lost() -> KeyClientError {
    KeyClientError::ConnectionLost {
        cause: "the gokeyless server closed it, or does not read".to_owned(),
    }
}
