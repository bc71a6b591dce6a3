//! Go's `crypto/tls`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    Peer,
    program::{Library, describe},
};
use crate::{
    matrix::{
        capabilities::Capabilities,
        credentials::Credentials,
        values::{Direction, Flow, Group, Version},
    },
    process,
};

/// The sources of the program, one file for each version of the language.
const SOURCES: [(&str, &str); 3] = [
    ("main.go", include_str!("../../../programs/go/main.go")),
    ("group.go", include_str!("../../../programs/go/group.go")),
    (
        "group_unknown.go",
        include_str!("../../../programs/go/group_unknown.go"),
    ),
];

/// Go, if it is installed.
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    let go = process::find("go")?;
    let program = build(&go, credentials.directory());
    let command = move || {
        let mut command = Command::new(&program);
        // Hybrids are off in a program that is built without a module of a recent language version.
        command.env("GODEBUG", "tlsmlkem=1,tlssecpmlkem=1,tlsrsakex=1");
        command
    };
    Some(Box::new(Library {
        word: "go",
        driven: "crypto/tls",
        described: describe(command()).expect("Go's program says what it can"),
        command: Box::new(command),
        credentials,
        adjust,
    }))
}

fn build(go: &Path, directory: &Path) -> PathBuf {
    let sources = directory.join("go");
    std::fs::create_dir(&sources).expect("a directory in a temporary directory");
    for (name, content) in SOURCES {
        std::fs::write(sources.join(name), content).expect("a file in a temporary directory");
    }
    let program = directory.join("go-peer");
    let mut command = Command::new(go);
    command
        .current_dir(&sources)
        // Nothing but the standard library, and the toolchain that is here.
        .envs([
            ("GO111MODULE", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOFLAGS", ""),
        ])
        .args(["build", "-o"])
        .arg(&program)
        .arg(".");
    process::run(command, b"").succeeded();
    program
}

fn adjust(direction: Direction, capabilities: Capabilities) -> Capabilities {
    let capabilities = capabilities
        .without(Version::Tls12, Flow::SessionId)
        .without(Version::Tls13, Flow::EarlyData);
    match direction {
        Direction::KeywardServes => capabilities.except(
            |case| {
                let first = |group: &Group| matches!(group.name, "X25519MLKEM768" | "x25519");
                case.flow == Flow::HelloRetry && case.group.is_some_and(first)
            },
            "has its own order of groups, and always begins with a share of those that come first",
        ),
        Direction::KeywardConnects => capabilities,
    }
}
