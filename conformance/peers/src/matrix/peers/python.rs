//! Python's `ssl`.

use std::process::Command;

use super::{
    Peer,
    program::{Library, describe},
};
use crate::{
    matrix::{capabilities::Capabilities, credentials::Credentials, values::Direction},
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

fn adjust(_: Direction, capabilities: Capabilities) -> Capabilities {
    capabilities
}
