//! Somebody between a server and the client under test who has the server's secrets, and changes what it says inside of
//! the records that protect it.

use std::collections::VecDeque;

use keyward_crypto::hkdf::Secret;
use keyward_tls::KeyLogLine;
use keyward_wire::codec::Decode;
use keyward_wire::handshake::{self, HELLO_RETRY_REQUEST_RANDOM, ServerHello};
use keyward_wire::values::{HandshakeType, ProtocolVersion};

use super::protection::Protection;
use super::secrets::{BulkCipher, Hellos, Suite, Tls12};

/// A record of the server's, opened.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its type.
    pub content_type: u8,
    /// What is in it.
    pub content: Vec<u8>,
    /// Which of the server's keys protect it: none, the first, the second, …
    pub epoch: usize,
}

/// A line of the server's key log.
struct LoggedSecret {
    label: String,
    client_random: Vec<u8>,
    secret: Vec<u8>,
}

/// The one between.
#[derive(Default)]
pub struct Middle {
    /// Records that wait to be sent on.
    pub items: VecDeque<Item>,
    /// Bytes that are on their way to the client.
    pub outgoing: Vec<u8>,
    /// What came is not understood any more, and goes on as it is.
    pub lost: bool,
    unopened: Vec<u8>,
    epoch: usize,
    open: Option<Protection>,
    sealed: usize,
    seal: Option<Protection>,
    secrets: Vec<LoggedSecret>,
    client_random: [u8; 32],
    hello: Option<ServerHello>,
}

impl Middle {
    /// Learns the server's secrets.
    pub fn learn(&mut self, lines: &[KeyLogLine]) {
        for line in lines {
            let line = line.to_string();
            let mut words = line.split_whitespace();
            if let (Some(label), Some(random), Some(secret)) =
                (words.next(), words.next(), words.next())
            {
                let client_random = unhex(random);
                if let Ok(random) = client_random[..].try_into() {
                    self.client_random = random;
                }
                self.secrets.push(LoggedSecret {
                    label: label.to_owned(),
                    client_random,
                    secret: unhex(secret),
                });
            }
        }
    }

    /// The last secret with this label.
    fn secret(&self, label: &str) -> Option<&[u8]> {
        let found = self.secrets.iter().rev().find(|it| it.label == label);
        found.map(|it| &it.secret[..])
    }

    /// The secret with this label of the handshake with this random, in hexadecimal digits, of the client's.
    pub fn secret_of(&self, label: &str, client_random: &str) -> Option<&[u8]> {
        let client_random = unhex(client_random);
        let mut secrets = self.secrets.iter().rev();
        let found = secrets.find(|it| it.label == label && it.client_random == client_random);
        found.map(|it| &it.secret[..])
    }

    /// Takes in what the server wrote.
    pub fn take(&mut self, bytes: &[u8]) {
        self.unopened.extend_from_slice(bytes);
        while self.take_record().is_some() {}
        if self.lost {
            while self.forward(0) {}
            self.outgoing.append(&mut self.unopened);
        }
    }

    fn take_record(&mut self) -> Option<()> {
        if self.lost {
            return None;
        }
        let header = *self.unopened.first_chunk::<5>()?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let body = self.unopened.get(5..5 + length)?.to_vec();
        // TLS 1.3's change_cipher_spec is never protected.
        let in_the_clear = header[0] == 20 && (self.is_tls13() || self.epoch == 0);
        let opened = match &mut self.open {
            Some(keys) if !in_the_clear => keys.open(header, &body),
            _ => Some((header[0], body)),
        };
        let Some((content_type, content)) = opened else {
            self.lost = true;
            return None;
        };
        self.unopened.drain(..5 + length);
        let epoch = if in_the_clear { 0 } else { self.epoch };
        self.follow(content_type, &content);
        self.items.push_back(Item {
            content_type,
            content,
            epoch,
        });
        Some(())
    }

    fn is_tls13(&self) -> bool {
        self.hello.as_ref().is_some_and(|hello| {
            hello.extensions.supported_versions == Some(ProtocolVersion::TLS13)
        })
    }

    /// Changes the keys where the server does.
    fn follow(&mut self, content_type: u8, content: &[u8]) {
        let mut epoch = self.epoch;
        if content_type == 20 && !self.is_tls13() && self.hello.is_some() {
            epoch += 1;
        }
        if content_type == 22 {
            for message in handshake::split(content).map_while(Result::ok) {
                match message.message_type {
                    HandshakeType::SERVER_HELLO => {
                        let hello = ServerHello::from_bytes(message.body).ok();
                        let retry = hello
                            .as_ref()
                            .is_some_and(|hello| hello.random == HELLO_RETRY_REQUEST_RANDOM);
                        if !retry {
                            self.hello = hello;
                            epoch += usize::from(self.is_tls13());
                        }
                    }
                    HandshakeType::FINISHED | HandshakeType::KEY_UPDATE if self.is_tls13() => {
                        epoch += 1;
                    }
                    _ => {}
                }
            }
        }
        if epoch != self.epoch {
            self.epoch = epoch;
            self.open = self.keys(epoch, false);
            self.lost |= self.open.is_none();
        }
    }

    /// What protects the server's records in an epoch, for who opens or seals them.
    fn keys(&self, epoch: usize, seals: bool) -> Option<Protection> {
        if epoch == 0 {
            return None;
        }
        let hello = self.hello.as_ref()?;
        let suite = Suite::of(hello.cipher_suite)?;
        if !self.is_tls13() {
            let master = Secret::from_slice(self.secret("CLIENT_RANDOM")?);
            let hellos = Hellos {
                client_random: &self.client_random,
                server: hello,
            };
            // Who seals does as the server.
            return Some(Tls12::resumed(suite, master, hellos).keys(hellos, !seals).1);
        }
        let BulkCipher::Aead(aead) = suite.cipher else {
            return None;
        };
        let label = match epoch {
            1 => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            _ => "SERVER_TRAFFIC_SECRET_0",
        };
        let secret = Secret::from_slice(self.secret(label)?);
        let mut keys = Protection::tls13(aead, suite.hash, secret);
        for _ in 2..epoch {
            keys = keys.updated()?;
        }
        Some(keys)
    }

    /// Sends the first item on, with this much padding.
    pub fn forward(&mut self, padding: usize) -> bool {
        let Some(item) = self.items.pop_front() else {
            return false;
        };
        if item.epoch == 0 {
            let length = u16::try_from(item.content.len()).unwrap_or(u16::MAX);
            let [high, low] = length.to_be_bytes();
            self.outgoing
                .extend_from_slice(&[item.content_type, 3, 3, high, low]);
            self.outgoing.extend_from_slice(&item.content);
            return true;
        }
        if item.epoch != self.sealed {
            self.sealed = item.epoch;
            self.seal = self.keys(item.epoch, true);
        }
        if let Some(keys) = &mut self.seal {
            let record = keys.seal(item.content_type, &item.content, padding);
            self.outgoing.extend_from_slice(&record);
        }
        true
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
