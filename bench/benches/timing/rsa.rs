//! RSA key transport: what the time of unpadding, and of the whole operation, tells of the padding.

use std::hint::black_box;

use keyward_bench::{Result, SERVER_NAME};
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::rsa_kex::{PREMASTER_LEN, premaster};
use keyward_keyop::testing::Handshake;
use keyward_keyop::{KeyId, KeyRules, Operation};
use keyward_pki::{Authority, KeyAlgorithm};
use num_bigint::BigUint;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::sampling::{Coin, Subject};
use crate::{Case, Expected, leaky};

/// RSA-2048.
const LEN: usize = 256;
const VERSION: u16 = 0x0303;
/// How many inputs a class has.
const INPUTS: usize = 64;

/// How a block is made: `true` for a well-formed one.
type Block = fn(&mut Coin) -> Vec<u8>;

pub(crate) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let classes: [(&str, Block); 8] = [
        ("block type 1", |coin| changed(coin, 1, 1)),
        ("a zero early in the padding", |coin| changed(coin, 10, 0)),
        ("a zero late in the padding", |coin| {
            changed(coin, LEN - 50, 0)
        }),
        ("no separator", |coin| changed(coin, LEN - 49, 0x5a)),
        ("47 bytes", |coin| well_formed(coin, 47)),
        ("no bytes", |coin| well_formed(coin, 0)),
        ("version 2.3", |coin| changed(coin, LEN - 48, 2)),
        ("well-formed", good),
    ];
    for (name, class) in classes {
        cases.push(Case {
            name: format!("RSA unpadding: well-formed, {name}"),
            expected: Expected::Same,
            pairs: 100_000,
            subject: Box::new(Unpadding {
                block: vec![0; LEN],
                unpad: |block| {
                    black_box(&*premaster(block, VERSION, &[0x5a; PREMASTER_LEN]));
                },
            }),
            classes: [inputs(good), inputs(class)],
        });
    }
    for (name, class) in [classes[0], classes[2]] {
        cases.push(Case {
            name: format!("control, RSA unpadding with early exits: well-formed, {name}"),
            expected: Expected::Different,
            pairs: 100_000,
            subject: Box::new(Unpadding {
                block: vec![0; LEN],
                unpad: |block| {
                    black_box(leaky::unpad(block, VERSION));
                },
            }),
            classes: [inputs(good), inputs(class)],
        });
    }
    cases.extend(whole_operations(&classes)?);
    Ok(cases)
}

/// The whole of `Tls12RsaMasterSecret`: checks, decryption, unpadding, the master secret.
fn whole_operations(classes: &[(&str, Block)]) -> Result<Vec<Case>> {
    let issued = Authority::new("bench")?.issue_server(&[SERVER_NAME], KeyAlgorithm::Rsa2048)?;
    let key = || -> Result<PrivateKey> { Ok(PrivateKey::from_der(issued.key_der.secret_der())?) };
    let public = RsaPublic::of(&key()?)?;
    let encrypted = |class: Block| -> Vec<Vec<u8>> {
        inputs(class)
            .iter()
            .map(|block| public.encrypt(block))
            .collect()
    };
    let mut cases = Vec::new();
    for (name, class) in classes {
        cases.push(Case {
            name: format!("RSA master secret: well-formed, {name}"),
            expected: Expected::Same,
            pairs: 15_000,
            subject: Box::new(MasterSecret {
                key: key()?,
                certificate: issued.chain_der[0].to_vec(),
                operation: None,
            }),
            classes: [encrypted(good), encrypted(*class)],
        });
    }
    let (name, class) = classes[0];
    cases.push(Case {
        name: format!("control, RSA decryption that unpads with early exits: well-formed, {name}"),
        expected: Expected::Different,
        pairs: 15_000,
        subject: Box::new(leaky::Decryption::new(key()?)),
        classes: [encrypted(good), encrypted(class)],
    });
    Ok(cases)
}

struct Unpadding {
    block: Vec<u8>,
    unpad: fn(&[u8]),
}

impl Subject for Unpadding {
    fn prepare(&mut self, input: &[u8]) -> Result<()> {
        self.block.copy_from_slice(input);
        Ok(())
    }

    fn run(&mut self) {
        (self.unpad)(black_box(&self.block));
    }
}

struct MasterSecret {
    key: PrivateKey,
    certificate: Vec<u8>,
    operation: Option<Operation>,
}

impl Subject for MasterSecret {
    fn prepare(&mut self, input: &[u8]) -> Result<()> {
        let handshake = Handshake {
            key: KeyId::of_public_key(self.key.public_key()),
            certificate: &self.certificate,
            server_name: Some(SERVER_NAME),
        };
        self.operation = Some(handshake.tls12_rsa(input.to_vec()));
        Ok(())
    }

    fn run(&mut self) {
        let rules = KeyRules {
            rsa_decryption: true,
            ..KeyRules::signing(self.key.public_key())
        };
        let operation = self.operation.as_ref().expect("it is prepared");
        let checked = operation.check(&rules).expect("it passes every check");
        black_box(checked.perform(&self.key)).expect("a master secret never fails");
    }
}

fn inputs(block: Block) -> Vec<Vec<u8>> {
    let mut coin = Coin(0x1234_5678_9abc_def1);
    (0..INPUTS).map(|_| block(&mut coin)).collect()
}

fn good(coin: &mut Coin) -> Vec<u8> {
    well_formed(coin, PREMASTER_LEN)
}

/// `00 02 nonzero… 00 message`, the message being of this length and beginning with the version.
fn well_formed(coin: &mut Coin, message_len: usize) -> Vec<u8> {
    let mut block: Vec<u8> = (0..LEN).map(|_| coin.next().to_le_bytes()[0] | 1).collect();
    block[..2].copy_from_slice(&[0, 2]);
    block[LEN - message_len - 1] = 0;
    for (byte, version) in block[LEN - message_len..]
        .iter_mut()
        .zip(VERSION.to_be_bytes())
    {
        *byte = version;
    }
    block
}

fn changed(coin: &mut Coin, at: usize, value: u8) -> Vec<u8> {
    let mut block = good(coin);
    block[at] = value;
    block
}

/// RSA without padding, as no library offers it.
struct RsaPublic {
    modulus: BigUint,
    exponent: BigUint,
}

impl RsaPublic {
    fn of(key: &PrivateKey) -> Result<Self> {
        let (_, spki) = SubjectPublicKeyInfo::from_der(key.public_key().spki_der())?;
        match spki.parsed()? {
            PublicKey::RSA(key) => Ok(Self {
                modulus: BigUint::from_bytes_be(key.modulus),
                exponent: BigUint::from_bytes_be(key.exponent),
            }),
            _ => Err("no RSA key".into()),
        }
    }

    fn encrypt(&self, block: &[u8]) -> Vec<u8> {
        let digits = BigUint::from_bytes_be(block)
            .modpow(&self.exponent, &self.modulus)
            .to_bytes_be();
        let mut ciphertext = vec![0; LEN - digits.len()];
        ciphertext.extend(digits);
        ciphertext
    }
}
