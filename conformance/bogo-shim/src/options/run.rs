//! What is for the process as a whole.

use super::number;
use crate::flags::Flag::{self, Bare};
use crate::flags::value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) port: u16,
    pub(crate) ipv6: bool,
    pub(crate) is_server: bool,
    /// Tells the runner which test connects.
    pub(crate) shim_id: u64,
    /// Needs are answered late, and bytes come one by one.
    pub(crate) is_async: bool,
    /// Connections after the first.
    pub(crate) resume_count: u32,
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    Some(match name {
        "-port" => value!(o, v => o.run.port = number(v)?),
        "-shim-id" => value!(o, v => o.run.shim_id = number(v)?),
        "-ipv6" => Bare(|o| o.run.ipv6 = true),
        "-server" => Bare(|o| o.run.is_server = true),
        "-async" => Bare(|o| o.run.is_async = true),
        "-resume-count" => value!(o, v => o.run.resume_count = number(v)?),
        _ => return None,
    })
}
