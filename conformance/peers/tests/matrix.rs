//! Runs the interoperability matrix and writes `conformance/MATRIX.md`.
//!
//! `KEYWARD_MATRIX` chooses by words: peers (`go`), directions (`serves`, `connects`), and parts of a case's name
//! (`"TLS 1.3"`), between commas; then the page is not written.

use std::{env, fs, path::Path, time::Instant};

use keyward_peers::matrix::{
    credentials::Credentials,
    keyward,
    page::{Chapter, Section, page},
    peers::{self, Peer},
    plan::Plan,
    runner,
    values::Direction,
};

#[test]
fn matrix() {
    let credentials = Credentials::create();
    let chosen = Chosen::from_environment();
    let mut chapters = Vec::new();
    let mut complete = chosen.everything();
    for find in peers::ALL {
        match find(&credentials) {
            Some(peer) if chosen.peer(peer.word()) => {
                chapters.push(chapter(peer.as_ref(), &credentials, &chosen));
            }
            _ => complete = false,
        }
    }
    let failures: Vec<String> = chapters.iter().flat_map(failures).collect();
    assert!(
        failures.is_empty(),
        "{} cases failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    if complete {
        write(&page(&chapters));
    }
}

fn chapter(peer: &dyn Peer, credentials: &Credentials, chosen: &Chosen) -> Chapter {
    let mut sections = Vec::new();
    for direction in Direction::ALL {
        let theirs = peer.capabilities(direction);
        let mut plan = Plan::new(&keyward::capabilities(credentials), &theirs);
        plan.cases
            .retain(|case| chosen.case(direction, &case.to_string()));
        let start = Instant::now();
        let results = runner::run(peer, direction, &plan.cases, credentials);
        println!(
            "{}, {direction:?}: {} cases in {:.1} s",
            peer.title(),
            results.len(),
            start.elapsed().as_secs_f32()
        );
        sections.push(Section {
            direction,
            plan,
            results,
        });
    }
    Chapter {
        title: peer.title(),
        product: peer.capabilities(Direction::KeywardServes).product,
        sections,
    }
}

fn failures(chapter: &Chapter) -> Vec<String> {
    let mut failures = Vec::new();
    for section in &chapter.sections {
        for (case, result) in section.plan.cases.iter().zip(&section.results) {
            if let Err(error) = result {
                let direction = section.direction;
                failures.push(format!(
                    "{}, {direction:?}, {case}: {error}",
                    chapter.product
                ));
            }
        }
    }
    failures
}

/// Writes the page; where `CI=true` it has to be there already.
fn write(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../MATRIX.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    if before == page {
        return;
    }
    fs::write(&path, page).unwrap();
    assert!(
        env::var_os("CI").is_none_or(|ci| ci != "true"),
        "conformance/MATRIX.md is not what the peers installed here give: run the test without CI=true and commit it"
    );
}

/// What `KEYWARD_MATRIX` says.
struct Chosen {
    words: Vec<String>,
}

impl Chosen {
    fn from_environment() -> Self {
        let words = env::var("KEYWARD_MATRIX").unwrap_or_default();
        let words = words.split(',').map(|word| word.trim().to_owned());
        Self {
            words: words.filter(|word| !word.is_empty()).collect(),
        }
    }

    fn everything(&self) -> bool {
        self.words.is_empty()
    }

    fn peer(&self, word: &str) -> bool {
        let mut peers = self
            .words
            .iter()
            .filter(|word| PEERS.contains(&word.as_str()));
        peers.clone().next().is_none() || peers.any(|chosen| chosen == word)
    }

    fn case(&self, direction: Direction, name: &str) -> bool {
        let other = match direction {
            Direction::KeywardServes => "connects",
            Direction::KeywardConnects => "serves",
        };
        let known = [&PEERS[..], &["serves", "connects"]].concat();
        let mut parts = self
            .words
            .iter()
            .filter(|word| !known.contains(&word.as_str()));
        !self.words.iter().any(|word| word == other)
            && parts.all(|part| name.contains(part.as_str()))
    }
}

/// The words for the peers.
const PEERS: [&str; 8] = [
    "openssl", "gnutls", "nss", "go", "java", "node", "python", "rustls",
];
