//! A block of extensions: what is the same for every message that carries one.

use crate::codec::{DecodeError, DecodeErrorKind, MAX_LIST_ITEMS, Put, Reader};
use crate::values::ExtensionType;

/// Defines the extensions of one message as a struct, with its codec, from a table of
/// `field: type = EXTENSION_TYPE via codec,`. `codec` is a module with
///
/// * `decode(&mut Reader) -> Result<impl Into<type>, DecodeError>`, which sees the extension's data and no more;
/// * `encode(&value, &mut Vec<u8>)`, called when the field is `Some` or `true`.
///
/// `last` is the extension that must be the last of the block. `forbidden` are those that we know, and that must not be
/// in this message.
macro_rules! extension_block {
    (
        $(#[$meta:meta])*
        pub struct $name:ident in $what:literal {
            $( $(#[$doc:meta])* $field:ident: $type:ty = $extension:ident via $($codec:ident)::+, )*
        }
        $(last {
            $(#[$last_doc:meta])* $last_field:ident: $last_type:ty =
                $last_extension:ident via $($last_codec:ident)::+,
        })?
        forbidden { $( $forbidden:ident, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$doc])* pub $field: $type, )*
            $( $(#[$last_doc])* pub $last_field: $last_type, )?
            /// Extensions that have no field here, raw, in the order of the wire; GREASE among them.
            pub unknown: Vec<(ExtensionType, Vec<u8>)>,
        }

        impl $name {
            /// Which extensions are there, in the order in which `encode` writes them.
            pub fn types(&self) -> Vec<ExtensionType> {
                self.each_type().collect()
            }

            /// [`types`](Self::types), one after the other.
            pub(crate) fn each_type(&self) -> impl Iterator<Item = ExtensionType> + '_ {
                let known = [
                    $( self.$field.present().map(|_| ExtensionType::$extension), )*
                ];
                let last = None::<ExtensionType>
                    $( .or(self.$last_field.present().map(|_| ExtensionType::$last_extension)) )?;
                let unknown = self.unknown.iter().map(|(extension, _)| *extension);
                known.into_iter().flatten().chain(unknown).chain(last)
            }

            /// Whether there is none at all.
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }

        impl<'a> Decode<'a> for $name {
            const NAME: &'static str = $what;

            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                let mut block = Self::default();
                let mut extensions = Extensions::new($what, reader)?;
                while let Some((extension, mut data)) = extensions.next()? {
                    match extension {
                        $(
                            ExtensionType::$extension => {
                                block.$field = $($codec)::+::decode(&mut data)?.into();
                            }
                        )*
                        $(
                            ExtensionType::$last_extension => {
                                extensions.expect_last()?;
                                block.$last_field = $($last_codec)::+::decode(&mut data)?.into();
                            }
                        )?
                        $( ExtensionType::$forbidden => return Err(extensions.forbidden()), )*
                        _ => block.unknown.push((extension, data.take_rest().to_vec())),
                    }
                    extensions.expect_end(&data)?;
                }
                Ok(block)
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.put_vector_u16(|out| {
                    $(
                        if let Some(value) = self.$field.present() {
                            put(out, ExtensionType::$extension, |out| {
                                $($codec)::+::encode(value, out);
                            });
                        }
                    )*
                    for (extension, data) in &self.unknown {
                        put(out, *extension, |out| out.put_bytes(data));
                    }
                    $(
                        if let Some(value) = self.$last_field.present() {
                            put(out, ExtensionType::$last_extension, |out| {
                                $($last_codec)::+::encode(value, out);
                            });
                        }
                    )?
                });
            }
        }
    };
}
pub(super) use extension_block;

/// A field that is there or not.
pub(super) trait Present {
    type Value;

    fn present(&self) -> Option<&Self::Value>;
}

impl<T> Present for Option<T> {
    type Value = T;

    fn present(&self) -> Option<&T> {
        self.as_ref()
    }
}

impl Present for bool {
    type Value = ();

    fn present(&self) -> Option<&()> {
        self.then_some(&())
    }
}

/// The extensions of a block, one after the other.
pub(super) struct Extensions<'a> {
    what: &'static str,
    list: Reader<'a>,
    seen: Seen,
    current: Option<ExtensionType>,
    /// Where the current extension starts.
    start: usize,
}

/// Which extensions a block has had so far.
#[derive(Default)]
struct Seen {
    /// A bit each for the numbers below 64, which are nearly all that are in use.
    low: u64,
    others: Vec<ExtensionType>,
}

impl Seen {
    fn count(&self) -> usize {
        self.low.count_ones() as usize + self.others.len()
    }

    /// Whether it is there for the first time.
    fn insert(&mut self, extension: ExtensionType) -> bool {
        let first;
        if let Some(bit) = 1u64.checked_shl(extension.0.into()) {
            first = self.low & bit == 0;
            self.low |= bit;
        } else {
            first = !self.others.contains(&extension);
            self.others.push(extension);
        }
        first
    }
}

impl<'a> Extensions<'a> {
    pub(super) fn new(what: &'static str, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let list = reader.vector_u16(what, 0..=0xffff)?;
        Ok(Self {
            what,
            start: list.offset(),
            list,
            seen: Seen::default(),
            current: None,
        })
    }

    /// The next extension's type and a reader over its data.
    pub(super) fn next(&mut self) -> Result<Option<(ExtensionType, Reader<'a>)>, DecodeError> {
        self.start = self.list.offset();
        if self.list.is_empty() {
            return Ok(None);
        }
        if self.seen.count() == MAX_LIST_ITEMS {
            return Err(self.list.error(self.what, DecodeErrorKind::TooMany));
        }
        let extension = ExtensionType(self.list.u16(self.what)?);
        self.current = Some(extension);
        // RFC 9846 §4.3: "There MUST NOT be more than one extension of the same type in a given extension block."
        if !self.seen.insert(extension) {
            return Err(self.error(DecodeErrorKind::DuplicateExtension));
        }
        match self.list.vector_u16(self.what, 0..=0xffff) {
            Ok(data) => Ok(Some((extension, data))),
            Err(error) => Err(DecodeError {
                what: self.name(),
                ..error
            }),
        }
    }

    /// Nothing may be left of the current extension's data.
    pub(super) fn expect_end(&self, data: &Reader<'a>) -> Result<(), DecodeError> {
        if data.is_empty() {
            Ok(())
        } else {
            data.expect_end(self.name())
        }
    }

    /// RFC 9846 §4.3.11: "The "pre_shared_key" extension MUST be the last extension in the ClientHello […] Servers MUST
    /// check that it is the last extension and otherwise fail the handshake with an "illegal_parameter" alert."
    pub(super) fn expect_last(&self) -> Result<(), DecodeError> {
        if self.list.is_empty() {
            Ok(())
        } else {
            Err(self.error(DecodeErrorKind::NotLast))
        }
    }

    /// RFC 9846 §4.3: "If an implementation receives an extension which it recognizes and which is not specified for the
    /// message in which it appears, it MUST abort the handshake with an "illegal_parameter" alert."
    pub(super) fn forbidden(&self) -> DecodeError {
        self.error(DecodeErrorKind::Forbidden)
    }

    fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            what: self.name(),
            kind,
            offset: self.start,
        }
    }

    /// What an error calls the current extension.
    fn name(&self) -> &'static str {
        self.current
            .and_then(ExtensionType::name)
            .unwrap_or(self.what)
    }
}

/// Writes one extension.
pub(super) fn put(out: &mut Vec<u8>, extension: ExtensionType, data: impl FnOnce(&mut Vec<u8>)) {
    out.put_u16(extension.0);
    out.put_vector_u16(data);
}
