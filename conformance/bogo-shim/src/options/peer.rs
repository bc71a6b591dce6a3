//! The peer's certificate: whether it is asked for, trusted, and what it should be.

use super::number;
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
}

impl Peer {
    /// Whether the peer's certificate is looked at, and found bad. A client that was not told to look
    /// takes any.
    pub(crate) fn rejects(&self) -> bool {
        self.fail && (self.verify || self.custom)
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
        _ => return None,
    })
}
