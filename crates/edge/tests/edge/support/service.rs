//! Small services behind the edge.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub(crate) type Boxed = BoxBody<Bytes, std::io::Error>;

/// A body that is there at once.
pub(crate) fn full(text: impl Into<Bytes>) -> Boxed {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed()
}

/// An HTTP/1.1 service on loopback. Ends when dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl Service {
    pub(crate) async fn start<F, R>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
        R: Future<Output = Response<Boxed>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, answer)
    }

    pub(crate) fn start_on<F, R>(listener: TcpListener, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
        R: Future<Output = Response<Boxed>> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let connections = Arc::new(AtomicUsize::new(0));
        let tasks = TaskTracker::new();
        let (stopped, count, tracker) = (stop.clone(), connections.clone(), tasks.clone());
        let accept = async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                let service = service_fn(move |request| {
                    let response = answer(request);
                    async move { Ok::<_, Infallible>(response.await) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(socket), service)
                    .with_upgrades();
                let stopped = stopped.clone();
                tracker.spawn(async move { stopped.run_until_cancelled(connection).await });
            }
        };
        let stopped = stop.clone();
        tasks.spawn(async move { stopped.run_until_cancelled(accept).await });
        tasks.close();
        Self {
            address,
            connections,
            tasks,
            stop: stop.drop_guard(),
        }
    }

    /// Ends it, its connections as well, and waits for that.
    pub(crate) async fn end(self) {
        drop(self.stop);
        super::soon("the service ends", self.tasks.wait()).await;
    }

    /// Says `hello` to everything.
    pub(crate) async fn hello() -> Self {
        Self::start(|_| async { Response::new(full("hello")) }).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Steps that two tasks take in turn: one reaches them, the other waits for them.
#[derive(Clone)]
pub(crate) struct Steps(Arc<watch::Sender<u32>>);

impl Steps {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::channel(0).0))
    }

    pub(crate) fn reach(&self, step: u32) {
        self.0.send_replace(step);
    }

    pub(crate) async fn wait_for(&self, step: u32) {
        let mut steps = self.0.subscribe();
        super::soon("the next step", steps.wait_for(|reached| *reached >= step))
            .await
            .unwrap();
    }
}
