//! Keying material for other protocols, bound to the connection (RFC 9846 §7.5, RFC 5705).

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::hkdf::{Secret, expand_label, expand_label_secret};
use keyward_crypto::prf;
use zeroize::Zeroizing;

use crate::connection::Connection;
use crate::error::Misuse;
use crate::key_schedule::tls12::Randoms;
use crate::role::Role;

/// What keying material comes from.
pub(crate) enum Exporter {
    Tls13 {
        /// `exporter_secret`, or `early_exporter_secret`.
        secret: Secret,
        hash: HashAlgorithm,
    },
    /// On the heap: few connections export.
    Tls12(Box<Tls12Exporter>),
}

pub(crate) struct Tls12Exporter {
    pub(crate) master_secret: Secret,
    pub(crate) hash: HashAlgorithm,
    pub(crate) randoms: Randoms,
}

impl<R: Role> Connection<R> {
    /// Keying material for another protocol, bound to this connection: the same on both sides (RFC 9846
    /// §7.5, RFC 5705). In TLS 1.3 no context is the same as an empty one.
    ///
    /// # Errors
    /// Before the handshake is complete; after a failure; with a label of no or more than 249 bytes, or one
    /// that TLS itself derives with; more than 255 digests of material; in TLS 1.2 without the
    /// extended master secret.
    pub fn export_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Misuse> {
        if self.has_ended() {
            return Err(Misuse::Closed);
        }
        if !self.common.is_handshake_complete() {
            return Err(Misuse::HandshakeIncomplete);
        }
        let exporter = self.common.exporter.as_ref().ok_or(Misuse::NotExportable)?;
        exporter.export(label, context, out)
    }

    /// Keying material for another protocol that goes with early data (RFC 9846 §7.5): the same on both
    /// sides, and other than what [`export_keying_material`](Self::export_keying_material) gives.
    ///
    /// It is bound to the ClientHello alone. Who replays early data to a server gets the same material
    /// there again: what it proves, it proves as often (RFC 9846 §2.3).
    ///
    /// A client has it from when its ClientHello offers early data, unless the server refuses that; a server
    /// from when it takes early data. It ends with the handshake, as early data does.
    ///
    /// # Errors
    /// [`Misuse::NoEarlyData`] without early data, or after it; otherwise as for
    /// [`export_keying_material`](Self::export_keying_material).
    pub fn export_early_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Misuse> {
        if self.has_ended() {
            return Err(Misuse::Closed);
        }
        let exporter = self.common.early_exporter.as_ref();
        let exporter = exporter.ok_or(Misuse::NoEarlyData)?;
        exporter.export(label, context, out)
    }
}

/// The longest label: with "tls13 " in front it has to fit into 255 bytes (RFC 9846 §7.1).
const MAX_LABEL_LEN: usize = 255 - 6;

/// Labels that TLS 1.2 itself derives with (RFC 5705 §4): what comes of them is not for others.
const RESERVED_LABELS: [&[u8]; 5] = [
    b"client finished",
    b"server finished",
    b"master secret",
    b"extended master secret",
    b"key expansion",
];

impl Exporter {
    pub(crate) fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Misuse> {
        // RFC 9846 §7.1: `opaque label<7..255> = "tls13 " + Label`. RFC 5705 lets it be empty.
        let may_be_empty = matches!(self, Self::Tls12(_));
        if label.is_empty() && !may_be_empty
            || label.len() > MAX_LABEL_LEN
            || RESERVED_LABELS.contains(&label)
        {
            return Err(Misuse::ExporterLabel);
        }
        match self {
            Self::Tls13 { secret, hash } => tls13(*hash, secret, label, context, out),
            Self::Tls12(exporter) => exporter.export(label, context, out),
        }
    }
}

/// RFC 9846 §7.5: "TLS-Exporter(label, context_value, key_length) =
/// HKDF-Expand-Label(Derive-Secret(Secret, label, ""), "exporter", Hash(context_value), key_length)".
fn tls13(
    hash: HashAlgorithm,
    secret: &Secret,
    label: &[u8],
    context: Option<&[u8]>,
    out: &mut [u8],
) -> Result<(), Misuse> {
    // RFC 5869 §2.3: "length of output keying material in octets (<= 255*HashLen)".
    if out.len() > 255 * hash.output_len() {
        return Err(Misuse::ExporterLength);
    }
    let secret = expand_label_secret(hash, secret, label, &hash.digest(b""));
    // RFC 9846 §7.5: "If no context is provided, the context_value is zero length."
    let context = hash.digest(context.unwrap_or_default());
    expand_label(hash, &secret, b"exporter", &context, out);
    Ok(())
}

impl Tls12Exporter {
    /// RFC 5705 §4: "PRF(SecurityParameters.master_secret, label, SecurityParameters.client_random +
    /// SecurityParameters.server_random + context_value_length + context_value) [length]", and without a
    /// context neither of the last two.
    fn export(&self, label: &[u8], context: Option<&[u8]>, out: &mut [u8]) -> Result<(), Misuse> {
        let mut seed = [&self.randoms.client[..], &self.randoms.server[..]].concat();
        if let Some(context) = context {
            let length = u16::try_from(context.len()).map_err(|_| Misuse::ExporterLength)?;
            seed.extend_from_slice(&length.to_be_bytes());
            seed.extend_from_slice(context);
        }
        let mut material = Zeroizing::new(vec![0; out.len()]);
        let secret = self.master_secret.as_bytes();
        prf::tls12(self.hash, secret, label, &[&seed], &mut material);
        out.copy_from_slice(&material);
        Ok(())
    }
}
