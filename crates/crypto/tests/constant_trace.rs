//! Opening a CBC record takes the same instructions and touches the same memory, whatever its padding and MAC are.
//!
//! `cargo test --release -p keyward-crypto --test constant_trace` runs this program under Valgrind's `lackey`, which writes
//! down the address of each instruction and of each access to memory, and compares the traces for different secrets. The test
//! `constant_time` asks less of a program, that no address *depends* on a secret, but cannot see that one which has a
//! secret added and taken away again does not: compilers count loops in AWS-LC's `EVP_tls_cbc_remove_padding` and
//! `EVP_tls_cbc_copy_mac` that way.

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use keyward_crypto::cbc::{CbcAlgorithm, CbcKey, Direction, HEADER_LEN, IV_LEN, MacOrder};
use keyward_crypto::hmac::HmacKey;

/// What is inside a record: plaintext, MAC, padding.
const INSIDE: usize = 320;
const HEADER: [u8; HEADER_LEN] = [0, 0, 0, 0, 0, 0, 0, 1, 23, 3, 3];
const MAC_KEY: [u8; 48] = [0x11; 48];
const KEY: [u8; 32] = [0x22; 32];

/// Stored to in front of what is traced and behind it.
static MARK: AtomicU32 = AtomicU32::new(0);

/// What a record is like: the padding's length, and what is wrong with it.
#[derive(Clone, Copy, Debug)]
struct Secret {
    padding_len: u8,
    /// Added to one byte of the padding, or of the MAC.
    padding_fault: u8,
    mac_fault: u8,
}

/// All refused, so that the verdict, which is public, is the same.
const SECRETS: [(u8, u8, u8); 9] = [
    (0, 0, 1),
    (1, 0, 1),
    (15, 0, 1),
    (16, 0, 1),
    (100, 0, 1),
    (255, 0, 1),
    (63, 1, 0),
    (255, 1, 0),
    (255, 1, 1),
];

fn main() -> ExitCode {
    if let [_, algorithm, secret] = &std::env::args().collect::<Vec<_>>()[..]
        && let (Ok(algorithm), Ok(secret)) = (algorithm.parse(), secret.parse())
    {
        traced(algorithm, secret);
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) || !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        println!("constant trace: skipped, needs --release on Linux x86-64");
        return ExitCode::SUCCESS;
    }
    let version = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if version.is_err() {
        println!("constant trace: skipped, needs valgrind");
        return ExitCode::SUCCESS;
    }
    let mut failures = 0;
    for index in 0..=CbcAlgorithm::ALL.len() {
        let traces: Vec<_> = (0..SECRETS.len())
            .map(|secret| trace(index, secret))
            .collect();
        let different: Vec<_> = (1..traces.len())
            .filter(|i| traces[*i] != traces[0])
            .collect();
        // The last is the control, which looks at the padding as nobody should.
        let is_control = index == CbcAlgorithm::ALL.len();
        if different.is_empty() == is_control {
            let name = CbcAlgorithm::ALL.get(index);
            println!("constant trace: {name:?}: secrets {different:?} differ from the first");
            failures += 1;
        }
    }
    println!(
        "constant trace: {failures} of {} not as expected",
        CbcAlgorithm::ALL.len() + 1
    );
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The instructions and accesses to memory between the two marks, by their addresses.
fn trace(algorithm: usize, secret: usize) -> Vec<String> {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes"])
        .arg(program)
        .args([algorithm.to_string(), secret.to_string()])
        .output()
        .expect("valgrind runs");
    assert!(output.status.success(), "{}", output.status);
    let mark = String::from_utf8(output.stdout).expect("it prints an address");
    // Such as ` S 0012a3b4,4`: a store of four bytes.
    let mark = format!(" S {},4", mark.trim());
    let log = String::from_utf8_lossy(&output.stderr);
    let mut lines = log.lines().skip_while(|line| *line != mark).skip(1);
    let traced: Vec<_> = lines
        .by_ref()
        .take_while(|line| *line != mark)
        .map(str::to_owned)
        .collect();
    assert!(!traced.is_empty(), "nothing between the marks");
    traced
}

/// What runs under Valgrind. Everything before the mark is the same for every secret, but for the bytes themselves.
fn traced(index: usize, secret: usize) {
    let address = format!("{:08x}", MARK.as_ptr() as usize);
    println!("{address}");
    let (padding_len, padding_fault, mac_fault) = SECRETS[secret];
    let secret = Secret {
        padding_len,
        padding_fault,
        mac_fault,
    };
    let Some(algorithm) = CbcAlgorithm::ALL.get(index).copied() else {
        let inside = inside(CbcAlgorithm::Aes128Sha1, secret);
        MARK.store(1, Ordering::Release);
        let good = black_box(by_hand(black_box(&inside)));
        MARK.store(2, Ordering::Release);
        assert!(!good);
        return;
    };
    let mut sealer = key(algorithm, MacOrder::EncryptThenMac, Direction::Seal);
    let mut body = Vec::with_capacity(1024);
    sealer
        .seal(
            &HEADER,
            &[0x33; IV_LEN],
            &inside(algorithm, secret),
            &mut body,
        )
        .expect("it is short");
    // A key that puts the MAC outside leaves what is inside to us.
    body.truncate(IV_LEN + INSIDE);
    let mut opener = key(algorithm, MacOrder::MacThenEncrypt, Direction::Open);
    MARK.store(1, Ordering::Release);
    let good = black_box(opener.open(&HEADER, black_box(&mut body))).is_ok();
    MARK.store(2, Ordering::Release);
    assert!(!good);
}

fn key(algorithm: CbcAlgorithm, order: MacOrder, direction: Direction) -> CbcKey {
    let mac_key = &MAC_KEY[..algorithm.mac_len()];
    let key = &KEY[..algorithm.key_len()];
    CbcKey::new(algorithm, order, direction, mac_key, key).expect("the keys have their lengths")
}

/// All of one length, whatever the padding's.
fn inside(algorithm: CbcAlgorithm, secret: Secret) -> Vec<u8> {
    let padding = usize::from(secret.padding_len) + 1;
    let plaintext_len = INSIDE - padding - algorithm.mac_len();
    // One allocation of one size, so that what comes later lies in the same places.
    let mut inside = Vec::with_capacity(1024);
    inside.resize(plaintext_len, 0x5a);
    let length = u16::try_from(plaintext_len)
        .expect("a record is short")
        .to_be_bytes();
    let mac = HmacKey::new(algorithm.mac_hash(), &MAC_KEY[..algorithm.mac_len()]);
    let mac = mac.sign(&[&HEADER, &length, &inside]);
    inside.extend_from_slice(&mac);
    inside[plaintext_len + 3] ^= secret.mac_fault;
    inside.resize(INSIDE, secret.padding_len);
    inside[INSIDE - padding] ^= secret.padding_fault;
    inside
}

/// Looks at the padding byte by byte, until one is wrong, and then at everything in front.
#[inline(never)]
fn by_hand(inside: &[u8]) -> bool {
    let (value, _) = inside.split_last().expect("it is not empty");
    let (content, padding) = inside.split_at(inside.len() - usize::from(*value) - 1);
    padding.iter().all(|byte| byte == value)
        && (0..20).all(|_| black_box(content).iter().sum::<u8>() == 1)
}
