//! `keyward bench keyserver`: a key server beside the bare signature.

pub(crate) mod args;
mod edge;
mod latency;
mod load;
mod operation;
mod processor;
mod server;

use std::fmt::Write;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyward_crypto::private_key::PrivateKey;
use keyward_keyop::OperationKind;
use keyward_observe::Glyphs;
use keyward_pki::{Authority, KeyAlgorithm};

use args::{AuditChoice, BenchArgs, BenchCommand, KeyserverArgs};
use edge::{Connection, Dialer, Identity};
use latency::{Latencies, micros};
use load::{Flow, Outcome};
use operation::Prepared;
use processor::Split;
use server::{NAME, Server};

use crate::args::LogArgs;
use crate::failure::Failure;
use crate::output;

/// What the key server can be asked before it has to be at its pace.
const WARM_UP: Duration = Duration::from_millis(300);

/// A quiet connection gives its buffers back after a second.
const SETTLE: Duration = Duration::from_millis(2500);

/// Requests of the edge beside that are in flight.
const BESIDE: u16 = 8;

pub(crate) fn run(args: &BenchArgs, log: &LogArgs) -> Result<(), Failure> {
    let BenchCommand::Keyserver(args) = &args.command;
    let asked = args.keys.iter().chain(&args.beside);
    let unmeasured = asked.copied().find(|key| is_ml_dsa(*key));
    if let Some(key) = unmeasured {
        return Err(Failure::usage(format!(
            "keys of kind {} are not measured: p256, p384, p521, ed25519, rsa2048, rsa3072, rsa4096 are",
            key.name()
        )));
    }
    processor::open_many_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::run_time)?;
    match &args.server {
        Some(_) => pointed_at(args),
        None => runtime.block_on(of_our_own(args, log)),
    }
}

fn is_ml_dsa(key: KeyAlgorithm) -> bool {
    matches!(
        key,
        KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87
    )
}

/// What is measured with one kind of key.
struct Measured {
    name: &'static str,
    bare: f64,
    server: f64,
    ratio: f64,
    full: Latencies,
    half: Latencies,
    overloaded: u64,
}

async fn of_our_own(args: &KeyserverArgs, log: &LogArgs) -> Result<(), Failure> {
    let split = Split::new(args.core)?;
    let mut server = Server::start(args, split, log).await?;
    let process = server
        .process
        .id()
        .ok_or_else(|| Failure::run_time("the key server process is gone"))?;
    output::line(&headline(args, split))?;
    let edges = usize::from(args.edges);
    let idle = open_idle(&server.dialers[..edges], args.idle, process)?;
    let mut connections = Vec::new();
    for dialer in &server.dialers[..edges] {
        for _ in 0..args.connections {
            connections.push(dialer.dial()?);
        }
    }
    let keys = std::mem::take(&mut server.keys);
    let prepare = |algorithm| {
        let key = keys.iter().find(|key| key.algorithm == algorithm);
        let key = key.ok_or_else(|| Failure::run_time("a key was not made"))?;
        Ok::<_, Failure>((Rc::new(Prepared::new(key.chain.clone(), NAME)?), key))
    };
    let (first, _) = prepare(args.keys[0])?;
    let mut flows: Vec<Flow> = connections
        .into_iter()
        .enumerate()
        .map(|(seed, connection)| Flow::new(connection, Rc::clone(&first), args.in_flight, seed))
        .collect();
    let asking = flows.len();
    let mut rows = Vec::new();
    for algorithm in &args.keys {
        let (operation, key) = prepare(*algorithm)?;
        for flow in &mut flows {
            flow.ask_for(&operation);
            flow.set_pace(None);
        }
        load::run(&mut flows[..asking], WARM_UP, |_| true)?;
        let mut rounds = Vec::new();
        for _ in 0..args.rounds {
            let bare = bare(&operation, &key.private, args.duration, Some(split))?;
            let before = processor::of_process(process)?;
            let outcome = full(&mut flows[..asking], args)?;
            let spent = processor::of_process(process)?.saturating_sub(before);
            rounds.push((bare, per_second(&outcome, spent), outcome));
        }
        let rate = median(rounds.iter().map(|(_, rate, _)| *rate));
        if let (Some(kind), true) = (args.beside, flows.len() == asking) {
            let dialer = server.dialers.last().cloned();
            let dialer = dialer.ok_or_else(|| Failure::run_time("there is no edge beside"))?;
            let (operation, _) = prepare(kind)?;
            flows.push(Flow::new(dialer.dial()?, operation, BESIDE, asking));
        }
        let half = at_half(&mut flows, asking, rate, args)?;
        rows.push(measured(algorithm.name(), rounds, half));
    }
    show(&rows, args)?;
    drop((flows, idle));
    server.process.stop().await;
    Ok(())
}

