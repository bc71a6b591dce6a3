//! `catalog`: the keys and certificate chains that an edge may use.

use std::error::Error;
use std::fmt;

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::KeyKind;
use keyward_keyop::{KeyId, OperationKind};
use keyward_wire::codec::{Decode, DecodeError, Encode, Reader};

use crate::frame::{Frame, MAX_FRAME_LEN, put_short, put_u16_prefixed, put_u24_prefixed};

/// The most bytes of entries that an edge collects for one catalog, over all its parts.
const MAX_CATALOG_BYTES: usize = 64 * 1024 * 1024;

/// Room in a frame beside the entries: header, flags, the list's length.
const PART_OVERHEAD: usize = 16;

/// All that an edge may use, as the key server sees it. It informs; what decides is the key server's policy at each request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// One entry for each chain, and one for each key that has none.
    pub entries: Vec<CatalogEntry>,
}

impl Catalog {
    /// The entries of one key.
    pub fn of_key(&self, key: KeyId) -> impl Iterator<Item = &CatalogEntry> {
        self.entries.iter().filter(move |entry| entry.key == key)
    }

    /// As frames: several if it does not fit in one. An entry too large for a frame of its own is an error.
    pub fn to_frames(&self, id: u32) -> Result<Vec<Frame>, CatalogTooLarge> {
        let mut parts = vec![CatalogPart::default()];
        let mut used = 0;
        for entry in &self.entries {
            let len = entry.encoded_len();
            if len > MAX_FRAME_LEN - PART_OVERHEAD {
                return Err(CatalogTooLarge {
                    key: Some(entry.key),
                });
            }
            if used + len > MAX_FRAME_LEN - PART_OVERHEAD {
                parts.push(CatalogPart::default());
                used = 0;
            }
            used += len;
            let last = parts.len() - 1;
            parts[last].entries.push(entry.clone());
        }
        let last = parts.len() - 1;
        for part in &mut parts[..last] {
            part.more = true;
        }
        Ok(parts
            .into_iter()
            .map(|part| Frame::Catalog { id, part })
            .collect())
    }
}

/// One key with one of its chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Which key.
    pub key: KeyId,
    /// What the key server's operator calls it, for logs; at most 255 bytes.
    pub label: String,
    /// Its algorithm and size.
    pub kind: KeyKind,
    /// What this edge may ask of it.
    pub operations: Vec<OperationKind>,
    /// The server names for which this edge may use it: exact, `*.` for one label, or `*` for all.
    pub names: Vec<String>,
    /// Whether handshakes without a server name may use it.
    pub allow_no_sni: bool,
    /// X.509 certificates in DER, leaf first. Empty if the key server has none for this key.
    pub chain: Vec<Vec<u8>>,
}

/// The numbers that stand for a [`KeyKind`] on the wire, with the key's size in bits.
fn key_kind_code(kind: KeyKind) -> (u8, u16) {
    let size = |bits| u16::try_from(bits).unwrap_or(u16::MAX);
    match kind {
        KeyKind::Rsa { bits } => (1, size(bits)),
        KeyKind::RsaPss { bits, hash } => match hash {
            None | Some(HashAlgorithm::Sha1) => (9, size(bits)),
            Some(HashAlgorithm::Sha256) => (10, size(bits)),
            Some(HashAlgorithm::Sha384) => (11, size(bits)),
            Some(HashAlgorithm::Sha512) => (12, size(bits)),
        },
        KeyKind::EcP256 => (2, 256),
        KeyKind::EcP384 => (3, 384),
        KeyKind::EcP521 => (4, 521),
        KeyKind::Ed25519 => (5, 256),
        // By their name's number: there are no bits to count that would mean the same.
        KeyKind::MlDsa44 => (6, 44),
        KeyKind::MlDsa65 => (7, 65),
        KeyKind::MlDsa87 => (8, 87),
    }
}

fn key_kind_from_code(code: u8, bits: u16) -> Option<KeyKind> {
    let rsa_pss = |hash| {
        Some(KeyKind::RsaPss {
            bits: usize::from(bits),
            hash,
        })
    };
    match code {
        1 => Some(KeyKind::Rsa {
            bits: usize::from(bits),
        }),
        2 => Some(KeyKind::EcP256),
        3 => Some(KeyKind::EcP384),
        4 => Some(KeyKind::EcP521),
        5 => Some(KeyKind::Ed25519),
        6 => Some(KeyKind::MlDsa44),
        7 => Some(KeyKind::MlDsa65),
        8 => Some(KeyKind::MlDsa87),
        9 => rsa_pss(None),
        10 => rsa_pss(Some(HashAlgorithm::Sha256)),
        11 => rsa_pss(Some(HashAlgorithm::Sha384)),
        12 => rsa_pss(Some(HashAlgorithm::Sha512)),
        _ => None,
    }
}

