//! The operations of each handshake, in parts.

use std::hint::black_box;

use keyward_bench::Result;
use keyward_crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN, TAG_LEN};
use keyward_crypto::hash::{Digest, HashAlgorithm};
use keyward_crypto::hkdf::{self, Secret};
use keyward_crypto::key_exchange::{Group, KeyPair, respond};
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_crypto::{hmac, prf};
use keyward_pki::KeyAlgorithm;

use crate::case::Case;

pub(crate) const SIGNATURE: &str = "signature";
pub(crate) const VERIFICATION: &str = "verification";

const KEY_EXCHANGE: &str = "key exchange";
const TRANSCRIPT: &str = "transcript";
const SCHEDULE: &str = "key schedule";
const RECORDS: &str = "records";
const TICKETS: &str = "tickets";
const RANDOMNESS: &str = "randomness";

/// The names of all parts, as the table has them.
pub(crate) const NAMES: [&str; 8] = [
    KEY_EXCHANGE,
    SIGNATURE,
    TRANSCRIPT,
    SCHEDULE,
    RECORDS,
    TICKETS,
    RANDOMNESS,
    VERIFICATION,
];

/// Operations that are measured together.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn Fn()>,
}

impl Part {
    fn new(name: &'static str, run: impl Fn() + 'static) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }
}

const HASH: HashAlgorithm = HashAlgorithm::Sha256;
const AEAD: AeadAlgorithm = AeadAlgorithm::Aes128Gcm;
const NONCE: [u8; NONCE_LEN] = [3; NONCE_LEN];

/// A session's state, about: secret, times, name.
const SESSION: usize = 110;
/// A ticket: key name, nonce, state, tag.
const TICKET: usize = 16 + NONCE_LEN + SESSION + TAG_LEN;

/// Lengths of a case's messages in bytes.
struct Lengths {
    client_hello: usize,
    server_hello: usize,
    certificate: usize,
    signature: usize,
}

impl Lengths {
    fn of(case: &Case) -> Result<Self> {
        let mut flight = Vec::new();
        for client in &case.clients()?[..1] {
            client.connect()?.send(&mut flight)?;
        }
        let share = match group(case)? {
            Group::X25519MlKem768 => 1120,
            _ => 32,
        };
        let chain = &case.issued.chain_der;
        Ok(Self {
            client_hello: flight.len() - 5,
            server_hello: 90 + share,
            certificate: 8 + chain.iter().map(|der| der.len() + 5).sum::<usize>(),
            signature: match case.algorithm {
                KeyAlgorithm::Rsa2048 => 256,
                _ => 72,
            },
        })
    }
}

fn group(case: &Case) -> Result<Group> {
    Ok(Group::from_code(u16::from(case.group)).ok_or("a group that Keyward has not")?)
}

pub(crate) fn tls13_full(case: &Case) -> Result<Vec<Part>> {
    let lengths = Lengths::of(case)?;
    let handshake_bytes = 6 + lengths.certificate + 8 + lengths.signature + 36;
    let mut parts = vec![
        key_exchange_tls13(case)?,
        Part::new(SCHEDULE, || {
            let shared = [5; 32];
            // The early secret without a PSK is a constant, and so is what follows from it.
            let derived = [6; 32];
            let handshake = hkdf::extract(HASH, &derived, &shared);
            tls13_from_handshake_secret(&handshake, 2);
        }),
        // EncryptedExtensions to Finished in one record, the client's Finished, the tickets.
        records(4, [handshake_bytes, 2 * (TICKET + 24)], 36 + 1),
        tickets(2, 0),
        randomness(1, 2),
        transcript(vec![
            vec![lengths.client_hello, lengths.server_hello],
            vec![6, lengths.certificate],
            vec![8 + lengths.signature],
            vec![36],
            vec![36],
        ]),
    ];
    parts.extend(signature(case, 64 + 33 + 1 + 32)?);
    Ok(parts)
}

pub(crate) fn tls13_resumed(case: &Case) -> Result<Vec<Part>> {
    let lengths = Lengths::of(case)?;
    let binders = 2 + 1 + 32;
    let hello = lengths.client_hello + 2 + 2 + 2 + TICKET + 4 + binders;
    Ok(vec![
        key_exchange_tls13(case)?,
        Part::new(SCHEDULE, || {
            let shared = [5; 32];
            let empty = HASH.digest(b"");
            let early = hkdf::extract(HASH, b"", &[7; 32]);
            let (binder, derived) = hkdf::expand(HASH, &early, |early| {
                (
                    early.secret(b"res binder", &empty),
                    early.secret(b"derived", &empty),
                )
            });
            let finished = hkdf::expand_label_secret(HASH, &binder, b"finished", b"");
            black_box(hmac::tag(HASH, finished.as_bytes(), &[&empty]));
            let handshake = hkdf::extract(HASH, derived.as_bytes(), &shared);
            tls13_from_handshake_secret(&handshake, 1);
        }),
        records(4, [6 + 36, TICKET + 24], 36 + 1),
        tickets(1, 1),
        randomness(1, 1),
        transcript(vec![
            vec![hello - binders],
            vec![binders, lengths.server_hello + 6],
            vec![6],
            vec![36],
            vec![36],
        ]),
    ])
}

