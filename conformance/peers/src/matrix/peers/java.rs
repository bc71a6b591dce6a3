//! Java's JSSE.

use std::{
    env, fs,
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
        values::{Direction, Flow, Version},
    },
    process,
};

const SOURCE: &str = include_str!("../../../programs/java/Peer.java");

/// What the newest Java no longer does by itself, and is to be tried nevertheless: RSA key transport.
const SECURITY: &str = "jdk.tls.disabledAlgorithms=SSLv3, TLSv1, TLSv1.1\n";

/// From this release on a connection can be told its groups (`SSLParameters.setNamedGroups`).
const OLDEST: u32 = 20;

/// The newest Java, if there is one that can be driven.
pub(super) fn find(credentials: &Credentials) -> Option<Box<dyn Peer + '_>> {
    let Some(home) = newest() else {
        process::missing(&format!("a JDK, version {OLDEST} or newer"));
        return None;
    };
    let classes = build(&home, credentials.directory());
    let command = move || {
        let mut command = Command::new(home.join("bin/java"));
        command
            // Quick to start; nothing runs for long.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"])
            // The password of a key store in memory keeps nobody out.
            .arg("-Dkeystore.pkcs12.keyPbeIterationCount=1")
            .arg(format!(
                "-Djava.security.properties={}",
                classes.join("security").display()
            ))
            .arg("-cp")
            .arg(&classes)
            .arg("Peer");
        command
    };
    Some(Box::new(Library {
        word: "java",
        driven: "JSSE",
        described: describe(command()).expect("Java's program says what it can"),
        command: Box::new(command),
        credentials,
        adjust,
    }))
}

/// The home of the newest JDK, among the one in `PATH` and those where distributions put them.
fn newest() -> Option<PathBuf> {
    let mut homes: Vec<PathBuf> = env::var_os("JAVA_HOME")
        .map(PathBuf::from)
        .into_iter()
        .collect();
    if let Some(path) = env::var_os("PATH") {
        let javac = env::split_paths(&path).map(|directory| directory.join("javac"));
        let real = javac.filter_map(|javac| javac.canonicalize().ok());
        homes.extend(real.filter_map(|javac| Some(javac.parent()?.parent()?.to_owned())));
    }
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    homes.extend(installed.map(|entry| entry.path()));
    homes
        .into_iter()
        .filter(|home| home.join("bin/javac").is_file())
        .filter_map(|home| Some((release(&home)?, home)))
        .filter(|(release, _)| *release >= OLDEST)
        .max_by_key(|(release, _)| *release)
        .map(|(_, home)| home)
}

/// The feature release, from the file that every JDK has.
fn release(home: &Path) -> Option<u32> {
    let text = fs::read_to_string(home.join("release")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    line.split(['.', '"']).next()?.parse().ok()
}

fn build(home: &Path, directory: &Path) -> PathBuf {
    let classes = directory.join("java");
    fs::create_dir(&classes).expect("a directory in a temporary directory");
    let source = classes.join("Peer.java");
    fs::write(&source, SOURCE).expect("a file in a temporary directory");
    fs::write(classes.join("security"), SECURITY).expect("a file in a temporary directory");
    let mut command = Command::new(home.join("bin/javac"));
    command.arg("-d").arg(&classes).arg(&source);
    process::run(command, b"").succeeded();
    classes
}

fn adjust(_: Direction, capabilities: Capabilities) -> Capabilities {
    capabilities
        .without(Version::Tls13, Flow::EarlyData)
        .except(
            |case| {
                let x25519 = case.group.is_some_and(|group| group.name == "x25519");
                case.flow == Flow::HelloRetry && x25519
            },
            "always begins with an x25519 share as well where it offers that",
        )
}
