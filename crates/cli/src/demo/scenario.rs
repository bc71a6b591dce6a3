//! The handshakes that the demo makes, and what has to come out.

/// One row of the demo.
pub(crate) struct Scenario {
    /// Short and stable, for scripts.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// What the client does; none is plain HTTP.
    pub(crate) tls: Option<Client>,
    pub(crate) expect: Expect,
}

/// How the client connects.
pub(crate) struct Client {
    pub(crate) site: Site,
    /// s2n-tls's name of a set of versions, suites and groups.
    pub(crate) offer: &'static str,
    /// The scenario whose session is taken up again.
    pub(crate) resumes: Option<&'static str>,
}

/// The sites behind the edge; they differ in their certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// An ECDSA and an RSA certificate: the edge takes ECDSA where the client knows it.
    Both,
    /// An RSA certificate only.
    Rsa,
    /// For clients from before ECDHE: an RSA certificate whose key decrypts and signs nothing.
    Legacy,
}

impl Site {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Both => "demo.keyward.test",
            Self::Rsa => "rsa.keyward.test",
            Self::Legacy => "legacy.keyward.test",
        }
    }
}

/// What has to come out.
pub(crate) struct Expect {
    pub(crate) version: &'static str,
    /// One of these; none for HTTP.
    pub(crate) cipher_suites: &'static [&'static str],
    pub(crate) has_group: bool,
    pub(crate) certificate: Option<Kind>,
    pub(crate) resumed: bool,
    pub(crate) round_trips: u32,
    pub(crate) key_operations: u32,
}

/// The demo's two certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ecdsa,
    Rsa,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ecdsa => "ECDSA P-256",
            Self::Rsa => "RSA 2048",
        }
    }
}

/// TLS 1.3 and 1.2 with the post-quantum hybrid.
const OFFER_TLS13: &str = "default_pq";
/// TLS 1.2 with ECDHE only.
const OFFER_TLS12: &str = "20240501";
/// TLS 1.2 with RSA key transport only.
const OFFER_RSA_KEY_TRANSPORT: &str = "test_all_rsa_kex";

const TLS13_SUITES: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];
const TLS12_ECDSA_SUITES: &[&str] = &[
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
];
const RSA_KEY_TRANSPORT_SUITES: &[&str] = &[
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
];

/// In the order in which they are made; a resumed one comes after what it resumes.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "http",
        title: "Plain HTTP, for comparison",
        tls: None,
        expect: Expect {
            version: "HTTP",
            cipher_suites: &[],
            has_group: false,
            certificate: None,
            resumed: false,
            round_trips: 2,
            key_operations: 0,
        },
    },
    Scenario {
        name: "tls13-full-ecdsa",
        title: "TLS 1.3, full, ECDSA certificate",
        tls: Some(Client {
            site: Site::Both,
            offer: OFFER_TLS13,
            resumes: None,
        }),
        expect: Expect {
            version: "TLS 1.3",
            cipher_suites: TLS13_SUITES,
            has_group: true,
            certificate: Some(Kind::Ecdsa),
            resumed: false,
            round_trips: 3,
            key_operations: 1,
        },
    },
    Scenario {
        name: "tls13-full-rsa",
        title: "TLS 1.3, full, RSA certificate",
        tls: Some(Client {
            site: Site::Rsa,
            offer: OFFER_TLS13,
            resumes: None,
        }),
        expect: Expect {
            version: "TLS 1.3",
            cipher_suites: TLS13_SUITES,
            has_group: true,
            certificate: Some(Kind::Rsa),
            resumed: false,
            round_trips: 3,
            key_operations: 1,
        },
    },
    Scenario {
        name: "tls13-resumed",
        title: "TLS 1.3, resumed",
        tls: Some(Client {
            site: Site::Both,
            offer: OFFER_TLS13,
            resumes: Some("tls13-full-ecdsa"),
        }),
        expect: Expect {
            version: "TLS 1.3",
            cipher_suites: TLS13_SUITES,
            has_group: true,
            certificate: None,
            resumed: true,
            round_trips: 3,
            key_operations: 0,
        },
    },
    Scenario {
        name: "tls12-full-ecdhe",
        title: "TLS 1.2, full, ECDHE with ECDSA certificate",
        tls: Some(Client {
            site: Site::Both,
            offer: OFFER_TLS12,
            resumes: None,
        }),
        expect: Expect {
            version: "TLS 1.2",
            cipher_suites: TLS12_ECDSA_SUITES,
            has_group: true,
            certificate: Some(Kind::Ecdsa),
            resumed: false,
            round_trips: 4,
            key_operations: 1,
        },
    },
    Scenario {
        name: "tls12-resumed",
        title: "TLS 1.2, resumed",
        tls: Some(Client {
            site: Site::Both,
            offer: OFFER_TLS12,
            resumes: Some("tls12-full-ecdhe"),
        }),
        expect: Expect {
            version: "TLS 1.2",
            cipher_suites: TLS12_ECDSA_SUITES,
            has_group: false,
            certificate: None,
            resumed: true,
            round_trips: 3,
            key_operations: 0,
        },
    },
    Scenario {
        name: "tls12-rsa-key-transport",
        title: "TLS 1.2, full, RSA key transport (legacy policy)",
        tls: Some(Client {
            site: Site::Legacy,
            offer: OFFER_RSA_KEY_TRANSPORT,
            resumes: None,
        }),
        expect: Expect {
            version: "TLS 1.2",
            cipher_suites: RSA_KEY_TRANSPORT_SUITES,
            has_group: false,
            certificate: Some(Kind::Rsa),
            resumed: false,
            round_trips: 4,
            key_operations: 1,
        },
    },
];
