//! No branch and no address depends on a secret, in the machine code that ships.
//!
//! `cargo test --release -p keyward-crypto --test constant_time` runs this program under Valgrind, which is told that the
//! secrets are undefined memory: it reports each jump and each address that depends on them (Langley's ctgrind). Without
//! optimisation `subtle` checks its own invariants by branches, so there is nothing to be tested then.

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hmac::HmacKey;
use keyward_crypto::rsa_kex::{padded_premaster, premaster};

/// What runs under Valgrind: its name, whether Valgrind must find fault with it, and what it does.
const CASES: [(&str, bool, fn()); 4] = [
    ("unpadding of an RSA block", false, unpadding),
    ("choice of an RSA block to hand out", false, padded_block),
    ("comparison of an HMAC tag", false, tag_comparison),
    // So that a silent Valgrind does not pass for a good result.
    ("comparison with an early exit", true, early_exit),
];

fn main() -> ExitCode {
    if cfg!(debug_assertions) || !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        println!("constant time: skipped, needs --release on Linux x86-64");
        return ExitCode::SUCCESS;
    }
    if let Some(name) = std::env::args().nth(1)
        && let Some((_, _, run)) = CASES.iter().find(|case| case.0 == name)
    {
        run();
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("constant time: skipped, needs valgrind");
        return ExitCode::SUCCESS;
    }
    let failures = CASES
        .iter()
        .filter(|(name, faulty, _)| finds_fault(name, *faulty) != *faulty);
    let failures: Vec<_> = failures.map(|(name, ..)| name).collect();
    if failures.is_empty() {
        println!("constant time: {} cases as expected", CASES.len());
        return ExitCode::SUCCESS;
    }
    println!("constant time: not as expected: {failures:?}");
    ExitCode::FAILURE
}

/// Valgrind's report is shown where none is `expected`.
fn finds_fault(name: &str, expected: bool) -> bool {
    const FAULT: i32 = 99;
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new("valgrind")
        .args(["--quiet", "--error-exitcode=99"])
        .arg(program)
        .arg(name)
        .stderr(if expected {
            Stdio::null()
        } else {
            Stdio::inherit()
        })
        .status()
        .expect("valgrind runs");
    assert!(matches!(status.code(), Some(0 | FAULT)), "{name}: {status}");
    status.code() == Some(FAULT)
}

fn unpadding() {
    let mut block = [0xee; 256];
    block[..2].copy_from_slice(&[0, 2]);
    block[256 - 49..256 - 45].copy_from_slice(&[0, 3, 3, 7]);
    let mut substitute = [0x5a; 48];
    make_secret(&mut block);
    make_secret(&mut substitute);
    black_box(&*premaster(
        black_box(&block),
        0x0303,
        black_box(&substitute),
    ));
}

fn padded_block() {
    let mut block = [0xee; 256];
    block[..2].copy_from_slice(&[0, 2]);
    block[256 - 49..256 - 45].copy_from_slice(&[0, 3, 3, 7]);
    let mut substitute = [0x5a; 256];
    make_secret(&mut block);
    make_secret(&mut substitute);
    black_box(&*padded_premaster(
        black_box(&block),
        black_box(&substitute),
    ));
}

fn tag_comparison() {
    let key = HmacKey::new(HashAlgorithm::Sha256, b"key");
    let mut tag = [0; 32];
    tag.copy_from_slice(&key.sign(&[b"message"]));
    make_secret(&mut tag);
    black_box(key.verify(&[b"message"], black_box(&tag)));
}

fn early_exit() {
    let mut block = [0xee; 256];
    make_secret(&mut block);
    black_box(black_box(&block).iter().position(|byte| *byte == 0));
}

/// Tells Valgrind that these bytes are undefined; their values stay.
fn make_secret(bytes: &mut [u8]) {
    /// `VALGRIND_MAKE_MEM_UNDEFINED` (memcheck.h).
    const MAKE_MEM_UNDEFINED: u64 = 0x4d43_0001;
    let request = [
        MAKE_MEM_UNDEFINED,
        bytes.as_mut_ptr() as u64,
        bytes.len() as u64,
        0,
        0,
        0,
    ];
    #[cfg(target_arch = "x86_64")]
    // SAFETY: Valgrind's "special instruction preamble" for amd64 (valgrind.h): the rotations of rdi add up to 128 bits, and
    // exchanging rbx with itself does nothing. Valgrind reads the request at rax, and answers in rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") 0_u64 => _,
        );
    }
    black_box((request, bytes));
}
