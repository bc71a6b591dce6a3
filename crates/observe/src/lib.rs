//! What happens, for people and for programs that watch: the record of a handshake and its drawing, metrics, and the address
//! on which a process is looked at.
//!
//! # Handshakes
//!
//! An edge fills in a [`HandshakeRecord`] for each handshake: who sent which messages when, and
//! how long each answer that the engine waited for took. [`draw`] shows it as a sequence between
//! client, edge and key server:
//!
//! ```
//! use keyward_observe::{DrawOptions, Event, HandshakeRecord, Party, draw};
//!
//! let mut record = HandshakeRecord::new(1);
//! record.events.push(Event::new(0, Party::Client, Party::Edge, "ClientHello", 517));
//! let picture = draw(&record, &DrawOptions::default());
//! assert!(picture.contains("ClientHello"));
//! ```

//!
//! # Processes
//!
//! A key server and an edge count with [`Counter`] and [`Histogram`] and are a [`Subject`]; an [`Admin`] address shows what
//! they say, as metrics and as a [`Page`].

mod admin;
mod draw;
mod metrics;
mod page;
mod record;
mod text;
mod when;

pub use admin::{About, Admin, RunningAdmin, Subject};
pub use draw::{DrawOptions, Glyphs, Lanes, draw};
pub use metrics::{BOUNDS, Counter, Exposition, Format, Histogram, HistogramSnapshot};
pub use page::{Cell, Page, Table, Tone};
pub use record::{Event, HandshakeRecord, KeyServerAnswer, NeedTiming, Outcome, Party};
pub use text::{duration, is_visible, span, visible, wrap};
pub use when::{date, expiry};
