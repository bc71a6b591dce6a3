//! A peer's records, both ways.

use keyward_wire::handshake;

use super::protection::Protection;

/// The record layer of a peer.
#[derive(Default)]
pub struct Stream {
    /// What is to reach the engine.
    pub outgoing: Vec<u8>,
    /// Protects what we write.
    pub write: Option<Protection>,
    /// Protects what the engine writes.
    pub read: Option<Protection>,
    /// Application data that went into records with keys.
    pub sent: Vec<u8>,
    /// Early data, which may be skipped as a whole.
    pub sent_early: Vec<u8>,
    /// Whether what is sent is early data.
    pub early: bool,
    /// Application data that came.
    pub received: Vec<u8>,
    /// The last alert that came.
    pub alert: Option<(u8, u8)>,
    /// Records that came, alerts not counted.
    pub records: usize,
    /// Not yet taken apart.
    unopened: Vec<u8>,
    /// Handshake bytes of messages that are not yet whole.
    partial: Vec<u8>,
    /// What came is not understood any more.
    pub lost: bool,
    /// The most bytes of a handshake message in one record; 0 is as many as there are.
    pub fragment: usize,
}

/// Something that came.
pub enum Incoming {
    /// A whole handshake message.
    Handshake(Vec<u8>),
    /// A change_cipher_spec.
    ChangeCipherSpec,
}

impl Stream {
    /// Appends a record, protected if there are keys.
    pub fn record(&mut self, content_type: u8, content: &[u8], padding: usize) {
        let record = match &mut self.write {
            Some(keys) => {
                if content_type == 23 {
                    let sent = match self.early {
                        true => &mut self.sent_early,
                        false => &mut self.sent,
                    };
                    sent.extend_from_slice(content);
                }
                keys.seal(content_type, content, padding)
            }
            None => plain(content_type, content),
        };
        self.outgoing.extend_from_slice(&record);
    }

    /// Appends a record without protection, whatever keys there are.
    pub fn plain(&mut self, content_type: u8, content: &[u8]) {
        self.outgoing
            .extend_from_slice(&plain(content_type, content));
    }

    /// Appends handshake messages, in as many records as it takes.
    pub fn handshake(&mut self, messages: &[u8]) {
        let most = match self.fragment {
            0 => 1 << 14,
            fragment => fragment.min(1 << 14),
        };
        for piece in messages.chunks(most) {
            self.record(22, piece, 0);
        }
    }

    /// Takes what the engine wrote.
    pub fn take(&mut self, bytes: &[u8]) {
        if !self.lost {
            self.unopened.extend_from_slice(bytes);
        }
    }

    /// The next thing for the handshake. Data and alerts are kept aside.
    pub fn incoming(&mut self) -> Option<Incoming> {
        loop {
            if let Some((message, _)) = handshake::split_first(&self.partial) {
                let message = message.bytes.to_vec();
                self.partial.drain(..message.len());
                return Some(Incoming::Handshake(message));
            }
            if self.lost {
                return None;
            }
            let (header, rest) = self.unopened.split_first_chunk::<5>()?;
            let header = *header;
            let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
            let body = rest.get(..length)?.to_vec();
            self.unopened.drain(..5 + length);
            // A protected alert whose keys this client has not come to: it cannot know what it says.
            if self.read.is_none() && header[0] == 21 && length != 2 {
                self.lost = true;
                return None;
            }
            let opened = match &mut self.read {
                // TLS 1.3's change_cipher_spec is a byte that nothing protects.
                Some(keys) if header[0] != 20 || length > 1 => keys.open(header, &body),
                _ => Some((header[0], body)),
            };
            let Some((content_type, content)) = opened else {
                self.lost = true;
                return None;
            };
            match content_type {
                21 => self.alert = content.first().copied().zip(content.get(1).copied()),
                20 => return Some(Incoming::ChangeCipherSpec),
                22 => self.partial.extend_from_slice(&content),
                _ => self.received.extend_from_slice(&content),
            }
            self.records += usize::from(content_type != 21);
        }
    }
}

fn plain(content_type: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [&[content_type, 3, 3, high, low], content].concat()
}
