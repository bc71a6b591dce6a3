use std::ops::Range;

use keyward_wire::record::{CHANGE_CIPHER_SPEC, HEADER_LEN, MAX_PLAINTEXT_LEN, RecordHeader};
use keyward_wire::values::ContentType;

use super::{Input, Protection};
use crate::error::{Error, InvalidMessage, PeerMisbehaved};

/// Opens the records that came.
pub(crate) struct RecordReader {
    protection: Option<Protection>,
    change_cipher_specs: ChangeCipherSpecs,
    /// Records without effect since the last that had one.
    empty_records: u8,
    early_data: EarlyData,
    /// Whether a record was opened with a key already.
    decrypted: bool,
    first: bool,
    /// The longest content of a protected record that we have announced (RFC 8449).
    max_content: usize,
}

/// What a change_cipher_spec record is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeCipherSpecs {
    /// Out of place.
    Refused,
    /// TLS 1.3. RFC 9846 §5: "An implementation may receive an unencrypted record of type
    /// change_cipher_spec consisting of the single byte value 0x01 at any time after the first
    /// ClientHello message has been sent or received and before the peer's Finished message has been
    /// received and MUST simply drop it without further processing."
    Ignored,
    /// TLS 1.2: the handshake waits for it, or will say that it does not.
    Delivered,
}

/// Early data that was refused and has to be got over (RFC 9846 §4.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EarlyData {
    None,
    /// RFC 9846 §4.3.10: "The server then skips past early data by attempting to deprotect received
    /// records using the handshake traffic key, discarding records which fail deprotection".
    SkipUndecryptable {
        left: usize,
    },
    /// After a HelloRetryRequest, RFC 9846 §4.3.10: "The server then ignores early data by skipping
    /// all records with an external content type of "application_data"".
    SkipApplicationData {
        left: usize,
    },
}

/// As many empty records as BoringSSL takes in a row.
const MAX_EMPTY_RECORDS: u8 = 32;

/// From this length of a record on, a copy costs more than being called for it alone.
const LARGE: usize = 4096;

impl RecordReader {
    pub(crate) fn new() -> Self {
        Self {
            protection: None,
            change_cipher_specs: ChangeCipherSpecs::Refused,
            empty_records: 0,
            early_data: EarlyData::None,
            decrypted: false,
            first: true,
            max_content: usize::MAX,
        }
    }

    pub(crate) fn set_protection(&mut self, protection: Protection) {
        self.protection = Some(protection);
    }

    /// Forgets the key: nothing is received any more.
    pub(crate) fn clear_protection(&mut self) {
        self.protection = None;
    }

    pub(crate) fn set_change_cipher_specs(&mut self, change_cipher_specs: ChangeCipherSpecs) {
        self.change_cipher_specs = change_cipher_specs;
    }

    /// Refuses protected records with more than this to decrypt.
    ///
    /// RFC 8449 §4: "When the "record_size_limit" extension is negotiated, an endpoint MUST NOT generate a protected
    /// record with plaintext that is larger than the RecordSizeLimit value it receives from its peer."
    pub(crate) fn limit_record(&mut self, max_content: usize) {
        self.max_content = max_content;
    }

    /// Skips at most `left` bytes of records that do not decrypt with the keys now set.
    pub(crate) fn skip_undecryptable(&mut self, left: usize) {
        self.early_data = EarlyData::SkipUndecryptable { left };
    }

    /// Skips at most `left` bytes of encrypted records until the second ClientHello.
    pub(crate) fn skip_application_data(&mut self, left: usize) {
        self.early_data = EarlyData::SkipApplicationData { left };
    }

    /// Early data ends here.
    pub(crate) fn stop_skipping(&mut self) {
        self.early_data = EarlyData::None;
    }

