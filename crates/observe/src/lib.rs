//! What happened in a handshake, as data and as a drawing.
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

mod draw;
mod record;
mod text;

pub use draw::{DrawOptions, Glyphs, Lanes, draw};
pub use record::{Event, HandshakeRecord, NeedTiming, Outcome, Party};
pub use text::{duration, wrap};