/// A key server that runs already: its keys, by the clock.
fn pointed_at(args: &KeyserverArgs) -> Result<(), Failure> {
    let (Some(address), Some(ca), Some(certificate), Some(key)) =
        (&args.server, &args.ca, &args.cert, &args.key)
    else {
        return Err(Failure::usage("--server needs --ca, --cert and --key"));
    };
    let identity = Identity {
        ca: ca.clone(),
        certificate: certificate.clone(),
        key: key.clone(),
    };
    let dialer = Dialer::new(address, &args.server_name, &identity)?;
    output::line(&format!("key server at {address}, rates by the clock\n"))?;
    let mut rows = Vec::new();
    for algorithm in &args.keys {
        let authority = Authority::new("bench")?;
        let issued = authority.issue_server(&[NAME], *algorithm)?;
        let private =
            PrivateKey::from_der(issued.key_der.secret_der()).map_err(Failure::run_time)?;
        let connection = dialer.dial()?;
        let (chain, name) = of_catalog(&connection, &private, *algorithm)?;
        let operation = Rc::new(Prepared::new(chain, &name)?);
        let mut flows = vec![connection];
        for _ in 1..args.connections {
            flows.push(dialer.dial()?);
        }
        let mut flows: Vec<Flow> = flows
            .into_iter()
            .enumerate()
            .map(|(seed, connection)| {
                Flow::new(connection, Rc::clone(&operation), args.in_flight, seed)
            })
            .collect();
        let asking = flows.len();
        let mut rounds = Vec::new();
        for _ in 0..args.rounds {
            let bare = bare(&operation, &private, args.duration, None)?;
            let outcome = full(&mut flows, args)?;
            rounds.push((bare, per_second(&outcome, outcome.elapsed), outcome));
        }
        let rate = median(rounds.iter().map(|(_, rate, _)| *rate));
        let half = at_half(&mut flows, asking, rate, args)?;
        rows.push(measured(algorithm.name(), rounds, half));
    }
    show(&rows, args)
}

/// A chain of the catalog whose key is of this kind, and a name that the edge may use it for.
fn of_catalog(
    connection: &Connection,
    like: &PrivateKey,
    algorithm: KeyAlgorithm,
) -> Result<(Vec<rustls_pki_types::CertificateDer<'static>>, String), Failure> {
    let usable = connection.catalog.entries.iter().find(|entry| {
        entry.kind == like.public_key().kind()
            && !entry.chain.is_empty()
            && !entry.names.is_empty()
            && entry
                .operations
                .contains(&OperationKind::Tls13ServerCertificateVerify)
    });
    let entry = usable.ok_or_else(|| {
        Failure::run_time(format!(
            "the key server has no {} key with a certificate that this edge may sign with for TLS 1.3; --keys names other kinds",
            algorithm.name()
        ))
    })?;
    let name = match entry.names[0].strip_prefix('*') {
        Some("") => "bench.example".to_owned(),
        Some(suffix) => format!("bench{suffix}"),
        None => entry.names[0].clone(),
    };
    let chain = entry.chain.iter().map(|der| der.clone().into()).collect();
    Ok((chain, name))
}

fn full(flows: &mut [Flow], args: &KeyserverArgs) -> Result<Outcome, Failure> {
    for flow in flows.iter_mut() {
        flow.set_pace(None);
    }
    load::run(flows, Duration::from_secs(args.duration), |_| true)
}

/// The first flows ask at half of this rate together; what is behind them, as much as it can.
fn at_half(
    flows: &mut [Flow],
    asking: usize,
    rate: f64,
    args: &KeyserverArgs,
) -> Result<Outcome, Failure> {
    // A flow is one of at most a million.
    let each = rate / 2.0 / f64::from(u32::try_from(asking).unwrap_or(u32::MAX));
    for (index, flow) in flows.iter_mut().enumerate() {
        flow.set_pace((index < asking).then_some(each));
    }
    let time = Duration::from_secs(args.duration * u64::from(args.rounds));
    load::run(flows, time, |flow| flow < asking)
}

/// Signatures per second of processor time. The other processors are as busy meanwhile as with the clients: a core that shares
/// its caches and its power is slower then than alone.
fn bare(
    operation: &Prepared,
    key: &PrivateKey,
    seconds: u64,
    split: Option<Split>,
) -> Result<f64, Failure> {
    let Some(split) = split else {
        return signatures(operation, key, seconds);
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                operation.sign(key)?;
            }
            Ok::<(), Failure>(())
        });
        split.to_server()?;
        let rate = signatures(operation, key, seconds);
        stop.store(true, Ordering::Relaxed);
        split.to_clients()?;
        let beside = beside.join();
        beside.map_err(|_| Failure::run_time("a thread that signs has panicked"))??;
        rate
    })
}