    /// Whether the peer has used its key for as many records as it should.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.protection
            .as_ref()
            .is_some_and(Protection::is_exhausted)
    }

    /// Takes bytes from the peer, and says how many. Of a large record of data that is there as a whole the content alone is
    /// kept, which spares a copy. Of a large record that has begun the rest alone is taken: so the next one is opened
    /// like that or, if it is not whole, begins at the front and need not be moved there.
    ///
    /// For a peer that sends data: no message waits that could change the keys.
    pub(crate) fn receive(&mut self, bytes: &[u8], input: &mut Input) -> usize {
        if !input.is_empty() {
            let end = rest_of_large(input.unopened(), bytes).unwrap_or(bytes.len());
            return input.receive(&bytes[..end]);
        }
        match self.open_ahead(bytes, input) {
            Some(taken) => taken,
            None => input.receive(bytes),
        }
    }

    /// Opens the record at the front of `bytes`, if it is large, whole and good and carries data: how long it was. All
    /// others are for [`next`](Self::next).
    fn open_ahead(&mut self, bytes: &[u8], input: &mut Input) -> Option<usize> {
        let (raw, rest) = bytes.split_first_chunk()?;
        let header = RecordHeader::from_array(*raw);
        let length = usize::from(header.length);
        let body = rest.get(..length)?;
        let protection = self.protection.as_mut()?;
        let is_good = header.content_type == ContentType::APPLICATION_DATA
            && (LARGE..=protection.max_ciphertext_len()).contains(&length)
            && protection.content_len(length)? <= self.max_content;
        let opened = is_good
            && input.open_ahead(length, |content| protection.open_data(*raw, body, content));
        opened.then_some(HEADER_LEN + length)
    }

    /// The next record that has a content: its type, and where in `input` the content is. Records without,
    /// as senders use them to hide how much they send, are for where `takes_data`: elsewhere they are
    /// as much out of place as others with data.
    pub(crate) fn next(
        &mut self,
        input: &mut Input,
        takes_data: bool,
    ) -> Result<Option<(ContentType, Range<usize>)>, Error> {
        if let Some(content) = input.take_ahead() {
            self.empty_records = 0;
            return Ok(Some((ContentType::APPLICATION_DATA, content)));
        }
        loop {
            let Some(raw) = input.header() else {
                self.refuse_noise(input.unopened())?;
                return Ok(None);
            };
            let header = RecordHeader::from_array(raw);
            self.refuse_noise(&raw)?;
            let length = usize::from(header.length);
            // RFC 9846 §5.1: "An endpoint that receives a record that exceeds this length MUST
            // terminate the connection with a "record_overflow" alert."; §5.2 says the same of
            // protected ones.
            if length > self.max_len(header.content_type) {
                return Err(InvalidMessage::RecordTooLarge.into());
            }
            let Some(body) = input.take_record(length) else {
                return Ok(None);
            };
            self.first = false;
            let opened = self.open(raw, header.content_type, body, input)?;
            match opened {
                Some((content_type, content))
                    if self.has_effect(content_type, &content, takes_data)? =>
                {
                    return Ok(Some((content_type, content)));
                }
                _ => input.reset_if_empty(),
            }
        }
    }

    /// Tells what is no TLS at all by its first bytes, before a whole header has come.
    fn refuse_noise(&self, bytes: &[u8]) -> Result<(), Error> {
        let typ = bytes.first().copied();
        let major = bytes.get(1).copied();
        if self.first
            && (typ.is_some_and(|typ| !(20..=23).contains(&typ))
                || major.is_some_and(|major| major != 3))
        {
            return Err(InvalidMessage::NotTls.into());
        }
        match typ {
            Some(typ) if !(20..=23).contains(&typ) => {
                Err(PeerMisbehaved::UnexpectedRecord(ContentType(typ)).into())
            }
            _ => Ok(()),
        }
    }

    fn max_len(&self, outer_type: ContentType) -> usize {
        match &self.protection {
            Some(protection) => protection.max_ciphertext_len(),
            // Early data that will be skipped is encrypted.
            None if outer_type == ContentType::APPLICATION_DATA => {
                keyward_wire::record::MAX_CIPHERTEXT_LEN_TLS13
            }
            None => MAX_PLAINTEXT_LEN,
        }
    }

    /// Takes the protection off; `None` for a record that is skipped.
    fn open(
        &mut self,
        raw: [u8; HEADER_LEN],
        outer_type: ContentType,
        body: Range<usize>,
        input: &mut Input,
    ) -> Result<Option<(ContentType, Range<usize>)>, Error> {
        let decrypted = self.decrypted;
        let tls13 = self.protection.as_ref().is_some_and(Protection::is_tls13);
        match &mut self.protection {
            Some(protection) if !tls13 || outer_type == ContentType::APPLICATION_DATA => {
                match protection.open(raw, input.slice_mut(body.clone())) {
                    Ok((content_type, content)) => {
                        self.early_data = EarlyData::None;
                        self.decrypted = true;
                        // RFC 9846 §5: "An implementation which receives any other
                        // change_cipher_spec value or which receives a protected
                        // change_cipher_spec record MUST abort the handshake".
                        if tls13 && content_type == ContentType::CHANGE_CIPHER_SPEC {
                            return Err(PeerMisbehaved::UnexpectedRecord(content_type).into());
                        }
                        // In TLS 1.3 padding counts (RFC 8449 §4).
                        let length = protection.content_len(body.len());
                        let length = length.unwrap_or(content.len());
                        if length > self.max_content {
                            return Err(InvalidMessage::PlaintextTooLarge.into());
                        }
                        let content = body.start + content.start..body.start + content.end;
                        Ok(Some((content_type, content)))
                    }
                    Err(Error::DecryptError) => self.skip_undecrypted(body.len()),
                    Err(error) => Err(error),
                }
            }
            // In TLS 1.3 what is not in an application_data record is not encrypted.
            Some(_) => match outer_type {
                ContentType::CHANGE_CIPHER_SPEC => Ok(Some((outer_type, body))),
                // A client that cannot make the keys says so in the clear.
                ContentType::ALERT if !decrypted => Ok(Some((outer_type, body))),
                _ => Err(PeerMisbehaved::PlaintextRecord.into()),
            },
            None => match (&mut self.early_data, outer_type) {
                (EarlyData::SkipApplicationData { left }, ContentType::APPLICATION_DATA) => {
                    skip(left, body.len())
                }
                _ => Ok(Some((outer_type, body))),
            },
        }
    }

    fn skip_undecrypted(
        &mut self,
        length: usize,
    ) -> Result<Option<(ContentType, Range<usize>)>, Error> {
        match &mut self.early_data {
            EarlyData::SkipUndecryptable { left } => skip(left, length),
            _ => Err(Error::DecryptError),
        }
    }

    /// Sorts out records that are there only to be dropped, and floods of them.
    fn has_effect(
        &mut self,
        content_type: ContentType,
        content: &Range<usize>,
        takes_data: bool,
    ) -> Result<bool, Error> {
        let dropped = match content_type {
            ContentType::CHANGE_CIPHER_SPEC => {
                if self.change_cipher_specs == ChangeCipherSpecs::Refused {
                    return Err(PeerMisbehaved::UnexpectedRecord(content_type).into());
                }
                self.change_cipher_specs == ChangeCipherSpecs::Ignored
            }
            ContentType::APPLICATION_DATA => content.is_empty() && takes_data,
            // RFC 9846 §5.1: "Implementations MUST NOT send zero-length fragments of Handshake
            // types, even if those fragments contain padding"; §5.4 the same of alerts.
            ContentType::HANDSHAKE | ContentType::ALERT if content.is_empty() => {
                return Err(PeerMisbehaved::EmptyRecord.into());
            }
            ContentType::HANDSHAKE | ContentType::ALERT => false,
            // RFC 9846 §5: "If a TLS implementation receives an unexpected record type, it MUST
            // terminate the connection with an "unexpected_message" alert."
            _ => return Err(PeerMisbehaved::UnexpectedRecord(content_type).into()),
        };
        if !dropped {
            // Alerts in between do not make a flood less of one.
            if content_type != ContentType::ALERT {
                self.empty_records = 0;
            }
            return Ok(true);
        }
        self.empty_records += 1;
        if self.empty_records > MAX_EMPTY_RECORDS {
            return Err(PeerMisbehaved::TooManyEmptyRecords.into());
        }
        // A dropped change_cipher_spec is still looked at.
        Ok(content_type == ContentType::CHANGE_CIPHER_SPEC)
    }

    /// Whether this change_cipher_spec is for the handshake, or (`false`) to be dropped.
    pub(crate) fn delivers_change_cipher_spec(&self, content: &[u8]) -> Result<bool, Error> {
        if content != CHANGE_CIPHER_SPEC {
            return Err(InvalidMessage::ChangeCipherSpec.into());
        }
        Ok(self.change_cipher_specs == ChangeCipherSpecs::Delivered)
    }
}

/// How many of `bytes` belong to the record that has begun, if it is large and not whole without them.
fn rest_of_large(begun: &[u8], bytes: &[u8]) -> Option<usize> {
    let mut header = [0; HEADER_LEN];
    let mut known = begun.iter().chain(bytes);
    for byte in &mut header {
        *byte = *known.next()?;
    }
    let length = usize::from(RecordHeader::from_array(header).length);
    let missing = (HEADER_LEN + length).checked_sub(begun.len())?;
    (!begun.is_empty() && length >= LARGE && missing > 0).then_some(missing.min(bytes.len()))
}

fn skip(left: &mut usize, length: usize) -> Result<Option<(ContentType, Range<usize>)>, Error> {
    // With the header, or records without content would be skipped for ever.
    *left = left
        .checked_sub(HEADER_LEN + length)
        .ok_or(PeerMisbehaved::TooMuchEarlyData)?;
    Ok(None)
}
