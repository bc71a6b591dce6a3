//! Runs the cases of one peer in one direction, several at a time.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    case::Case,
    credentials::Credentials,
    keyward,
    peers::{Peer, Worker},
    report::{Side, check_all},
    values::Direction,
};

/// How many run at a time: a handshake waits for the other side about as often as it computes.
const WORKERS: usize = 4;

/// Runs the cases and returns what is wrong with each, in their order.
pub fn run(
    peer: &dyn Peer,
    direction: Direction,
    cases: &[Case],
    credentials: &Credentials,
) -> Vec<Result<(), String>> {
    let results = Mutex::new(vec![Ok(()); cases.len()]);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..WORKERS.min(cases.len()) {
            scope.spawn(|| {
                let mut worker = peer.worker();
                while let Some(index) = Some(next.fetch_add(1, Ordering::Relaxed))
                    && let Some(case) = cases.get(index)
                {
                    let one = || match direction {
                        Direction::KeywardServes => {
                            serve(worker.as_mut(), case, credentials, peer.first_is_silent())
                        }
                        Direction::KeywardConnects => connect(worker.as_mut(), case, credentials),
                    };
                    // A driver's assertion is a failure of its case, not of the others.
                    let result = panic::catch_unwind(AssertUnwindSafe(one))
                        .unwrap_or_else(|panic| Err(message(panic.as_ref())));
                    results.lock().unwrap_or_else(PoisonError::into_inner)[index] = result;
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn serve(
    worker: &mut dyn Worker,
    case: &Case,
    credentials: &Credentials,
    first_is_silent: bool,
) -> Result<(), String> {
    let server = keyward::Server::start(*case, credentials, first_is_silent)?;
    let port = server.port()?;
    let gone = AtomicBool::new(false);
    let (ours, theirs) = thread::scope(|scope| {
        let serving = scope.spawn(|| server.serve(&gone));
        let theirs = panic::catch_unwind(AssertUnwindSafe(|| worker.connect(case, port)))
            .unwrap_or_else(|panic| Err(message(panic.as_ref())));
        gone.store(true, Ordering::Release);
        let ours = serving
            .join()
            .unwrap_or_else(|panic| Err(message(panic.as_ref())));
        (ours, theirs)
    });
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            check_all(case, Side::Server, &ours).map_err(|error| format!("Keyward: {error}"))?;
            check_all(case, Side::Client, &theirs).map_err(|error| format!("the peer: {error}"))
        }
        (ours, theirs) => Err(both(ours.err(), theirs.err())),
    }
}

fn connect(worker: &mut dyn Worker, case: &Case, credentials: &Credentials) -> Result<(), String> {
    let listening = worker
        .listen(case)
        .map_err(|error| format!("the peer: {error}"))?;
    match keyward::connect(case, credentials, listening.port(), listening.mark()) {
        Ok(done) => {
            let (ours, answers): (Vec<_>, Vec<_>) = done.into_iter().unzip();
            check_all(case, Side::Client, &ours).map_err(|error| format!("Keyward: {error}"))?;
            let theirs = listening
                .finish(&answers)
                .map_err(|error| format!("the peer: {error}"))?;
            check_all(case, Side::Server, &theirs).map_err(|error| format!("the peer: {error}"))
        }
        Err(ours) => Err(both(Some(ours), listening.complaint())),
    }
}

fn both(ours: Option<String>, theirs: Option<String>) -> String {
    let theirs = theirs.map(|error| format!("the peer: {error}"));
    ours.into_iter()
        .chain(theirs)
        .collect::<Vec<_>>()
        .join("; ")
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}
