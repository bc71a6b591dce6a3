//! Signed notes with Ed25519 (C2SP signed-note).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_crypto::private_key::PrivateKey;
use keyward_crypto::signature::{KeyKind, PublicKey, SignatureAlgorithm};

use crate::hash::Hash;

/// "0x01 — Ed25519 signatures as specified by this document."
const ED25519: u8 = 0x01;
/// A SubjectPublicKeyInfo with Ed25519 (RFC 8410 §4), before the 32 bytes of the key.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const KEY_LEN: usize = 32;
/// A checkpoint has one signature of ours; witnesses may add some.
const MAX_NOTE: usize = 64 * 1024;

/// Signs a log's checkpoints.
#[derive(Debug)]
pub struct Signer {
    key: PrivateKey,
    verifier: Verifier,
}

impl Signer {
    /// A log's name, which is its checkpoints' origin as well, and its private key.
    ///
    /// # Errors
    /// The key is not Ed25519, or the name has spaces, a plus or nothing.
    pub fn new(name: &str, key: PrivateKey) -> Result<Self, VerifierError> {
        if key.public_key().kind() != KeyKind::Ed25519 {
            return Err(VerifierError::NotEd25519);
        }
        let public = key
            .public_key()
            .spki_der()
            .strip_prefix(&SPKI_PREFIX)
            .ok_or(VerifierError::NotEd25519)?;
        let verifier = Verifier::new(name, public)?;
        Ok(Self { key, verifier })
    }

    /// What verifies its signatures.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The note with this text, which ends with a newline. `None` if the key fails to sign.
    pub(crate) fn sign(&self, text: &str) -> Option<String> {
        let signature = self
            .key
            .sign(SignatureAlgorithm::Ed25519, text.as_bytes())
            .ok()?;
        let mut blob = self.verifier.id.to_vec();
        blob.extend_from_slice(&signature);
        let (name, blob) = (&self.verifier.name, STANDARD.encode(blob));
        Some(format!("{text}\n— {name} {blob}\n"))
    }
}

/// A log's public key and name: `name+id+key`, as Go's `note` package and the transparency tools write it.
#[derive(Clone)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    public: [u8; KEY_LEN],
    key: PublicKey,
}

impl Verifier {
    fn new(name: &str, public: &[u8]) -> Result<Self, VerifierError> {
        // signed-note: "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus (U+002B) characters."
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.len() > 255 || name.contains(bad) {
            return Err(VerifierError::Name);
        }
        let public: [u8; KEY_LEN] = public.try_into().map_err(|_| VerifierError::NotEd25519)?;
        let spki = [&SPKI_PREFIX[..], &public].concat();
        let key = PublicKey::from_spki_der(&spki).map_err(|_| VerifierError::NotEd25519)?;
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, &public),
            public,
            key,
        })
    }

    /// Reads `name+id+key`.
    ///
    /// # Errors
    /// It is none, or its id is not the key's.
    pub fn parse(text: &str) -> Result<Self, VerifierError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierError::Form);
        };
        let key = STANDARD.decode(key).map_err(|_| VerifierError::Form)?;
        let Some((&ED25519, public)) = key.split_first() else {
            return Err(VerifierError::NotEd25519);
        };
        let verifier = Self::new(name, public)?;
        if verifier.id_text() != id {
            return Err(VerifierError::Id);
        }
        Ok(verifier)
    }

    /// The log's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }

    /// The text of a note that carries this key's signature.
    pub(crate) fn open<'a>(&self, note: &'a [u8]) -> Option<&'a str> {
        // "Verifiers SHOULD apply a maximum limit to the number of signatures in a note (or, equivalently, to the overall
        // size of a note)".
        let note = std::str::from_utf8(note)
            .ok()
            .filter(|note| note.len() <= MAX_NOTE)?;
        // "the text is separated from the signatures by the last empty line in the note."
        let split = note.rfind("\n\n")?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        let ours = signatures.lines().find_map(|line| {
            let (name, blob) = line.strip_prefix("— ")?.split_once(' ')?;
            let blob = STANDARD.decode(blob).ok()?;
            let (id, signature) = blob.split_first_chunk::<4>()?;
            // "Verifiers MUST ignore signatures from unknown keys, even if they share a name or ID (but not both) with a
            // known key."
            (name == self.name && *id == self.id).then(|| signature.to_vec())
        })?;
        self.key
            .verify(SignatureAlgorithm::Ed25519, text.as_bytes(), &ours)
            .is_ok()
            .then_some(text)
    }
}

/// "key ID = SHA-256(key name || 0x0A || 0x01 || 32-byte Ed25519 public key)[:4]"
fn key_id(name: &str, public: &[u8]) -> [u8; 4] {
    let hash = Hash::of(&[name.as_bytes(), b"\n", &[ED25519], public]);
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519][..], &self.public].concat());
        write!(f, "{}+{}+{key}", self.name, self.id_text())
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

/// Why this is no key for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifierError {
    /// Not `name+id+key`.
    Form,
    /// Another kind of key.
    NotEd25519,
    /// No name for a log.
    Name,
    /// The id is not that of the name and the key.
    Id,
}

impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "this is no verifier key: one looks like `keys.example/audit+1a2b3c4d+AQID…`",
            Self::NotEd25519 => "a log is signed with an Ed25519 key; `keyward audit init` makes one",
            Self::Name => "a log's name has no spaces and no plus, at most 255 bytes, and is not empty, like `keys.example/audit`",
            Self::Id => "the eight hexadecimal digits in the verifier key are not those of its name and key: it was mistyped",
        })
    }
}

impl std::error::Error for VerifierError {}
