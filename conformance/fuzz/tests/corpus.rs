//! Every fuzz target over its corpus, and over small changes of it, on a stable toolchain.

use std::fs;
use std::path::{Path, PathBuf};

use keyward_fuzz::mutate::{Numbers, mutate};
use keyward_fuzz::{TARGETS, Target};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn corpus(target: &Target) -> Vec<PathBuf> {
    let folder = folder().join("corpus").join(target.name);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// The changes of one input that each run tries.
const CHANGES: usize = 16;

fn run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let files = corpus(target);
    assert!(!files.is_empty(), "{name} has no corpus");
    for file in files {
        let input = fs::read(&file).unwrap();
        // A panic should say where it comes from.
        println!("{}", file.display());
        (target.run)(&input);
        let mut numbers = Numbers(u64::try_from(input.len()).unwrap());
        for change in 0..CHANGES {
            let mut changed = input.clone();
            mutate(&mut changed, &mut numbers);
            println!("  change {change}: {changed:02x?}");
            (target.run)(&changed);
        }
    }
}

macro_rules! targets {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_target_is_here_and_has_its_wrapper() {
            let mut here = [$(stringify!($name)),*];
            let mut known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            let wrappers = fs::read_dir(folder().join("targets/bin")).unwrap();
            let mut wrappers: Vec<_> = wrappers
                .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
                .collect();
            here.sort_unstable();
            known.sort_unstable();
            wrappers.sort_unstable();
            assert_eq!(here[..], known[..]);
            assert_eq!(wrappers, known);
        }
    };
}

targets! {
    client,
    wire,
    keyop,
    protocol,
    sessions,
    keys,
    server,
    certificates,
    trust,
}

/// The seeds of whole connections are that: if the peer lost its way, the fuzzer would never get far.
#[test]
fn seeds_reach_the_end_of_the_handshake() {
    let partial = ["noise", "part", "renegotiation"];
    for seed in keyward_fuzz::seeds::all() {
        let whole = match seed.target {
            "server" => keyward_fuzz::server::completes(&seed.bytes),
            "client" => keyward_fuzz::client::completes(&seed.bytes),
            _ => continue,
        };
        let expected = !partial.iter().any(|name| seed.name.contains(name));
        assert!(whole || !expected, "{} {}", seed.target, seed.name);
    }
}
