//! The `keyward` command: TLS termination without the private key.

mod args;
mod attached;
mod bench;
mod commands;
mod config_files;
mod connect;
mod demo;
mod failure;
mod logs;
mod output;
mod process;
mod serve;
mod stop;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = logs::start(&cli.log, cli.command.log_config());
    match run(&cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.report(format);
            failure.exit_code()
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Policy(args) => return commands::policy::run(args),
        Command::Connect(args) => connect::run(args),
        Command::Demo(args) => demo::run(args, &cli.log),
        Command::Serve(args) => serve::run(args, &cli.log),
        Command::Keyserver(args) => commands::keyserver::run(args),
        Command::Edge(args) => commands::edge::run(args),
        Command::Check(args) => commands::check::run(args),
        Command::Audit(args) => commands::audit::run(args),
        Command::Bench(args) => bench::run(args, &cli.log),
        Command::Pki(args) => commands::pki::run(args),
        Command::Tickets(args) => commands::tickets::run(args),
        Command::DemoSite(args) => demo::site::run(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command's future on a multi-threaded runtime.
fn block_on<F: Future<Output = Result<(), Failure>>>(future: F) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::run_time(format!("cannot start the runtime: {cause}")))?
        .block_on(future)
}