pub(crate) fn tls12_full(case: &Case) -> Result<Vec<Part>> {
    let lengths = Lengths::of(case)?;
    let client = KeyPair::generate(group(case)?)?;
    let public = client.public().to_vec();
    let group = group(case)?;
    let mut parts = vec![
        Part::new(KEY_EXCHANGE, move || {
            let ours = KeyPair::generate(group).expect("there is randomness");
            black_box(ours.agree(&public).expect("the share is good"));
        }),
        Part::new(SCHEDULE, || {
            let digest = HASH.digest(b"");
            let (mut master, mut block) = ([0; 48], [0; 40]);
            prf::tls12(
                HASH,
                &[5; 32],
                b"extended master secret",
                &[&digest],
                &mut master,
            );
            tls12_from_master(&master, &mut block);
        }),
        records(2, [16, 0], 16),
        // Clients that do not resume take no ticket in TLS 1.2: their session has an ID.
        randomness(2, 0),
        transcript(vec![
            vec![
                lengths.client_hello,
                lengths.server_hello,
                lengths.certificate,
                44 + lengths.signature,
                4,
                37,
            ],
            vec![],
            vec![16],
        ]),
    ];
    parts.extend(signature(case, 32 + 32 + 36)?);
    Ok(parts)
}

pub(crate) fn tls12_resumed(case: &Case) -> Result<Vec<Part>> {
    let lengths = Lengths::of(case)?;
    Ok(vec![
        Part::new(SCHEDULE, || tls12_from_master(&[4; 48], &mut [0; 40])),
        records(2, [16, 0], 16),
        tickets(1, 1),
        randomness(1, 1),
        transcript(vec![
            vec![
                lengths.client_hello + TICKET,
                lengths.server_hello,
                TICKET + 10,
            ],
            vec![16],
        ]),
    ])
}

fn key_exchange_tls13(case: &Case) -> Result<Part> {
    let group = group(case)?;
    let share = KeyPair::generate(group)?.public().to_vec();
    Ok(Part::new(KEY_EXCHANGE, move || {
        black_box(respond(group, &share, &SystemRandom).expect("the share is good"));
    }))
}

/// The signature, and its verification.
fn signature(case: &Case, length: usize) -> Result<[Part; 2]> {
    let key = PrivateKey::from_der(case.issued.key_der.secret_der())?;
    let algorithm = match case.algorithm {
        KeyAlgorithm::Rsa2048 => SignatureAlgorithm::RsaPssSha256,
        _ => SignatureAlgorithm::EcdsaSha256,
    };
    let message = vec![b' '; length];
    let signature = key.sign(algorithm, &message)?;
    let public = key.public_key().clone();
    let signed = message.clone();
    Ok([
        Part::new(SIGNATURE, move || {
            black_box(key.sign(algorithm, &message).expect("the key signs so"));
        }),
        Part::new(VERIFICATION, move || {
            let verified = public.verify(algorithm, &signed, &signature);
            verified.expect("the signature is good");
        }),
    ])
}

/// The hash over messages of these lengths, with its value taken after each group.
fn transcript(groups: Vec<Vec<usize>>) -> Part {
    let bytes = vec![b'm'; 4096];
    Part::new(TRANSCRIPT, move || {
        let mut hash = HASH.start();
        for lengths in &groups {
            for length in lengths {
                hash.update(&bytes[..*length]);
            }
            black_box(hash.current());
        }
    })
}

