use keyward_crypto::hash::{Digest, Hash, HashAlgorithm};
use keyward_keyop::tls13::message_hash;

/// About what a ClientHello and a server's messages up to a short Certificate have, in bytes.
const USUAL: usize = 1536;

/// The hash over the handshake messages so far, and the messages themselves for as long as a key
/// operation may want them.
pub(crate) struct Transcript {
    hash: Hash,
    /// Bytes of the next message that are hashed already.
    ahead: usize,
    messages: Option<Vec<u8>>,
}

impl Transcript {
    /// Starts without a message, and keeps those that will be added.
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        Self {
            hash: algorithm.start(),
            ahead: 0,
            messages: Some(Vec::new()),
        }
    }

    /// Adds a whole message.
    pub(crate) fn add(&mut self, message: &[u8]) {
        self.hash.update(&message[self.ahead..]);
        self.ahead = 0;
        self.keep(message);
    }

    /// Adds a ClientHello that is answered with a HelloRetryRequest: to the hash, "a special synthetic
    /// handshake message" (RFC 9846 §4.1); to the messages, itself.
    pub(crate) fn add_retried_client_hello(&mut self, message: &[u8]) {
        debug_assert_eq!(self.ahead, 0, "its own hash is what counts");
        let algorithm = self.hash.algorithm();
        self.hash.update(&message_hash(message, algorithm));
        self.keep(message);
    }

    fn keep(&mut self, message: &[u8]) {
        if let Some(messages) = &mut self.messages {
            if messages.capacity() == 0 {
                messages.reserve(message.len().max(USUAL));
            }
            messages.extend_from_slice(message);
        }
    }

    /// Which hash it is.
    pub(crate) fn algorithm(&self) -> HashAlgorithm {
        self.hash.algorithm()
    }

    /// The hash over all messages so far.
    pub(crate) fn current(&self) -> Digest {
        self.hash.current()
    }

    /// The hash over all messages so far and a part of the next, as PSK binders need it.
    pub(crate) fn current_with(&self, part: &[u8]) -> Digest {
        let mut hash = self.hash.clone();
        hash.update(part);
        hash.finish()
    }

    /// [`current_with`](Self::current_with) the beginning of a message that will be [added](Self::add) as a whole: it is
    /// not hashed twice.
    pub(crate) fn begin(&mut self, part: &[u8]) -> Digest {
        self.hash.update(&part[self.ahead..]);
        self.ahead = part.len();
        self.hash.current()
    }

    /// The messages so far, as far as they are kept.
    pub(crate) fn messages(&self) -> &[u8] {
        self.messages.as_deref().unwrap_or_default()
    }

    /// The messages so far. From here on the hash is all that is kept.
    pub(crate) fn take_messages(&mut self) -> Vec<u8> {
        self.messages.take().unwrap_or_default()
    }

    /// Keeps the hash alone: nothing will be signed.
    pub(crate) fn forget_messages(&mut self) {
        self.messages = None;
    }
}
