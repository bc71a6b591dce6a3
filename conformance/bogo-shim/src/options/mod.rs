//! What a connection is to be like, by topic; each file has the flags of its topic.

mod credentials;
mod early_data;
mod expect;
mod needs;
mod negotiation;
mod peer;
mod run;
mod script;

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

pub(crate) use credentials::{Credential, Credentials};
pub(crate) use early_data::EarlyData;
pub(crate) use expect::Expect;
pub(crate) use needs::{Needs, Ocsp};
pub(crate) use negotiation::{Alpn, Negotiation, Renegotiation};
pub(crate) use peer::Peer;
pub(crate) use run::Run;
pub(crate) use script::Script;

use crate::failure::{Failure, unmet};
use crate::flags::Flag;

#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) run: Run,
    pub(crate) script: Script,
    pub(crate) negotiation: Negotiation,
    pub(crate) credentials: Credentials,
    pub(crate) needs: Needs,
    pub(crate) peer: Peer,
    pub(crate) early_data: EarlyData,
    pub(crate) expect: Expect,
}

impl Options {
    /// Whether what goes over the wire matters.
    pub(crate) fn wants_trace(&self) -> bool {
        self.expect.messages.is_some() || self.early_data.write_after.is_some()
    }
}

/// The flag of this name, if it is implemented.
pub(crate) fn flag(name: &str) -> Option<Flag> {
    run::flag(name)
        .or_else(|| script::flag(name))
        .or_else(|| negotiation::flag(name))
        .or_else(|| credentials::flag(name))
        .or_else(|| needs::flag(name))
        .or_else(|| peer::flag(name))
        .or_else(|| early_data::flag(name))
        .or_else(|| expect::flag(name))
}

/// A decimal number, or a hexadecimal one after `0x`.
fn number<T>(text: &str) -> Result<T, Failure>
where
    T: FromStr + TryFrom<u64>,
{
    let value = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16)
            .ok()
            .and_then(|value| T::try_from(value).ok()),
        None => text.parse().ok(),
    };
    value.ok_or_else(|| unmet(format!("{text} is not a number that fits")))
}

fn base64(text: &str) -> Result<Vec<u8>, Failure> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|error| unmet(format!("{text} is not base64: {error}")))
}