fn signatures(operation: &Prepared, key: &PrivateKey, seconds: u64) -> Result<f64, Failure> {
    let began = Instant::now();
    let before = processor::of_this_thread();
    let mut count = 0_u32;
    while began.elapsed() < Duration::from_secs(seconds) {
        operation.sign(key)?;
        count += 1;
    }
    let spent = processor::of_this_thread().saturating_sub(before);
    Ok(f64::from(count) / spent.as_secs_f64())
}

/// Connections that ask for nothing, and what is said of them.
fn open_idle(dialers: &[Dialer], count: u32, process: u32) -> Result<Vec<Connection>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let before = processor::memory_of(process)?;
    let dialers = dialers.iter().cycle();
    let idle: Vec<Connection> = dialers
        .take(count as usize)
        .map(Dialer::dial)
        .collect::<Result<_, _>>()?;
    // Until they rest.
    std::thread::sleep(SETTLE);
    let each = processor::memory_of(process)?.saturating_sub(before) / u64::from(count);
    output::line(&format!(
        "{count} idle connections: {:.1} KiB of the key server's memory each\n",
        each as f64 / 1024.0
    ))?;
    Ok(idle)
}

fn per_second(outcome: &Outcome, time: Duration) -> f64 {
    // Fewer than 2^53.
    outcome.performed as f64 / time.as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn measured(name: &'static str, rounds: Vec<(f64, f64, Outcome)>, half: Outcome) -> Measured {
    let bare = median(rounds.iter().map(|(bare, _, _)| *bare));
    let server = median(rounds.iter().map(|(_, server, _)| *server));
    let ratio = median(rounds.iter().map(|(bare, server, _)| server / bare));
    let overloaded = rounds.iter().map(|(_, _, outcome)| outcome.overloaded);
    let overloaded = overloaded.sum::<u64>() + half.overloaded;
    let full = rounds
        .into_iter()
        .flat_map(|(_, _, outcome)| outcome.latencies);
    Measured {
        name,
        bare,
        server,
        ratio,
        full: Latencies::new(full.collect()),
        half: Latencies::new(half.latencies),
        overloaded,
    }
}

fn headline(args: &KeyserverArgs, split: Split) -> String {
    let audit = match args.audit {
        AuditChoice::Off => "no audit log",
        AuditChoice::Relaxed => "audit relaxed",
        AuditChoice::Strict => "audit strict",
    };
    let apart = match split.apart {
        true => "clients on the others",
        false => "CLIENTS ON THE SAME: there is no other",
    };
    format!(
        "key server on processor {}, {apart}; {audit}; edges {}, connections of each {}, in flight on each {}\n",
        split.core, args.edges, args.connections, args.in_flight
    )
}

fn show(rows: &[Measured], args: &KeyserverArgs) -> Result<(), Failure> {
    let mut text = String::from(
        "| key     | bare /s | key server /s | ratio | full: p50 µs | p99 | p99.9 | half: p50 µs | p99 | p99.9 | p99 / p50 |\n\
         |---------|---------|---------------|-------|--------------|-----|-------|--------------|-----|-------|-----------|\n",
    );
    for row in rows {
        let of =
            |latencies: &Latencies| [500, 990, 999].map(|rank| micros(latencies.per_mille(rank)));
        let ([f50, f99, f999], [h50, h99, h999]) = (of(&row.full), of(&row.half));
        let tail =
            row.half.per_mille(990).as_secs_f64() / row.half.per_mille(500).as_secs_f64().max(1e-9);
        let _ = writeln!(
            text,
            "| {:7} | {:7.0} | {:13.0} | {:5.2} | {f50:>12} | {f99:>3} | {f999:>5} | {h50:>12} | {h99:>3} | {h999:>5} | {tail:9.1} |",
            row.name, row.bare, row.server, row.ratio
        );
    }
    let beside = args.beside.map_or(String::new(), |key| {
        format!(
            ", while another edge has {} signed without pause",
            key.name()
        )
    });
    let bar = match output::glyphs() {
        Glyphs::Unicode => '█',
        Glyphs::Ascii => '#',
    };
    for row in rows {
        let _ = writeln!(
            text,
            "\n{} at half of that rate{beside}:\n{}",
            row.name,
            row.half.histogram(bar)
        );
        if row.overloaded > 0 {
            let _ = writeln!(
                text,
                "  {} requests were answered `overloaded`",
                row.overloaded
            );
        }
    }
    text.push_str("\nEvery reply was verified.\n");
    output::print(&text)
}
