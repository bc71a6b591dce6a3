//! `keyward connect`: our client as a tool. Tells everything about a connection to a TLS server.

mod answers;
pub(crate) mod args;
mod chain_text;
mod dial;
mod exchange;
mod found;
mod identity;
mod line;
mod offer;
mod plan;
mod show;
mod table;
pub(crate) mod target;
mod timeline;
mod trouble;
mod visit;

use std::path::Path;

use args::ConnectArgs;
use exchange::{Ended, exchange};
use found::Found;
use plan::Plan;
use serde::Serialize;
use trouble::Trouble;
use visit::{Again, Visit, visit};

use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &ConnectArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::run_time(format!("cannot start the runtime: {cause}")))?;
    let result = runtime.block_on(connect(args));
    // A thread may be reading standard input, which nobody can stop.
    runtime.shutdown_background();
    result
}

async fn connect(args: &ConnectArgs) -> Result<(), Failure> {
    let plan = Plan::new(args)?;
    let mut visits = vec![visit(&plan, None).await?];
    if let Some(file) = &args.save_chain {
        save_chain(&visits[0], file)?;
    }
    tell(args, &visits[0])?;
    let mut failure = failure(args, &visits[0]);
    if plan.resumes() && failure.is_none() {
        match again(&mut visits[0]).await {
            Ok(again) => {
                let second = visit(&plan, Some(again)).await?;
                tell(args, &second)?;
                failure = self::failure(args, &second).or_else(|| not_resumed(args, &second));
                visits.push(second);
            }
            Err(cause) => failure = Some(cause),
        }
    }
    if args.json {
        output::line(&json(&visits)?)?;
        for visit in &mut visits {
            if let Some(line) = &mut visit.line {
                line.close().await;
            }
        }
        return failure.map_or(Ok(()), Err);
    }
    match (failure, visits.pop()) {
        (None, Some(last)) => talk(&plan, last).await,
        (Some(failure), _) => Err(failure),
        (None, None) => Ok(()),
    }
}

/// The report, unless it was not asked for.
fn tell(args: &ConnectArgs, visit: &Visit<'_>) -> Result<(), Failure> {
    match args.json || args.quiet {
        true => Ok(()),
        false => output::print(&show::report(&visit.found, args.draw)),
    }
}

/// Ends the first connection and takes its session.
async fn again(first: &mut Visit<'_>) -> Result<Again, Failure> {
    if let Some(mut line) = first.line.take() {
        line.close().await;
        // A server that serves one client at a time waits for the socket to be gone.
        drop(line);
    }
    match first.session.take() {
        Some(session) => Ok(Again {
            address: first.found.address,
            session,
        }),
        None => Err(Failure::run_time(format!(
            "{} gave nothing to resume the session by; resumption may be off there",
            first.found.target
        ))),
    }
}

fn not_resumed(args: &ConnectArgs, second: &Visit<'_>) -> Option<Failure> {
    let agreed = second.found.agreed.as_ref()?;
    // Data goes over a full handshake as well.
    if agreed.resumed || !args.resume {
        return None;
    }
    Some(Failure::run_time(format!(
        "{} made a full handshake in place of resuming the session; several servers may be behind the \
         address that do not share their ticket keys",
        second.found.target
    )))
}

/// Sends what is left of early data, then standard input, and prints what comes.
async fn talk(plan: &Plan<'_>, visit: Visit<'_>) -> Result<(), Failure> {
    let Visit {
        line,
        mut answers,
        found,
        peer_closed,
        ..
    } = visit;
    let Some(mut line) = line else {
        return Ok(());
    };
    if peer_closed {
        line.close().await;
        return Ok(());
    }
    let late = line.unsent_early_data(plan.early_data.as_deref());
    let sent = plan
        .early_data
        .as_ref()
        .is_some_and(|data| !data.is_empty());
    line.queue(late);
    let outcome = exchange(&mut line, &mut answers, plan.args, sent).await;
    match outcome {
        Ok(()) => Ok(()),
        Err(Ended::Local(failure)) => Err(failure),
        Err(Ended::Connection(trouble)) => Err(failure_of(&found.target, &trouble)),
    }
}

fn failure(args: &ConnectArgs, visit: &Visit<'_>) -> Option<Failure> {
    let trouble = visit.trouble.as_ref()?;
    let target = &visit.found.target;
    let Some(certificates) = visit
        .found
        .certificates
        .as_ref()
        .filter(|_| trouble.is_distrust())
    else {
        return Some(failure_of(target, trouble));
    };
    let hint = "--ca FILE trusts another CA, --insecure goes on all the same";
    // The report has the reasons already.
    Some(Failure::run_time(match args.quiet || args.json {
        false => format!("{target} is not trusted; {hint}"),
        true => {
            let reasons: Vec<String> = certificates
                .report
                .rejections
                .iter()
                .map(ToString::to_string)
                .collect();
            format!("{target} is not trusted: {}; {hint}", reasons.join("; "))
        }
    }))
}

fn failure_of(target: &str, trouble: &Trouble) -> Failure {
    Failure::run_time(match trouble.remedy() {
        Some(remedy) => format!("{target}: {}; {remedy}", trouble.short()),
        None => format!("{target}: {}", trouble.short()),
    })
}

fn save_chain(visit: &Visit<'_>, file: &Path) -> Result<(), Failure> {
    let Some(presented) = &visit.answers.seen.presented else {
        return Ok(());
    };
    let pem: String = presented.chain.iter().map(|der| pem(der)).collect();
    std::fs::write(file, pem).map_err(|cause| {
        Failure::run_time(format!("{} cannot be written: {cause}", file.display()))
    })
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;

    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

fn json(visits: &[Visit<'_>]) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Report<'a> {
        connections: Vec<&'a Found>,
    }

    let report = Report {
        connections: visits.iter().map(|visit| &visit.found).collect(),
    };
    serde_json::to_string_pretty(&report).map_err(Failure::run_time)
}