impl CatalogEntry {
    /// Bytes on the wire, with the length in front.
    pub fn encoded_len(&self) -> usize {
        let names: usize = self.names.iter().map(|name| 1 + name.len().min(255)).sum();
        let chain: usize = self
            .chain
            .iter()
            .map(|certificate| 3 + certificate.len())
            .sum();
        3 + 32
            + (1 + self.label.len().min(255))
            + 3
            + (1 + self.operations.len())
            + (2 + names)
            + 1
            + (3 + chain)
    }

    fn encode_body(&self, out: &mut Vec<u8>) {
        out.extend(self.key.as_bytes());
        put_short(out, self.label.as_bytes());
        let (kind, bits) = key_kind_code(self.kind);
        out.push(kind);
        out.extend(bits.to_be_bytes());
        let operations: Vec<u8> = self.operations.iter().map(|kind| kind.code()).collect();
        put_short(out, &operations);
        put_u16_prefixed(out, |out| {
            for name in &self.names {
                put_short(out, name.as_bytes());
            }
        });
        out.push(u8::from(self.allow_no_sni));
        put_u24_prefixed(out, |out| {
            for certificate in &self.chain {
                put_u24_prefixed(out, |out| out.extend_from_slice(certificate));
            }
        });
    }

    /// `None` for a kind of key that this build does not know: it could not use it.
    fn decode_body(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let key = KeyId::decode(reader)?;
        let label =
            String::from_utf8_lossy(reader.opaque_u8("catalog label", 0..=255)?).into_owned();
        let kind = reader.u8("catalog key kind")?;
        let bits = reader.u16("catalog key bits")?;
        let operations = reader.opaque_u8("catalog operations", 0..=255)?;
        let mut list = reader.vector_u16("catalog names", 0..=0xffff)?;
        let mut names = Vec::new();
        while !list.is_empty() {
            names.push(
                String::from_utf8_lossy(list.opaque_u8("catalog name", 0..=255)?).into_owned(),
            );
        }
        let flags = reader.u8("catalog entry flags")?;
        let mut list = reader.vector_u24("catalog chain", 0..=0xff_ffff)?;
        let mut chain = Vec::new();
        while !list.is_empty() {
            chain.push(
                list.opaque_u24("catalog certificate", 0..=0xff_ffff)?
                    .to_vec(),
            );
        }
        Ok(key_kind_from_code(kind, bits).map(|kind| Self {
            key,
            label,
            kind,
            operations: operations
                .iter()
                .copied()
                .filter_map(OperationKind::from_code)
                .collect(),
            names,
            allow_no_sni: flags & 1 != 0,
            chain,
        }))
    }
}

/// The body of one `catalog` frame: the whole catalog, or a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogPart {
    /// Further parts follow with the same id.
    pub more: bool,
    /// This part's entries.
    pub entries: Vec<CatalogEntry>,
}

impl Encode for CatalogPart {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.more));
        put_u24_prefixed(out, |out| {
            for entry in &self.entries {
                put_u24_prefixed(out, |out| entry.encode_body(out));
            }
        });
    }
}

impl<'a> Decode<'a> for CatalogPart {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let flags = reader.u8("catalog flags")?;
        let mut list = reader.vector_u24("catalog entries", 0..=0xff_ffff)?;
        let mut entries = Vec::new();
        while !list.is_empty() {
            // Fields that a later version adds at the end of an entry are skipped with it.
            let mut body = list.vector_u24("catalog entry", 0..=0xff_ffff)?;
            entries.extend(CatalogEntry::decode_body(&mut body)?);
        }
        Ok(Self {
            more: flags & 1 != 0,
            entries,
        })
    }
}

/// Puts a catalog together from its parts, within a bound.
#[derive(Debug, Default)]
pub struct CatalogCollector {
    id: u32,
    bytes: usize,
    entries: Vec<CatalogEntry>,
}

impl CatalogCollector {
    /// Adds a part; returns the catalog when it was the last. A part of another id begins a new catalog.
    pub fn push(&mut self, id: u32, part: CatalogPart) -> Result<Option<Catalog>, CatalogTooLarge> {
        if id != self.id {
            *self = Self {
                id,
                ..Self::default()
            };
        }
        self.bytes += part
            .entries
            .iter()
            .map(CatalogEntry::encoded_len)
            .sum::<usize>();
        if self.bytes > MAX_CATALOG_BYTES {
            return Err(CatalogTooLarge { key: None });
        }
        self.entries.extend(part.entries);
        if part.more {
            return Ok(None);
        }
        self.bytes = 0;
        Ok(Some(Catalog {
            entries: std::mem::take(&mut self.entries),
        }))
    }
}

/// A catalog beyond the protocol's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogTooLarge {
    /// The key whose entry alone is too large, or `None` if it is the whole.
    pub key: Option<KeyId>,
}

impl fmt::Display for CatalogTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            Some(key) => write!(
                f,
                "the certificate chain of key {key} does not fit in a frame of {MAX_FRAME_LEN} bytes"
            ),
            None => write!(f, "the catalog is larger than {MAX_CATALOG_BYTES} bytes"),
        }
    }
}

impl Error for CatalogTooLarge {}
