//! From a message to what is to be done, or to the error that the protocol has for it.

use keyward_crypto::signature::{KeyKind, SignatureAlgorithm};
use keyward_keyop::{RawDigest, RawOperation, RawRsaDecryption};
use keyward_protocol::gokeyless::{ErrorCode, Opcode, Request, SKI_LEN};

use super::keys::KeysBySki;
use crate::store::KeySet;

/// What a request comes to before anybody is asked whether it may.
#[derive(Debug)]
pub(super) enum Asked {
    /// To be echoed.
    Ping(Vec<u8>),
    Operation(RawOperation),
    /// Not to be had from anybody.
    Error(ErrorCode, &'static str),
}

/// Reads a request. The order in which things are found wrong is the protocol's.
pub(super) fn read(request: Request, by_ski: &KeysBySki, keys: &KeySet) -> Asked {
    let Some(opcode) = Opcode::from_number(request.opcode) else {
        return Asked::Error(ErrorCode::BadOpcode, "no opcode, or one that is not known");
    };
    if opcode == Opcode::Ping {
        return Asked::Ping(request.payload);
    }
    if opcode.is_reply() {
        return Asked::Error(ErrorCode::UnexpectedOpcode, "the opcode of a reply");
    }
    let Some(ski) = request.ski.filter(|ski| *ski != [0; SKI_LEN]) else {
        return Asked::Error(ErrorCode::Internal, "no subject key identifier");
    };
    let Some(key) = by_ski.find(keys, &ski) else {
        return Asked::Error(ErrorCode::KeyNotFound, "there is no such key");
    };
    let kind = key.public_key().kind();
    let is_rsa = matches!(kind, KeyKind::Rsa { .. });
    let (key, payload) = (key.id(), request.payload);
    if opcode == Opcode::RsaDecrypt {
        return match is_rsa {
            true => Asked::Operation(RawOperation::RsaDecryption(RawRsaDecryption {
                key,
                ciphertext: payload,
            })),
            false => Asked::Error(ErrorCode::Cryptography, "only RSA keys decrypt"),
        };
    }
    let Some(algorithm) = opcode.algorithm() else {
        return Asked::Error(
            ErrorCode::Cryptography,
            "nothing is signed with MD5, SHA-1 or SHA-224",
        );
    };
    let algorithm = for_kind(algorithm, kind);
    // The original lets an Ed25519 opcode reach an RSA key.
    if !kind.supports(algorithm) {
        return Asked::Error(
            ErrorCode::Cryptography,
            "the opcode is for another kind of key",
        );
    }
    Asked::Operation(RawOperation::Digest(RawDigest {
        key,
        algorithm,
        digest: payload,
    }))
}

/// An RSA key for PSS alone signs by the same opcodes.
fn for_kind(algorithm: SignatureAlgorithm, kind: KeyKind) -> SignatureAlgorithm {
    match (algorithm, kind) {
        (SignatureAlgorithm::RsaPssSha256, KeyKind::RsaPss { .. }) => {
            SignatureAlgorithm::RsaPssPssSha256
        }
        (SignatureAlgorithm::RsaPssSha384, KeyKind::RsaPss { .. }) => {
            SignatureAlgorithm::RsaPssPssSha384
        }
        (SignatureAlgorithm::RsaPssSha512, KeyKind::RsaPss { .. }) => {
            SignatureAlgorithm::RsaPssPssSha512
        }
        _ => algorithm,
    }
}
