//! 0-RTT.

use keyward_wire::values::HandshakeType;

use super::number;
use crate::flags::Flag::{self, Bare};
use crate::flags::value;
use crate::options::Options;

#[derive(Clone, Debug, Default)]
pub(crate) struct EarlyData {
    pub(crate) enabled: bool,
    /// What is expected to become of it.
    pub(crate) expect_accept: bool,
    pub(crate) expect_reject: bool,
    /// On a client: nothing is offered.
    pub(crate) expect_no_offer: bool,
    /// On a client: the session that it got allows it.
    pub(crate) expect_ticket: bool,
    /// What BoringSSL calls the outcome.
    pub(crate) expect_reason: Option<String>,
    /// On a client: it is sent only when this handshake message has come.
    pub(crate) write_after: Option<HandshakeType>,
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    fn early_data(options: &mut Options) -> &mut EarlyData {
        &mut options.early_data
    }
    Some(match name {
        "-enable-early-data" => Bare(|o| early_data(o).enabled = true),
        "-expect-accept-early-data" => Bare(|o| early_data(o).expect_accept = true),
        "-expect-reject-early-data" => Bare(|o| early_data(o).expect_reject = true),
        "-expect-no-offer-early-data" => Bare(|o| early_data(o).expect_no_offer = true),
        "-expect-ticket-supports-early-data" => Bare(|o| early_data(o).expect_ticket = true),
        "-expect-early-data-reason" => {
            value!(o, v => early_data(o).expect_reason = Some(v.to_owned()))
        }
        "-early-write-after-message" => {
            value!(o, v => early_data(o).write_after = Some(HandshakeType(number(v)?)))
        }
        _ => return None,
    })
}
