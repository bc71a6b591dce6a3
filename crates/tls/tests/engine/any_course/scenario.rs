//! The handshakes there are, as a table, and what is done once they are complete.

use std::sync::Arc;

use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, ClientConfig, KeyShares, Policy, ServerConfig,
};
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion};

use super::repeating::Repeating;
use crate::support::{KeyAlgorithm, Site, Visitor, client_identity};

/// What is done when all that was said before has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The client sends early data, before its ClientHello is answered.
    EarlyData,
    /// Both sides send data.
    Data,
    /// The server asks for a renegotiation.
    Renegotiate,
    /// A side updates its keys, and has the other do the same.
    UpdateKeys(Who),
    Close(Who),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Client,
    Server,
}

#[derive(Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    version: ProtocolVersion,
    suite: CipherSuite,
    /// The server's key.
    key: KeyAlgorithm,
    /// The group that the server wants, if it is not the client's first.
    group: Option<NamedGroup>,
    authenticates: bool,
    pub(super) resumes: bool,
    pub(super) early_data: bool,
    renegotiates: bool,
    pub(super) acts: &'static [Act],
}

const TLS13: Scenario = Scenario {
    name: "TLS 1.3",
    version: ProtocolVersion::TLS13,
    suite: CipherSuite::TLS_AES_128_GCM_SHA256,
    key: KeyAlgorithm::P256,
    group: None,
    authenticates: false,
    resumes: false,
    early_data: false,
    renegotiates: false,
    acts: &[Act::Data, Act::Close(Who::Client), Act::Close(Who::Server)],
};

const TLS12: Scenario = Scenario {
    name: "TLS 1.2, ECDHE and ECDSA",
    version: ProtocolVersion::TLS12,
    suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    acts: &[Act::Data, Act::Close(Who::Server), Act::Close(Who::Client)],
    ..TLS13
};

const EARLY: &[Act] = &[
    Act::EarlyData,
    Act::Data,
    Act::Close(Who::Client),
    Act::Close(Who::Server),
];

const RENEGOTIATIONS: &[Act] = &[
    Act::Data,
    Act::Renegotiate,
    Act::Data,
    Act::Renegotiate,
    Act::Close(Who::Client),
    Act::Close(Who::Server),
];

pub(super) const ALL: [Scenario; 18] = [
    TLS13,
    Scenario {
        name: "TLS 1.3, AES-256 and an RSA key",
        suite: CipherSuite::TLS_AES_256_GCM_SHA384,
        key: KeyAlgorithm::Rsa2048,
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, HelloRetryRequest",
        group: Some(NamedGroup::SECP384R1),
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, client authentication",
        authenticates: true,
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, client authentication after a HelloRetryRequest",
        group: Some(NamedGroup::SECP256R1),
        authenticates: true,
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, resumed",
        resumes: true,
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, resumed, of a client that was authenticated",
        authenticates: true,
        resumes: true,
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, early data",
        resumes: true,
        early_data: true,
        acts: EARLY,
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, early data refused by a HelloRetryRequest",
        group: Some(NamedGroup::SECP384R1),
        resumes: true,
        early_data: true,
        acts: EARLY,
        ..TLS13
    },
    Scenario {
        name: "TLS 1.3, keys updated",
        suite: CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
        acts: &[
            Act::UpdateKeys(Who::Client),
            Act::Data,
            Act::UpdateKeys(Who::Server),
            Act::Data,
            Act::Close(Who::Server),
            Act::Close(Who::Client),
        ],
        ..TLS13
    },
    TLS12,
    Scenario {
        name: "TLS 1.2, ECDHE and RSA, ChaCha20",
        suite: CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        key: KeyAlgorithm::Rsa2048,
        group: Some(NamedGroup::SECP256R1),
        ..TLS12
    },
    Scenario {
        name: "TLS 1.2, client authentication",
        authenticates: true,
        ..TLS12
    },
    Scenario {
        name: "TLS 1.2, resumed",
        resumes: true,
        ..TLS12
    },
    Scenario {
        name: "TLS 1.2, DHE, CBC with encrypt-then-MAC",
        suite: CipherSuite::TLS_DHE_RSA_WITH_AES_128_CBC_SHA256,
        key: KeyAlgorithm::Rsa2048,
        ..TLS12
    },
    Scenario {
        name: "TLS 1.2, renegotiated",
        renegotiates: true,
        acts: RENEGOTIATIONS,
        ..TLS12
    },
    Scenario {
        name: "TLS 1.2, renegotiated with client authentication and CBC",
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
        authenticates: true,
        renegotiates: true,
        acts: RENEGOTIATIONS,
        ..TLS12
    },
    Scenario {
        name: "TLS 1.2, RSA key transport",
        suite: CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        key: KeyAlgorithm::Rsa2048,
        ..TLS12
    },
];

impl Scenario {
    /// Whether a run repeats itself to the byte: in RSA key transport the client's padding is AWS-LC's.
    pub(super) fn repeats(&self) -> bool {
        self.suite != CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256
    }

    /// The handshake that makes the session which this one resumes.
    pub(super) fn before(&self) -> Self {
        Self {
            resumes: false,
            acts: &[],
            ..*self
        }
    }

    fn policy(&self) -> Policy {
        Policy {
            versions: vec![self.version],
            groups: vec![
                NamedGroup::X25519,
                NamedGroup::SECP256R1,
                NamedGroup::SECP384R1,
                NamedGroup::FFDHE2048,
            ],
            cipher_suites: vec![self.suite],
            renegotiation: self.renegotiates,
            ..Policy::legacy()
        }
    }

    pub(super) fn site(&self) -> Site {
        let mut site = Site::new(&[self.key]);
        site.policy = self.policy();
        if let Some(group) = self.group {
            site.policy.groups = vec![group];
        }
        if self.authenticates {
            let request = ClientCertificateRequest::default();
            site.client_authentication = ClientAuthentication::Required(request);
        }
        site
    }

    pub(super) fn visitor(&self) -> Visitor {
        Visitor {
            identities: Some(vec![client_identity(KeyAlgorithm::P256)]),
            legacy: true,
            ..Visitor::default()
        }
    }

    pub(super) fn client_config(&self) -> ClientConfig {
        ClientConfig {
            random: Arc::new(Repeating::new("client")),
            policy: Arc::new(self.policy()),
            early_data: self.early_data,
            key_shares: KeyShares::First(1),
            key_log: true,
            ..ClientConfig::default()
        }
    }

    pub(super) fn server_config(&self) -> ServerConfig {
        ServerConfig {
            random: Arc::new(Repeating::new("server")),
            early_data: if self.early_data { 5000 } else { 0 },
            // With two, the order of the answers is that of the tickets.
            session_ticket_count_tls13: 1,
            key_log: true,
            ..ServerConfig::default()
        }
    }
}
