//! The peer's certificate: whether it is asked for, trusted, and what it should be.

use keyward_wire::values::SignatureScheme;

use super::{base64, number};
use crate::failure::{Failure, unmet};
use crate::flags::Flag::{self, Bare};
use crate::flags::value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// A server asks for a certificate; a client answers as `verification` says anyway.
    pub(crate) verify: bool,
    /// A server goes on with no client that has none.
    pub(crate) require: bool,
    /// Whoever looks at a certificate finds fault with it.
    fail: bool,
    /// A client looks at certificates too.
    custom: bool,
    pub(crate) expect_signature_scheme: Option<u16>,
    /// The chain that the peer should have presented.
    pub(crate) expect_file: Option<String>,
    pub(crate) expect_none: bool,
    /// A resumed session's certificate is looked at again.
    reverify: bool,
    /// The authorities that a server names, DER.
    pub(crate) authorities: Vec<Vec<u8>>,
    /// Of a server that asks for a certificate: the authorities that it names, DER.
    pub(crate) expect_authorities: Option<Vec<Vec<u8>>>,
    /// Of a TLS 1.2 server that asks for a certificate.
    pub(crate) expect_certificate_types: Option<Vec<u8>>,
    /// What the peer says that it verifies.
    pub(crate) expect_verify_schemes: Vec<SignatureScheme>,
}

impl Peer {
    /// Whether the peer's certificate is looked at, and found bad. A client that was not told to look
    /// takes any.
    pub(crate) fn rejects(&self) -> bool {
        self.fail && (self.verify || self.custom)
    }

    /// The same, of a session that is to be resumed.
    pub(crate) fn rejects_session(&self) -> bool {
        self.reverify && self.rejects()
    }
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    Some(match name {
        "-verify-peer" => Bare(|o| o.peer.verify = true),
        "-require-any-client-certificate" => Bare(|o| {
            o.peer.verify = true;
            o.peer.require = true;
        }),
        "-verify-fail" => Bare(|o| o.peer.fail = true),
        "-expect-peer-signature-algorithm" => {
            value!(o, v => o.peer.expect_signature_scheme = Some(number(v)?))
        }
        "-expect-peer-cert-file" => value!(o, v => o.peer.expect_file = Some(v.to_owned())),
        "-expect-no-peer-cert" => Bare(|o| o.peer.expect_none = true),
        "-use-custom-verify-callback" => Bare(|o| o.peer.custom = true),
        // There is no result beside the answer.
        "-expect-verify-result" => Bare(|_| {}),
        "-reverify-on-resume" => Bare(|o| o.peer.reverify = true),
        "-use-client-ca-list" => value!(o, v => o.peer.authorities = names(v)?),
        "-expect-client-ca-list" => {
            value!(o, v => o.peer.expect_authorities = Some(names(v)?))
        }
        "-expect-certificate-types" => {
            value!(o, v => o.peer.expect_certificate_types = Some(base64(v)?))
        }
        "-expect-peer-verify-pref" => {
            value!(o, v => o.peer.expect_verify_schemes.push(SignatureScheme(number(v)?)))
        }
        _ => return None,
    })
}

/// Distinguished names in hexadecimal, with commas between them. A list may be there and be empty, or not be
/// there, which comes to the same.
fn names(list: &str) -> Result<Vec<Vec<u8>>, Failure> {
    if matches!(list, "<NULL>" | "<EMPTY>") {
        return Ok(Vec::new());
    }
    let not_hexadecimal = || unmet(format!("{list} is not hexadecimal"));
    list.split(',')
        .map(|name| {
            (0..name.len())
                .step_by(2)
                .map(|at| {
                    let digits = name.get(at..at + 2).ok_or_else(not_hexadecimal)?;
                    u8::from_str_radix(digits, 16).map_err(|_| not_hexadecimal())
                })
                .collect()
        })
        .collect()
}
