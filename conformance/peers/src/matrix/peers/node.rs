//! Node's `tls`.

use std::process::Command;

use super::{
    Peer,
    program::{Library, describe},
};
use crate::{
    matrix::{
        capabilities::Capabilities,
        credentials::Credentials,
        values::{Direction, Flow, Version},
    },
    process,
};

const SOURCE: &str = include_str!("../../../programs/node/peer.js");

/// Node, if it is installed.
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    let node = process::find("node")?;
    let command = move || {
        let mut command = Command::new(&node);
        command.args(["-e", SOURCE]);
        command
    };
    Some(Box::new(Library {
        word: "node",
        driven: "tls",
        described: describe(command()).expect("Node's program says what it can"),
        command: Box::new(command),
        credentials,
        adjust,
    }))
}

fn adjust(_: Direction, capabilities: Capabilities) -> Capabilities {
    // Node has no interface for it.
    capabilities.without(Version::Tls13, Flow::EarlyData)
}
