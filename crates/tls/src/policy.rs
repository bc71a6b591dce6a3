use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

/// What may be negotiated with a peer, each list in order of preference.
///
/// [`modern`](Self::modern), [`intermediate`](Self::intermediate) and [`legacy`](Self::legacy) are
/// the policies that operators name; the lists may be changed. What the engine does not know is
/// passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Protocol versions; the highest in common is taken, whatever the order. TLS 1.3 should be among
    /// them: a TLS 1.2 handshake always carries the sentinel of RFC 9846 §4.2.3, by which a client
    /// that offered TLS 1.3 ends it.
    pub versions: Vec<ProtocolVersion>,
    /// Key-exchange groups. If the first that the client supports is post-quantum, it is taken even if that
    /// costs a HelloRetryRequest. MLKEM1024 is in no named policy: it is for who must have it (CNSA 2.0).
    pub groups: Vec<NamedGroup>,
    /// Cipher suites of all versions. A client that prefers ChaCha20-Poly1305 to all others, as those
    /// without AES in hardware do, gets it if it is among them.
    pub cipher_suites: Vec<CipherSuite>,
    /// Whether what servers should no longer select (RFC 10015) may be selected where it is listed:
    /// RSA key transport, Diffie-Hellman in a finite field, CBC suites.
    pub legacy: bool,
    /// The signature schemes that our own keys may sign with, in order of preference; `None`: all that
    /// they can.
    pub signature_schemes: Option<Vec<SignatureScheme>>,
    /// Whether a TLS 1.2 handshake without the extended master secret (RFC 7627) ends.
    pub require_extended_master_secret: bool,
    /// Whether a TLS 1.2 peer may renegotiate, a bounded number of times and only as RFC 5746 and the
    /// extended master secret secure it. Otherwise it gets `no_renegotiation`. No named policy has it.
    pub renegotiation: bool,
}

impl Policy {
    /// TLS 1.3 only.
    pub fn modern() -> Self {
        Self {
            versions: vec![ProtocolVersion::TLS13],
            groups: vec![
                NamedGroup::X25519MLKEM768,
                NamedGroup::X25519,
                NamedGroup::SECP256R1,
                NamedGroup::SECP384R1,
            ],
            cipher_suites: vec![
                CipherSuite::TLS_AES_128_GCM_SHA256,
                CipherSuite::TLS_AES_256_GCM_SHA384,
                CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
            ],
            legacy: false,
            signature_schemes: None,
            require_extended_master_secret: true,
            renegotiation: false,
        }
    }

    /// TLS 1.3, and TLS 1.2 with forward secrecy and AEAD. The default.
    pub fn intermediate() -> Self {
        let mut policy = Self::modern();
        policy.versions.push(ProtocolVersion::TLS12);
        policy.cipher_suites.extend([
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]);
        policy
    }

    /// [`intermediate`](Self::intermediate), and what only clients from before it need: CBC suites,
    /// Diffie-Hellman in the finite fields of RFC 7919, RSA key transport, master secrets that are not
    /// extended. What has forward secrecy comes first, and of two alike the one with AEAD.
    pub fn legacy() -> Self {
        let mut policy = Self::intermediate();
        policy.groups.extend([
            NamedGroup::SECP521R1,
            NamedGroup::FFDHE2048,
            NamedGroup::FFDHE3072,
            NamedGroup::FFDHE4096,
        ]);
        policy.cipher_suites.extend([
            CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
            CipherSuite::TLS_DHE_RSA_WITH_AES_128_CBC_SHA256,
            CipherSuite::TLS_DHE_RSA_WITH_AES_256_CBC_SHA256,
            CipherSuite::TLS_DHE_RSA_WITH_AES_128_CBC_SHA,
            CipherSuite::TLS_DHE_RSA_WITH_AES_256_CBC_SHA,
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256,
            CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
            CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
            CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA,
        ]);
        policy.legacy = true;
        policy.require_extended_master_secret = false;
        policy
    }

    /// The policy of this name: `modern`, `intermediate` or `legacy`.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "modern" => Some(Self::modern()),
            "intermediate" => Some(Self::intermediate()),
            "legacy" => Some(Self::legacy()),
            _ => None,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::intermediate()
    }
}
