//! Rules of others, as the runner's tests have them, in terms of the engine's policy.

use keyward_tls::Policy;
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

#[derive(Debug)]
pub(crate) struct Compliance {
    versions: &'static [ProtocolVersion],
    groups: &'static [NamedGroup],
    cipher_suites: &'static [CipherSuite],
    /// For signatures of both sides.
    pub(crate) signature_schemes: &'static [SignatureScheme],
}

const BOTH: [ProtocolVersion; 2] = [ProtocolVersion::TLS13, ProtocolVersion::TLS12];

/// SP 800-52r2, as of May 2022.
pub(crate) static FIPS_202205: Compliance = Compliance {
    versions: &BOTH,
    groups: &[NamedGroup::SECP256R1, NamedGroup::SECP384R1],
    cipher_suites: &[
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ],
    signature_schemes: &[
        SignatureScheme::ECDSA_SECP256R1_SHA256,
        SignatureScheme::ECDSA_SECP384R1_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA512,
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
    ],
};

/// WPA3's 192-bit mode, as of April 2023.
pub(crate) static WPA_202304: Compliance = Compliance {
    versions: &BOTH,
    groups: &[NamedGroup::SECP384R1],
    cipher_suites: &[
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ],
    signature_schemes: &[
        SignatureScheme::ECDSA_SECP384R1_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA512,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
    ],
};

/// CNSA's preference for AES-256, as of July 2024.
pub(crate) static CNSA_202407: Compliance = Compliance {
    versions: &[ProtocolVersion::TLS13],
    groups: &[
        NamedGroup::X25519,
        NamedGroup::SECP256R1,
        NamedGroup::SECP384R1,
    ],
    cipher_suites: &[
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_AES_128_GCM_SHA256,
    ],
    signature_schemes: FIPS_202205.signature_schemes,
};

/// CNSA 1.0, with ML-KEM for those who have it, as of March 2026.
pub(crate) static CNSA1_202603: Compliance = Compliance {
    versions: &BOTH,
    groups: &[NamedGroup::MLKEM1024, NamedGroup::SECP384R1],
    cipher_suites: &[
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    ],
    signature_schemes: &CNSA_SCHEMES,
};

/// CNSA 2.0, but for its signatures, as of March 2026.
pub(crate) static CNSA2_202603: Compliance = Compliance {
    versions: &[ProtocolVersion::TLS13],
    groups: &[NamedGroup::MLKEM1024],
    cipher_suites: &[CipherSuite::TLS_AES_256_GCM_SHA384],
    signature_schemes: &CNSA_SCHEMES,
};

const CNSA_SCHEMES: [SignatureScheme; 3] = [
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PKCS1_SHA384,
];

impl Compliance {
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            versions: self.versions.to_vec(),
            groups: self.groups.to_vec(),
            cipher_suites: self.cipher_suites.to_vec(),
            // One of them has RSA key transport.
            legacy: true,
            signature_schemes: Some(self.signature_schemes.to_vec()),
            require_extended_master_secret: true,
            ..Policy::default()
        }
    }
}
