//! A way to a key server that can be made long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Listens in front of a key server.
pub(crate) struct Relay {
    address: SocketAddr,
    delay_ms: Arc<AtomicU64>,
}

impl Relay {
    /// In front of what listens at this address.
    pub(crate) async fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let delay_ms: Arc<AtomicU64> = Arc::default();
        let delay = delay_ms.clone();
        tokio::spawn(async move {
            while let Ok((edge, _)) = listener.accept().await {
                let (to, delay) = (to.clone(), delay.clone());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(&to).await else {
                        return;
                    };
                    let _ = (edge.set_nodelay(true), server.set_nodelay(true));
                    let (from_edge, to_edge) = edge.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::join!(
                        pass(from_edge, to_server, &delay),
                        pass(from_server, to_edge, &delay)
                    );
                });
            }
        });
        Self { address, delay_ms }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on everything takes so long in each direction.
    pub(crate) fn delay(&self, ms: u64) {
        self.delay_ms.store(ms, Ordering::Relaxed);
    }
}

/// Passes bytes on, each at its time and in order.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay_ms: &AtomicU64,
) {
    let (sender, mut due) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut buffer = [0; 16 * 1024];
        while let Ok(len @ 1..) = from.read(&mut buffer).await {
            let delay = Duration::from_millis(delay_ms.load(Ordering::Relaxed));
            if sender
                .send((Instant::now() + delay, buffer[..len].to_vec()))
                .is_err()
            {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = due.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
