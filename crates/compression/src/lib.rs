//! TLS certificate compression (RFC 8879), within bounds.
//!
//! The engine compresses and decompresses Certificate messages. The key server decompresses as well:
//! the transcript that it signs holds the CompressedCertificate, and it wants to see whose
//! certificate is in it.
//!
//! ```
//! use keyward_compression::{compress, decompress};
//! use keyward_wire::values::CertificateCompressionAlgorithm;
//!
//! let certificate = [7; 1000];
//! let message = compress(CertificateCompressionAlgorithm::ZLIB, &certificate).unwrap();
//! assert_eq!(decompress(&message, 1000).unwrap(), certificate);
//! assert!(decompress(&message, 999).is_err());
//! ```

mod decompress;

use core::fmt;
use std::io::Read;

use keyward_wire::handshake::CompressedCertificate;
use keyward_wire::values::CertificateCompressionAlgorithm as Algorithm;

/// The algorithms that are known, the one that compresses certificates best first.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::BROTLI, Algorithm::ZSTD, Algorithm::ZLIB];

/// Compresses the body of a Certificate message (without its four-byte header). `None` if that makes
/// it no smaller, or the algorithm is not known.
///
/// It takes its time to find the smallest: keep the result.
pub fn compress(algorithm: Algorithm, certificate: &[u8]) -> Option<CompressedCertificate> {
    let compressed_certificate_message = match algorithm {
        Algorithm::ZLIB => zlib(certificate)?,
        Algorithm::BROTLI => brotli(certificate)?,
        Algorithm::ZSTD => zstd(certificate),
        _ => return None,
    };
    let smaller = HEAD_LEN + compressed_certificate_message.len() < certificate.len();
    let uncompressed_length = u32::try_from(certificate.len()).ok()?;
    (smaller && certificate.len() <= MAX_LEN).then_some(CompressedCertificate {
        algorithm,
        uncompressed_length,
        compressed_certificate_message,
    })
}

/// What a CompressedCertificate has before the compressed bytes: algorithm and two lengths.
const HEAD_LEN: usize = 2 + 3 + 3;

fn zlib(certificate: &[u8]) -> Option<Vec<u8>> {
    let level = flate2::Compression::best();
    let mut compressed = Vec::new();
    flate2::read::ZlibEncoder::new(certificate, level)
        .read_to_end(&mut compressed)
        .ok()?;
    Some(compressed)
}

fn brotli(mut certificate: &[u8]) -> Option<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        size_hint: certificate.len(),
        lgwin: window_bits(certificate.len()),
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut certificate, &mut compressed, &parameters).ok()?;
    Some(compressed)
}

/// The smallest window of RFC 7932 that holds all of it, as a power of two: the encoder's tables grow with the window, and
/// those of the default, 4 MiB, take a hundred times as long to fill as a chain to compress.
fn window_bits(length: usize) -> i32 {
    const SMALLEST: i32 = 10;
    const LARGEST: i32 = 24;
    // RFC 7932 §9.1: the window has 16 bytes less.
    (SMALLEST..LARGEST)
        .find(|bits| length + 16 <= 1 << bits)
        .unwrap_or(LARGEST)
}

fn zstd(certificate: &[u8]) -> Vec<u8> {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    compress_to_vec(certificate, CompressionLevel::Fastest)
}

/// Decompresses, into at most `limit` bytes: the body of a Certificate message.
///
/// Nothing is decompressed if the message announces more, and decompression ends as soon as there is
/// more than it announces: one block of Zstandard more (1 MiB at the most), otherwise one byte. The
/// memory that it takes is bounded by a small multiple of the announced length and a few MiB for
/// tables, whatever the window that the compressed bytes ask for.
///
/// # Errors
/// A [`DecompressError`] ends the handshake with the alert `bad_certificate`.
pub fn decompress(
    message: &CompressedCertificate,
    limit: usize,
) -> Result<Vec<u8>, DecompressError> {
    let length = usize::try_from(message.uncompressed_length)
        .ok()
        .filter(|length| *length <= limit.min(MAX_LEN))
        .ok_or(DecompressError::TooLong)?;
    let compressed = message.compressed_certificate_message.as_slice();
    let certificate = match message.algorithm {
        Algorithm::ZLIB => decompress::zlib(compressed, length),
        Algorithm::BROTLI => decompress::brotli(compressed, length),
        Algorithm::ZSTD => decompress::zstd(compressed, length),
        _ => return Err(DecompressError::UnknownAlgorithm),
    }?;
    // RFC 8879 §4: "If, after decompression, the specified length does not match the actual length,
    // the party receiving the invalid message MUST abort the connection with the "bad_certificate"
    // alert."
    if certificate.len() == length {
        Ok(certificate)
    } else {
        Err(DecompressError::WrongLength)
    }
}

/// The most that `uncompressed_length`, a uint24, can announce.
const MAX_LEN: usize = (1 << 24) - 1;

