//! A handshake as a sequence of arrows between three lanes.

use crate::text::{duration, wrap};
use crate::{Event, HandshakeRecord, Outcome, Party};

/// Which characters a drawing is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// 7-bit ASCII: looks the same everywhere.
    #[default]
    Ascii,
    /// Box-drawing characters, for terminals that have them.
    Unicode,
}

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct DrawOptions {
    /// Columns to use; at least 72, at most 120.
    pub width: usize,
    /// Which characters.
    pub glyphs: Glyphs,
    /// Begin with TCP's own handshake (SYN, SYN-ACK), which comes before the first event.
    pub tcp: bool,
    /// Write times and durations. Without them two drawings of the same handshake are equal.
    pub times: bool,
    /// What the lanes are called.
    pub lanes: Lanes,
}

/// What the lanes of a drawing are called.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// Who connects.
    pub client: &'static str,
    /// Who answers.
    pub edge: &'static str,
    /// Who has the key; `None` where there is nobody to draw.
    pub key_server: Option<&'static str>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            client: "client",
            edge: "edge",
            key_server: Some("key server"),
        }
    }
}

impl Default for DrawOptions {
    fn default() -> Self {
        Self {
            width: 96,
            glyphs: Glyphs::Ascii,
            tcp: false,
            times: true,
            lanes: Lanes::default(),
        }
    }
}

/// Draws the record's events, one arrow a flight with its messages above it; answers that the edge
/// waited for from a key server carry how long they took.
///
/// Every line ends with `\n` and has at most `options.width` characters.
pub fn draw(record: &HandshakeRecord, options: &DrawOptions) -> String {
    let mut canvas = Canvas::new(options);
    canvas.heading(&options.lanes);
    if options.tcp {
        canvas.arrow(&Arrow::plain(Party::Client, Party::Edge, "TCP SYN"));
        canvas.arrow(&Arrow::plain(Party::Edge, Party::Client, "TCP SYN-ACK"));
    }
    let mut key_operations = record
        .needs
        .iter()
        .filter(|need| need.kind == crate::NeedTiming::KEY_OPERATION);
    for flight in flights(&record.events) {
        let first = &flight[0];
        let took = (first.from == Party::KeyServer)
            .then(|| key_operations.next())
            .flatten()
            .map(|need| format!(" {} ", duration(need.us)));
        canvas.arrow(&Arrow {
            from: first.from,
            to: first.to,
            messages: messages(flight),
            time: options.times.then(|| duration(first.at_us)),
            label: took.filter(|_| options.times),
        });
    }
    if let Outcome::Failed(cause) = &record.outcome {
        canvas.note(cause);
    }
    canvas.lines
}

/// Runs of events in the same direction between the same two.
fn flights(events: &[Event]) -> impl Iterator<Item = &[Event]> {
    events.chunk_by(|a, b| (a.from, a.to) == (b.from, b.to))
}

/// The names of a flight's messages; what comes several times in a row is counted.
fn messages(flight: &[Event]) -> Vec<String> {
    flight
        .chunk_by(|a, b| a.what == b.what)
        .map(|same| match same.len() {
            1 => same[0].what.clone(),
            count => format!("{} ({count})", same[0].what),
        })
        .collect()
}

struct Arrow {
    from: Party,
    to: Party,
    messages: Vec<String>,
    /// Beside it, in the left margin.
    time: Option<String>,
    /// In the middle of its shaft.
    label: Option<String>,
}

impl Arrow {
    fn plain(from: Party, to: Party, message: &str) -> Self {
        Self {
            from,
            to,
            messages: vec![message.to_owned()],
            time: None,
            label: None,
        }
    }
}

struct Canvas {
    width: usize,
    /// Columns of the three lanes.
    lanes: [usize; 3],
    /// How many of them there are.
    count: usize,
    glyphs: GlyphSet,
    lines: String,
}

