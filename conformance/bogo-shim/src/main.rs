//! The shim between BoringSSL's test runner ("BoGo") and Keyward's TLS engine.
//!
//! The runner starts this program once a test, with what the test wants of it in its arguments. It
//! connects to the runner once a connection, sends the id that the runner gave it, and is a TLS server or
//! client there, which sends back what it gets with each byte inverted. The private-key step goes through
//! `keyop` as it would at a key server, and under `-async` every need of the engine is answered in a
//! later turn of the loop.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | the connections went as the arguments say |
//! | 1 | they did not; stderr says why |
//! | 89 | the test wants what is not implemented; stderr says what |

mod cipher_list;
mod compliance;
mod credentials;
mod desk;
mod driver;
mod exchange;
mod expectations;
mod failure;
mod flags;
mod key_holder;
mod messages;
mod options;
mod policy;
mod sessions;
mod side;

use std::process::ExitCode;

use exchange::Plan;
use failure::Failure;
use flags::Invocation;
use keyward_tls::{Client, Server};
use sessions::Sessions;

const FAILED: u8 = 1;
const UNIMPLEMENTED: u8 = 89;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(match failure {
                Failure::Unimplemented(_) => UNIMPLEMENTED,
                _ => FAILED,
            })
        }
    }
}

fn run() -> Result<(), Failure> {
    let (initial, resume, retry) = match flags::parse(std::env::args().skip(1))? {
        // The runner's tests of BoringSSL's split handshakes.
        Invocation::IsHandshakerSupported => {
            println!("No");
            return Ok(());
        }
        Invocation::Run {
            initial,
            resume,
            retry,
        } => (initial, resume, retry),
    };
    let mut sessions = Sessions::new(initial.run.is_server)?;
    for connection in 0..=initial.run.resume_count {
        let plan = if connection == 0 {
            Plan::first(&initial)
        } else {
            Plan::further(&resume, &retry)
        };
        if initial.run.is_server {
            exchange::run::<Server>(&plan, &mut sessions)?;
        } else {
            exchange::run::<Client>(&plan, &mut sessions)?;
        }
        sessions.advance_clock(plan.options.needs.resumption_delay_s);
    }
    Ok(())
}