/// Why a CompressedCertificate cannot be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecompressError {
    /// No such algorithm is known.
    UnknownAlgorithm,
    /// It announces more bytes than are allowed.
    TooLong,
    /// The bytes are not what the algorithm makes.
    Corrupt,
    /// It has more or fewer bytes than it announces.
    WrongLength,
}

impl fmt::Display for DecompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAlgorithm => "the compression algorithm is not known",
            Self::TooLong => "the certificates are longer than allowed",
            Self::Corrupt => "the compressed certificates cannot be decompressed",
            Self::WrongLength => {
                "the certificates have not as many bytes as announced (RFC 8879 §4)"
            }
        })
    }
}

impl core::error::Error for DecompressError {}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// A chain as servers have it.
    fn chain() -> Vec<u8> {
        let authority = keyward_pki::Authority::new("a CA with a long name").unwrap();
        let names = ["shop.example", "blog.example", "www.shop.example"];
        let issued = authority
            .issue_server(&names, keyward_pki::KeyAlgorithm::Rsa2048)
            .unwrap();
        let mut chain: Vec<u8> = issued
            .chain_der
            .iter()
            .flat_map(|der| der.to_vec())
            .collect();
        chain.extend_from_slice(authority.ca_der());
        chain
    }

    #[test]
    fn a_chain_becomes_smaller_and_itself_again() {
        let chain = chain();
        for algorithm in ALGORITHMS {
            let message = compress(algorithm, &chain).unwrap();
            let length = message.compressed_certificate_message.len();
            assert!(
                length * 100 < chain.len() * 95,
                "{algorithm}: {length} of {}",
                chain.len()
            );
            assert_eq!(decompress(&message, chain.len()).unwrap(), chain);
        }
    }

    #[test]
    fn what_does_not_become_smaller_is_not_compressed() {
        for algorithm in ALGORITHMS {
            assert_eq!(compress(algorithm, b"too short"), None);
        }
        assert_eq!(compress(Algorithm(4), &[0; 1000]), None);
    }

    #[test]
    fn a_length_that_is_not_the_announced_one_is_refused() {
        for algorithm in ALGORITHMS {
            let good = compress(algorithm, &[5; 1000]).unwrap();
            for length in [0, 1, 999, 1001, 0xff_ffff] {
                let message = CompressedCertificate {
                    uncompressed_length: length,
                    ..good.clone()
                };
                assert_eq!(
                    decompress(&message, usize::MAX),
                    Err(DecompressError::WrongLength),
                    "{algorithm} {length}"
                );
            }
            assert_eq!(decompress(&good, 999), Err(DecompressError::TooLong));
            let unknown = CompressedCertificate {
                algorithm: Algorithm(0),
                ..good
            };
            assert_eq!(
                decompress(&unknown, 1000),
                Err(DecompressError::UnknownAlgorithm)
            );
        }
    }

    /// What comes out is bounded, however much is in it.
    #[test]
    fn a_bomb_does_not_go_off() {
        for algorithm in ALGORITHMS {
            let mut bomb = compress(algorithm, &vec![0; 10_000_000]).unwrap();
            assert!(
                bomb.compressed_certificate_message.len() < 50_000,
                "{algorithm}"
            );
            bomb.uncompressed_length = 1000;
            assert_eq!(decompress(&bomb, 1000), Err(DecompressError::WrongLength));
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_refused() {
        let chain = chain();
        for algorithm in ALGORITHMS {
            let good = compress(algorithm, &chain).unwrap();
            for length in 0..good.compressed_certificate_message.len() {
                let mut cut = good.clone();
                cut.compressed_certificate_message.truncate(length);
                assert_eq!(
                    decompress(&cut, chain.len()),
                    Err(DecompressError::Corrupt),
                    "{algorithm} {length}"
                );
            }
        }
    }

    static GOOD: LazyLock<[CompressedCertificate; 3]> = LazyLock::new(|| {
        let text = (0..2000u32).flat_map(|i| (i * i % 977).to_be_bytes());
        let text: Vec<u8> = text.collect();
        ALGORITHMS.map(|algorithm| compress(algorithm, &text).unwrap())
    });

    proptest! {
        #[test]
        fn anything_comes_back(bytes in proptest::collection::vec(0..4u8, 0..5000)) {
            for algorithm in ALGORITHMS {
                if let Some(message) = compress(algorithm, &bytes) {
                    prop_assert_eq!(decompress(&message, bytes.len()).unwrap(), bytes.as_slice());
                }
            }
        }

        #[test]
        fn noise_does_no_harm(
            algorithm in 1..4u16,
            bytes in proptest::collection::vec(any::<u8>(), 1..500),
        ) {
            let _ = decompress(&CompressedCertificate {
                algorithm: Algorithm(algorithm),
                uncompressed_length: 1000,
                compressed_certificate_message: bytes,
            }, 1000);
        }

        #[test]
        fn a_changed_message_does_no_harm(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            for good in &*GOOD {
                let mut message = good.clone();
                let bytes = &mut message.compressed_certificate_message;
                for (at, byte) in &changes {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
                if let Ok(out) = decompress(&message, 8000) {
                    prop_assert_eq!(out.len(), 8000);
                }
            }
        }
    }
}
