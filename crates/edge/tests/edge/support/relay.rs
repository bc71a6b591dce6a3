//! A relay between edge and key server that can hold and lose what goes through it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// What the edge sends stays here.
    Held,
}

pub(crate) struct Relay {
    address: String,
    state: watch::Sender<State>,
    to: Arc<Mutex<PathBuf>>,
    cut: watch::Sender<u32>,
    held: watch::Receiver<usize>,
}

impl Relay {
    pub(crate) async fn start(to: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (state, states) = watch::channel(State::Open);
        let (cut, cuts) = watch::channel(0);
        let (held_sender, held) = watch::channel(0);
        let to = Arc::new(Mutex::new(to.to_owned()));
        let target = to.clone();
        let held_sender = Arc::new(held_sender);
        tokio::spawn(async move {
            while let Ok((edge, _)) = listener.accept().await {
                let cuts = cuts.clone();
                let relaying = relay(
                    edge,
                    target.lock().unwrap().clone(),
                    states.clone(),
                    held_sender.clone(),
                );
                tokio::spawn(until_cut(relaying, cuts));
            }
        });
        Self {
            address,
            state,
            to,
            cut,
            held,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// New connections go to another key server.
    pub(crate) fn redirect(&self, to: &Path) {
        to.clone_into(&mut self.to.lock().unwrap());
    }

    /// From now on what the edge sends goes nowhere.
    pub(crate) fn hold(&self) {
        self.state.send_replace(State::Held);
    }

    pub(crate) fn release(&self) {
        self.state.send_replace(State::Open);
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }

    /// Waits until at least `bytes` bytes are held.
    pub(crate) async fn holds(&self, bytes: usize) {
        let mut held = self.held.clone();
        super::soon(
            "the relay holds a request",
            held.wait_for(|held| *held >= bytes),
        )
        .await
        .unwrap();
    }
}

async fn until_cut(relaying: impl Future<Output = ()>, mut cuts: watch::Receiver<u32>) {
    cuts.mark_unchanged();
    tokio::select! {
        () = relaying => {}
        _ = cuts.changed() => {}
    }
}

async fn relay(
    edge: TcpStream,
    to: PathBuf,
    mut states: watch::Receiver<State>,
    held: Arc<watch::Sender<usize>>,
) {
    let Ok(server) = UnixStream::connect(&to).await else {
        return;
    };
    let (mut from_edge, mut to_edge) = edge.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from_edge.read(&mut buffer).await {
            if *states.borrow() == State::Held {
                held.send_modify(|held| *held += read);
            }
            if states
                .wait_for(|state| *state == State::Open)
                .await
                .is_err()
            {
                return;
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        let _ = tokio::io::copy(&mut from_server, &mut to_edge).await;
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
