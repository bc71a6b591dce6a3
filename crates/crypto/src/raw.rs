//! AWS-LC's C interface: for what `aws-lc-rs` does not have, and for what a handshake or a record is made of, where that
//! crate's interface would cost an allocation or a copy each time. The only `unsafe` of Keyward.
//!
//! One type a file, each an owner of one of AWS-LC's objects whose safe methods keep its rules.

mod aead;
mod cbc_cipher;
mod dh;
mod digest;
mod hmac;
mod kdf;
mod private_key;
mod public_key;
mod scrypt;
mod tls_cbc;
mod wipe;
mod x25519;

pub(crate) use aead::AeadContext;
pub(crate) use cbc_cipher::{BLOCK_LEN, CbcCipher};
pub(crate) use dh::DhKey;
pub(crate) use digest::{DigestContext, digest};
pub(crate) use hmac::HmacContext;
pub(crate) use kdf::{hkdf_expand, tls12_prf};
pub(crate) use private_key::EvpPrivateKey;
pub(crate) use public_key::rsa_public_transform;
pub(crate) use scrypt::scrypt;
pub(crate) use tls_cbc::{HEADER_LEN, TlsCbc, TlsCbcAlgorithm};
pub(crate) use wipe::{Wiped, wipe};
pub(crate) use x25519::X25519Key;
