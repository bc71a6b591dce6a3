//! Python's `ssl`.

use std::process::Command;

use super::{
    Peer,
    program::{Library, describe},
};
use crate::{
    matrix::{
        capabilities::Capabilities,
        case::Case,
        credentials::Credentials,
        values::{Direction, Flow, Group, Version},
    },
    process,
};

const SOURCE: &str = include_str!("../../../programs/python/peer.py");

/// Python, if it is installed.
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    let python = process::find("python3")?;
    let command = move || {
        let mut command = Command::new(&python);
        command.args(["-I", "-c", SOURCE]);
        command
    };
    Some(Box::new(Library {
        word: "python",
        driven: "ssl",
        described: describe(command()).expect("Python's program says what it can"),
        command: Box::new(command),
        credentials,
        adjust,
    }))
}

fn adjust(direction: Direction, capabilities: Capabilities) -> Capabilities {
    let capabilities = capabilities.without(Version::Tls13, Flow::EarlyData);
    match direction {
        Direction::KeywardServes => capabilities
            .except(
                |case| case.flow == Flow::Full && !first(case) && case.version() == Version::Tls13,
                "always begins with the same share, so that every other group takes a HelloRetryRequest",
            )
            .except(
                |case| case.flow == Flow::HelloRetry && first(case),
                "never begins with another share than that of its first group",
            ),
        Direction::KeywardConnects => capabilities.except(
            |case| {
                let nist = |group: &Group| group.name.starts_with("secp");
                case.flow == Flow::HelloRetry && !case.group.is_some_and(nist)
            },
            "can be told to take one group alone where that is a curve of NIST",
        ),
    }
}

/// Whether OpenSSL sends a share of the case's group by default.
fn first(case: &Case) -> bool {
    case.group
        .is_some_and(|group| matches!(group.name, "x25519" | "X25519MLKEM768"))
}
