//! AWS-LC's C interface, for what `aws-lc-rs` does not have. The only `unsafe` of Keyward.
//!
//! One type a file, each an owner of one of AWS-LC's objects whose safe methods keep its rules.

mod dh;
mod private_key;

pub(crate) use dh::DhKey;
pub(crate) use private_key::EvpPrivateKey;
