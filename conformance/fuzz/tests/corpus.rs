//! Every fuzz target over its corpus, and over small changes of it, on a stable toolchain.

use std::fs;
use std::path::{Path, PathBuf};

use keyward_fuzz::mutate::{Numbers, mutate};
use keyward_fuzz::peer::secrets::{KeyExchange, Suite};
use keyward_fuzz::{TARGETS, Target};
use keyward_tls::EarlyDataStatus;
use keyward_wire::values::SignatureScheme;

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
    gokeyless,
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
        let (handshakes, negotiated) = match seed.target {
            "server" => keyward_fuzz::server::negotiates(&seed.bytes),
            "client" => keyward_fuzz::client::negotiates(&seed.bytes),
            _ => continue,
        };
        let named = |part: &str| seed.name.contains(part);
        let at = format!("{} {}", seed.target, seed.name);
        if partial.iter().any(|name| named(name)) {
            continue;
        }
        let negotiated = negotiated.unwrap_or_else(|| panic!("{at}: nothing negotiated"));
        let expected = if named("renegotiated") { 2 } else { 1 };
        assert!(handshakes >= expected, "{at}: {handshakes} handshakes");

        // And they lead to where they are named after.
        let suite = Suite::of(negotiated.cipher_suite).unwrap();
        let signer = negotiated.signature_scheme;
        let ours = negotiated.certificate.is_some();
        let client_signs = negotiated.client_signature_scheme.is_some();
        let dhe = suite.key_exchange == KeyExchange::Dhe;
        assert_eq!(dhe, named("dhe"), "{at}");
        assert!(!named("resumed") || negotiated.resumed, "{at}");
        assert!(!named("retry") || negotiated.hello_retry_request, "{at}");
        assert!(!named("client-certificate") || client_signs, "{at}");
        if named("rsa-key-transport") {
            assert_eq!(suite.key_exchange, KeyExchange::Rsa, "{at}");
        }
        if named("delegated") {
            assert_eq!(signer, Some(SignatureScheme::ED25519), "{at}");
            assert!(ours || seed.target == "client", "{at}");
        }
        if named("early-data-taken") || (named("early-data") && seed.target == "client") {
            assert_eq!(negotiated.early_data, EarlyDataStatus::Accepted, "{at}");
        }
    }
}

/// A type of `wire` that decodes and is no parser of the target would not be fuzzed.
#[test]
fn every_decoder_of_wire_is_a_parser_of_its_target() {
    let known: Vec<_> = keyward_fuzz::wire::PARSERS.iter().map(|it| it.0).collect();
    let mut decoders = 0;
    for file in files(&folder().join("../../crates/wire/src")) {
        let text = fs::read_to_string(&file).unwrap();
        let by_hand = text
            .lines()
            .filter_map(|line| line.strip_prefix("impl")?.split_once("Decode<"))
            .filter_map(|(_, rest)| rest.split_once(" for "));
        let blocks = text
            .split("extension_block! {")
            .skip(1)
            .filter_map(|block| block.split_once("pub struct "));
        for (_, name) in by_hand.chain(blocks) {
            let name = name.split([' ', '<', '{']).next().unwrap();
            decoders += 1;
            assert!(known.contains(&name), "{name} of {}", file.display());
        }
    }
    assert!(decoders > 25, "only {decoders} decoders were found");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