/// From the handshake secret to the PSKs of `tickets` tickets, with both Finished.
fn tls13_from_handshake_secret(handshake: &Secret, tickets: u8) {
    let digest = Digest::clone(&HASH.digest(b""));
    let (client, server, derived) = hkdf::expand(HASH, handshake, |secret| {
        (
            secret.secret(b"c hs traffic", &digest),
            secret.secret(b"s hs traffic", &digest),
            secret.secret(b"derived", &digest),
        )
    });
    for traffic in [&client, &server] {
        let (mut key, mut iv, mut finished) = ([0; 16], [0; NONCE_LEN], [0; 32]);
        hkdf::expand(HASH, traffic, |secret| {
            secret.label(b"key", b"", &mut key);
            secret.label(b"iv", b"", &mut iv);
            secret.label(b"finished", b"", &mut finished);
        });
        black_box((key, iv, hmac::tag(HASH, &finished, &[&digest])));
    }
    let master = hkdf::extract(HASH, derived.as_bytes(), &[0; 32]);
    let (client, server, resumption) = hkdf::expand(HASH, &master, |secret| {
        (
            secret.secret(b"c ap traffic", &digest),
            secret.secret(b"s ap traffic", &digest),
            secret.secret(b"res master", &digest),
        )
    });
    for traffic in [&client, &server] {
        let (mut key, mut iv) = ([0; 16], [0; NONCE_LEN]);
        hkdf::expand(HASH, traffic, |secret| {
            secret.label(b"key", b"", &mut key);
            secret.label(b"iv", b"", &mut iv);
        });
        black_box((key, iv));
    }
    hkdf::expand(HASH, &resumption, |secret| {
        for nonce in 0..tickets {
            black_box(secret.secret(b"resumption", &[nonce]));
        }
    });
}

/// The key block, and both Finished.
fn tls12_from_master(master: &[u8; 48], block: &mut [u8; 40]) {
    let digest = HASH.digest(b"");
    let mut verify_data = [0; 12];
    prf::tls12(HASH, master, b"key expansion", &[&[1; 32], &[2; 32]], block);
    prf::tls12(
        HASH,
        master,
        b"client finished",
        &[&digest],
        &mut verify_data,
    );
    prf::tls12(
        HASH,
        master,
        b"server finished",
        &[&digest],
        &mut verify_data,
    );
    black_box((block, verify_data));
}

/// `keys` keys made ready; records with these lengths sealed, and one opened.
fn records(keys: usize, sealed: [usize; 2], opened: usize) -> Part {
    let plaintext = vec![b'r'; sealed.iter().copied().max().unwrap_or_default()];
    let mut record = vec![b'r'; opened];
    let key = AeadKey::new(AEAD, &[1; 16]).expect("the key is of the right length");
    let tag = key
        .seal(&NONCE, &[0; 5], &mut record)
        .expect("the record is short");
    record.extend_from_slice(&tag);
    let out = std::cell::RefCell::new(Vec::with_capacity(2 * plaintext.len() + 64));
    Part::new(RECORDS, move || {
        let new = || AeadKey::new(AEAD, &[1; 16]).expect("the key is of the right length");
        let keys: Vec<AeadKey> = (0..keys).map(|_| new()).collect();
        let mut out = out.borrow_mut();
        for length in sealed.into_iter().filter(|length| *length > 0) {
            out.clear();
            let sealed =
                keys[0].seal_append(&NONCE, &[0; 5], &plaintext[..length], &[22], &mut out);
            sealed.expect("the record is short");
        }
        out.clear();
        out.extend_from_slice(&record);
        black_box(keys[1].open(&NONCE, &[0; 5], &mut out).expect("it opens"));
    })
}

/// Tickets sealed with, and opened with, keys that stay.
fn tickets(sealed: usize, opened: usize) -> Part {
    let key = AeadKey::new(AeadAlgorithm::Aes256Gcm, &[1; 32]).expect("the key has 32 bytes");
    let mut ticket = [0; SESSION + TAG_LEN];
    let (state, place) = ticket.split_at_mut(SESSION);
    let tag = key.seal(&NONCE, &[0; 16], state).expect("a state is short");
    place.copy_from_slice(&tag);
    Part::new(TICKETS, move || {
        for _ in 0..sealed {
            let mut state = [0; SESSION];
            black_box(
                key.seal(&NONCE, &[0; 16], &mut state)
                    .expect("a state is short"),
            );
        }
        for _ in 0..opened {
            let mut ticket = ticket;
            black_box(key.open(&NONCE, &[0; 16], &mut ticket).expect("it opens"));
        }
    })
}

/// The randoms of ServerHellos, session IDs, and the nonces of tickets. Keys draw their own.
fn randomness(randoms: usize, nonces: usize) -> Part {
    Part::new(RANDOMNESS, move || {
        let draw = |buffer: &mut [u8]| SystemRandom.fill(buffer).expect("there is randomness");
        (0..randoms).for_each(|_| draw(&mut [0; 32]));
        (0..nonces).for_each(|_| draw(&mut [0; NONCE_LEN]));
    })
}
