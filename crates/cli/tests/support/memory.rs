//! Looking for a private key's numbers in the memory of a process.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;

use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

/// A secret number of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Secret {
    /// Such as `rsa p`.
    pub(crate) name: String,
    /// Big-endian, without leading zeros.
    pub(crate) bytes: Vec<u8>,
}

/// The secret numbers of a PKCS#8 key: RSA d, p, q, dp, dq, qinv, or the scalar of an elliptic
/// curve.
pub(crate) fn secrets(label: &str, pem: &str) -> Vec<Secret> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    // PrivateKeyInfo (RFC 5958): version, algorithm, OCTET STRING.
    let info = children(tlv(key.secret_pkcs8_der()).1);
    let inner = children(tlv(info[2].1).1);
    let is_rsa = inner.len() >= 9;
    let named: Vec<(&str, &[u8])> = match is_rsa {
        // RSAPrivateKey (RFC 8017 A.1.2): version, n, e, d, p, q, dP, dQ, qInv.
        true => ["d", "p", "q", "dp", "dq", "qinv"]
            .into_iter()
            .zip(inner[3..9].iter().map(|(_, content)| *content))
            .collect(),
        // ECPrivateKey (RFC 5915): version, privateKey.
        false => vec![("scalar", inner[1].1)],
    };
    named
        .into_iter()
        .map(|(name, content)| {
            let zeros = content.iter().take_while(|byte| **byte == 0).count();
            Secret {
                name: format!("{label} {name}"),
                bytes: content[zeros..].to_vec(),
            }
        })
        .collect()
}

/// Tag and content of the first DER value, and what follows it.
fn tlv(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, start) = match der[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let count = usize::from(long & 0x7f);
            let length = der[2..2 + count]
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, 2 + count)
        }
    };
    (der[0], &der[start..start + length], &der[start + length..])
}

fn children(mut content: &[u8]) -> Vec<(u8, &[u8])> {
    let mut all = Vec::new();
    while !content.is_empty() {
        let (tag, inner, rest) = tlv(content);
        all.push((tag, inner));
        content = rest;
    }
    all
}

/// Which of the secrets are in the readable memory of the process, in either byte order. Half of a
/// number counts as the number: a copy that was overwritten in part is still a leak.
///
/// # Errors
///
/// If this user may not read the memory of that process.
pub(crate) fn find(pid: u32, secrets: &[Secret]) -> io::Result<Vec<String>> {
    let needles = Needles::new(secrets);
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let maps = BufReader::new(File::open(format!("/proc/{pid}/maps"))?);
    let mut found = Vec::new();
    let mut read_any = false;
    for line in maps.lines() {
        let line = line?;
        let (range, rest) = line.split_once(' ').unwrap();
        // The kernel's own pages cannot be read through /proc/PID/mem.
        if !rest.starts_with('r') || line.contains("[vvar") || line.contains("[vsyscall]") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let start = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        read_any |= needles.search(&memory, start, end, &mut found)?;
    }
    assert!(read_any, "no memory could be read");
    found.sort();
    found.dedup();
    Ok(found)
}

const CHUNK: usize = 1 << 20;

struct Needles {
    by_prefix: HashMap<[u8; 8], Vec<(String, Vec<u8>)>>,
    /// Which first two bytes any needle has: most places are dismissed by it.
    first_two: Vec<bool>,
    longest: usize,
}

impl Needles {
    fn new(secrets: &[Secret]) -> Self {
        let mut needles = Self {
            by_prefix: HashMap::new(),
            first_two: vec![false; 1 << 16],
            longest: 0,
        };
        for secret in secrets {
            let mut reversed = secret.bytes.clone();
            reversed.reverse();
            for bytes in [&secret.bytes, &reversed] {
                let (front, back) = bytes.split_at(bytes.len() / 2);
                needles.add(&secret.name, front);
                needles.add(&secret.name, back);
            }
        }
        needles
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        assert!(bytes.len() >= 15, "{name} is too short to search for");
        let prefix = bytes[..8].try_into().unwrap();
        let entry = self.by_prefix.entry(prefix).or_default();
        entry.push((name.to_owned(), bytes.to_vec()));
        self.first_two[index(bytes)] = true;
        self.longest = self.longest.max(bytes.len());
    }

    /// Searches from `start` to `end`; false if nothing of it could be read.
    fn search(
        &self,
        memory: &File,
        start: u64,
        end: u64,
        found: &mut Vec<String>,
    ) -> io::Result<bool> {
        let mut buffer = vec![0; CHUNK + self.longest];
        let mut at = start;
        let mut read_any = false;
        while at < end {
            let want = usize::try_from(end - at).unwrap().min(buffer.len());
            let got = match memory.read_at(&mut buffer[..want], at) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
                // Unmapped meanwhile, or a page of a device.
                Err(_) => break,
            };
            read_any = true;
            self.search_chunk(&buffer[..got], found);
            if at + got as u64 >= end {
                break;
            }
            // The next chunk begins within this one, so that nothing is cut in two.
            at += (got.saturating_sub(self.longest).max(1)) as u64;
        }
        Ok(read_any)
    }

    fn search_chunk(&self, chunk: &[u8], found: &mut Vec<String>) {
        for (at, window) in chunk.windows(8).enumerate() {
            if !self.first_two[index(window)] {
                continue;
            }
            let Some(candidates) = self.by_prefix.get(window) else {
                continue;
            };
            for (name, bytes) in candidates {
                if chunk[at..].starts_with(bytes) {
                    found.push(name.clone());
                }
            }
        }
    }
}

fn index(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// Whether this test may look into the memory of its children. Where it may not, says so in one
/// line, and fails if `CI=true`.
pub(crate) fn may_read(pid: u32) -> bool {
    match File::open(format!("/proc/{pid}/mem")).and_then(|_| find(pid, &[])) {
        Ok(_) => true,
        Err(error) => {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "cannot read another process's memory: {error}"
            );
            println!("skipped: cannot read another process's memory here: {error}");
            false
        }
    }
}