struct GlyphSet {
    lane: char,
    shaft: char,
    right: char,
    left: char,
}

impl Glyphs {
    const fn set(self) -> GlyphSet {
        match self {
            Self::Ascii => GlyphSet {
                lane: '|',
                shaft: '-',
                right: '>',
                left: '<',
            },
            Self::Unicode => GlyphSet {
                lane: '│',
                shaft: '─',
                right: '▶',
                left: '◀',
            },
        }
    }
}

impl Canvas {
    fn new(options: &DrawOptions) -> Self {
        let width = options.width.clamp(72, 120);
        // The left margin holds times, the right one half of the last heading.
        let (margin, last) = (if options.times { 12 } else { 4 }, width - 6);
        // The longest name of an operation needs 32 columns; the messages get the rest.
        let middle = match options.lanes.key_server {
            Some(_) => (margin + (last - margin) * 3 / 5).min(last - 34),
            // Two lanes need no more room than the longest list of messages is worth.
            None => last.min(margin + 60),
        };
        Self {
            width,
            lanes: [margin, middle, last],
            count: 2 + usize::from(options.lanes.key_server.is_some()),
            glyphs: options.glyphs.set(),
            lines: String::new(),
        }
    }

    fn lane(&self, party: Party) -> usize {
        self.lanes[match party {
            Party::Client => 0,
            Party::Edge => 1,
            Party::KeyServer => 2,
        }]
    }

    fn heading(&mut self, lanes: &Lanes) {
        let mut line = vec![' '; self.width];
        let names = [lanes.client, lanes.edge]
            .into_iter()
            .chain(lanes.key_server);
        for (at, name) in self.lanes.into_iter().zip(names) {
            let start = (at + 1)
                .saturating_sub(name.len() / 2)
                .min(self.width - name.len());
            put(&mut line, start, name);
        }
        self.push(&line);
        let empty = self.empty();
        self.push(&empty);
    }

    fn empty(&self) -> Vec<char> {
        let mut line = vec![' '; self.width];
        for &at in &self.lanes[..self.count] {
            line[at] = self.glyphs.lane;
        }
        line
    }

    fn arrow(&mut self, arrow: &Arrow) {
        let (from, to) = (self.lane(arrow.from), self.lane(arrow.to));
        let (left, right) = (from.min(to), from.max(to));
        for text in wrap(&arrow.messages, right - left - 4) {
            let mut line = self.empty();
            put(&mut line, left + 2, &text);
            self.push(&line);
        }
        let mut line = self.empty();
        for cell in &mut line[left + 1..right] {
            *cell = self.glyphs.shaft;
        }
        if to > from {
            line[right - 1] = self.glyphs.right;
        } else {
            line[left + 1] = self.glyphs.left;
        }
        if let Some(label) = &arrow.label {
            let middle = left + (right - left - label.chars().count()) / 2;
            put(&mut line, middle, label);
        }
        if let Some(time) = &arrow.time {
            let start = self.lanes[0].saturating_sub(time.chars().count() + 2);
            put(&mut line, start, time);
        }
        self.push(&line);
    }

    fn note(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let indent = self.lanes[0];
        for (index, text) in fold(&words, self.width - indent - 2).iter().enumerate() {
            let mut line = vec![' '; self.width];
            put(&mut line, indent, if index == 0 { "! " } else { "  " });
            put(&mut line, indent + 2, text);
            self.push(&line);
        }
    }

    fn push(&mut self, line: &[char]) {
        let line: String = line.iter().collect();
        self.lines.push_str(line.trim_end());
        self.lines.push('\n');
    }
}

fn put(line: &mut [char], at: usize, text: &str) {
    for (cell, c) in line.iter_mut().skip(at).zip(text.chars()) {
        *cell = if c.is_control() { '?' } else { c };
    }
}

/// Words into lines of at most `width` characters.
fn fold(words: &[&str], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push((*word).to_owned()),
        }
    }
    lines
}
