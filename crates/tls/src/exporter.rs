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

/// No RFC has values for exporters: these are OpenSSL's (`openssl kdf TLS1-PRF` and `TLS13-KDF`, 3.0.22).
#[cfg(test)]
mod tests {
    use keyward_crypto::hash::HashAlgorithm::{Sha256, Sha384};

    use super::*;
    use crate::rfc8448::{Trace, unhex};

    const LABEL: &[u8] = b"EXPORTER-vector";

    #[track_caller]
    fn assert_exports(exporter: &Exporter, context: Option<&[u8]>, expected: &str) {
        let expected = unhex(expected);
        let mut out = vec![0; expected.len()];
        exporter.export(LABEL, context, &mut out).unwrap();
        assert_eq!(out, expected, "{context:?}");
    }

    #[test]
    fn tls13_values() {
        // That of RFC 8448 §3.
        let trace = Trace::simple();
        let secret = trace.secret("derive secret \"tls13 exp master\"");
        let exporter = Exporter::Tls13 {
            secret: Secret::from_slice(secret),
            hash: Sha256,
        };
        let none = "0395099718c7ceefbc69de074e1c764db82834c0bdc52f36a1a42bcfd1b401bf8c859a7041add644408df7783609a8ad\
                    5e3fdd4ca71cdb568e6d6e41449d56fb23cc9fefeb0e8a7f179acc2db7d7f573";
        assert_exports(&exporter, None, none);
        assert_exports(&exporter, Some(b""), none);
        assert_exports(
            &exporter,
            Some(b"context"),
            "4dc8172f28a3cf02e765cf0c14b806f5527158bbe7caee70ece57fff925a959f",
        );

        let exporter = Exporter::Tls13 {
            secret: Secret::from_slice(&[0xe5; 48]),
            hash: Sha384,
        };
        let none = "f7442b14cb113bf629dd6803ec15cb0bdd49c8dd3a3f21d9646465dcb293359d017f6fb1d88f135eadc88bee3bab8a44\
                    b91964cae1ead2f69b13c41de7c399ffd944633e18600b10505a2da7a0cafb92";
        assert_exports(&exporter, None, none);
        assert_exports(
            &exporter,
            Some(b"context"),
            "d9a379a67285d2541de9af007432c3bbd7fb19639be2768b2de549d44e2ee36e",
        );
    }

    /// RFC 5705 §4: no context and an empty one are two things.
    #[test]
    fn tls12_values() {
        let randoms = Randoms {
            client: [0xc1; 32],
            server: [0x5e; 32],
        };
        for (hash, master_secret, none, empty, context) in [
            (
                Sha256,
                "eea7b66e5e5f150058446032d53e77cccec702ed4b60d8819d14fba01fad489ea6d77974be08ee8f08601609696ef529",
                "4cd0563b3f3826d49d7c6a3911b25b8fe0e1ed45d0b0c3548c7500b09b0a1585fbdf33a9236cb435",
                "8aadc57629de067330fdff46844689bd2bf541eb40b45d67d26142e3b73e29d1e0315abbdf48bddc",
                "8f0ec7c716892535a477e52e07db35bd9ee1a6eb09608fd4644e989cdcf6aac8b308d26e3a40c50d",
            ),
            (
                Sha384,
                "69811dc3271b811a6995c5558f569b3d5ec206b18b583222a254eacbe69110eed1727c295e3eb4c21365b9b907dbf3fe",
                "bb180b404d3b56ac5170685ad031b61c8b191454fd82111697cb118b7a2d76e3689a280051a08b04",
                "5816559d3f2027b9d0e62dd8a069e926b70aa8b676e92fee0b5f04203b397463e4b715b2cbf5cd0f",
                "bd6d7d44d58f41e84126ef9d59b9d871dc82a84db6a43766f81e7c8844a45b4f6e322a72d002feaa",
            ),
        ] {
            let exporter = Exporter::Tls12(Box::new(Tls12Exporter {
                master_secret: Secret::from_slice(&unhex(master_secret)),
                hash,
                randoms,
            }));
            assert_exports(&exporter, None, none);
            assert_exports(&exporter, Some(b""), empty);
            assert_exports(&exporter, Some(b"context"), context);
        }
    }
}
