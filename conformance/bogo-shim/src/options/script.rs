//! What is sent, read and closed, and when.

use super::number;
use crate::flags::Flag::{self, Bare};
use crate::flags::value;
use crate::options::Options;

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) writes_first: bool,
    pub(crate) initial_write: Vec<u8>,
    pub(crate) repeat_initial_write: usize,
    /// Read while a record is half written.
    pub(crate) read_with_unfinished_write: bool,
    pub(crate) write_different_record_sizes: bool,
    /// At most so many bytes are read at once.
    pub(crate) read_size: usize,
    pub(crate) peek_then_read: bool,
    pub(crate) shuts_down: bool,
    pub(crate) check_close_notify: bool,
    pub(crate) send_alert: bool,
    /// KeyUpdate before each write.
    pub(crate) key_update: bool,
    pub(crate) key_update_before_read: bool,
    pub(crate) export: Option<Export>,
    /// The secrets of both directions are sent to the runner.
    pub(crate) export_traffic_secrets: bool,
    /// The longest record that is sent.
    pub(crate) max_sent_record: Option<u16>,
}

/// Keying material that is exported, and sent to the runner.
#[derive(Clone, Debug, Default)]
pub(crate) struct Export {
    /// In bytes.
    pub(crate) length: usize,
    pub(crate) label: Vec<u8>,
    pub(crate) context: Vec<u8>,
    pub(crate) with_context: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            writes_first: false,
            initial_write: b"hello".to_vec(),
            repeat_initial_write: 1,
            read_with_unfinished_write: false,
            write_different_record_sizes: false,
            // So that records take several reads.
            read_size: 512,
            peek_then_read: false,
            shuts_down: false,
            check_close_notify: false,
            send_alert: false,
            key_update: false,
            key_update_before_read: false,
            export: None,
            export_traffic_secrets: false,
            max_sent_record: None,
        }
    }
}

impl Script {
    /// The writes that come first, without the bytes that were sent early.
    pub(crate) fn initial_write_left(&self, mut sent: usize) -> Vec<Vec<u8>> {
        let writes = std::iter::repeat_n(&self.initial_write, self.repeat_initial_write);
        writes
            .filter_map(|write| {
                let skipped = sent.min(write.len());
                sent -= skipped;
                Some(write[skipped..].to_vec()).filter(|left| !left.is_empty())
            })
            .collect()
    }
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    fn export(options: &mut Options) -> &mut Export {
        options.script.export.get_or_insert_default()
    }
    Some(match name {
        "-export-keying-material" => value!(o, v => export(o).length = number(v)?),
        "-export-label" => value!(o, v => export(o).label = v.as_bytes().to_vec()),
        "-export-context" => value!(o, v => export(o).context = v.as_bytes().to_vec()),
        "-use-export-context" => Bare(|o| export(o).with_context = true),
        "-export-traffic-secrets" => Bare(|o| o.script.export_traffic_secrets = true),
        "-max-send-fragment" => value!(o, v => o.script.max_sent_record = Some(number(v)?)),
        "-shim-writes-first" => Bare(|o| o.script.writes_first = true),
        "-shim-initial-write" => value!(o, v => o.script.initial_write = v.as_bytes().to_vec()),
        "-repeat-shim-initial-write" => {
            value!(o, v => o.script.repeat_initial_write = number(v)?)
        }
        "-read-with-unfinished-write" => Bare(|o| o.script.read_with_unfinished_write = true),
        "-write-different-record-sizes" => Bare(|o| o.script.write_different_record_sizes = true),
        "-read-size" => value!(o, v => o.script.read_size = number(v)?),
        "-peek-then-read" => Bare(|o| o.script.peek_then_read = true),
        "-shim-shuts-down" => Bare(|o| o.script.shuts_down = true),
        "-check-close-notify" => Bare(|o| o.script.check_close_notify = true),
        "-send-alert" => Bare(|o| o.script.send_alert = true),
        "-key-update" => Bare(|o| o.script.key_update = true),
        "-key-update-before-read" => Bare(|o| o.script.key_update_before_read = true),
        // How the engine is used anyway: `send` may take a part, `step` goes on with the handshake
        // whoever calls it, and once that is done has nothing to go on with.
        "-partial-write"
        | "-implicit-handshake"
        | "-no-op-extra-handshake"
        | "-handshake-twice" => Bare(|_| {}),
        _ => return None,
    })
}
