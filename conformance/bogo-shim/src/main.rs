//! The shim between BoringSSL's test runner ("BoGo") and Keyward's TLS engine.
//!
//! The runner starts this program once a test, with what the test wants of it in its arguments. It
//! connects to the runner once a connection, sends the id that the runner gave it, and is a TLS server
//! there, which sends back what it gets with each byte inverted. The private-key step goes through
//! `keyop` as it would at a key server, and under `-async` every need of the engine is answered in a
//! later turn of the loop.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | the connections went as the arguments say |
//! | 1 | they did not; stderr says why |
//! | 89 | the test wants what is not implemented; stderr says what |

mod cipher_list;
mod credentials;
mod desk;
mod driver;
mod exchange;
mod expectations;
mod failure;
mod flags;
mod key_holder;
mod options;
mod policy;
mod sessions;

use std::process::ExitCode;

use failure::Failure;
use flags::Invocation;
use options::Options;
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
    let (initial, resume) = match flags::parse(std::env::args().skip(1))? {
        // The runner's tests of BoringSSL's split handshakes.
        Invocation::IsHandshakerSupported => {
            println!("No");
            return Ok(());
        }
        Invocation::Run { initial, resume } => (initial, resume),
    };
    let mut sessions = Sessions::new()?;
    for connection in 0..=initial.run.resume_count {
        let resumption = connection > 0;
        let options: &Options = if resumption { &resume } else { &initial };
        exchange::run(options, resumption, &mut sessions)?;
        sessions.advance_clock(options.needs.resumption_delay_s);
    }
    Ok(())
}
