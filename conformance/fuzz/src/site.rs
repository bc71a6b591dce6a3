//! Who answers the engine's needs: rightly, wrongly, or with an error.

use std::sync::{Arc, LazyLock, Mutex};

use keyward_crypto::certificate::CertificateInfo;
use keyward_crypto::hkdf::Secret;
use keyward_crypto::random::{SecureRandom, SystemRandom};
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::tls13::server_delegated_credential_message;
use keyward_keyop::{KeyId, KeyRules, Operation, OperationKind, OperationResult};
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{
    Answer, CertificateAnswer, CertificateRejection, ClientAuthentication, ClientSession,
    Credential, Need, NeedError, NewSessionKind, OcspResponse, OfferedSession, Policy,
    SessionState, SignedCertificateTimestampList, UnixTime,
};
use keyward_wire::extensions::DelegatedCredential;
use keyward_wire::values::SignatureScheme;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::keyop::KEYS;
use crate::mutate::Numbers;

/// Our certificates, as the engine has them: of the keys that answer key operations.
pub static CREDENTIALS: LazyLock<[Arc<Credential>; 3]> = LazyLock::new(|| {
    [
        &include_bytes!("../../../crates/crypto/tests/data/p256.crt.pem")[..],
        include_bytes!("../../../crates/crypto/tests/data/rsa2048.crt.pem"),
        include_bytes!("../../../crates/crypto/tests/data/ed25519.crt.pem"),
    ]
    .map(|pem| {
        let certificate = CertificateDer::from_pem_slice(pem).expect("the tests' certificate");
        Arc::new(Credential::new(vec![certificate]).expect("a chain of one"))
    })
});

/// P-256 once more, with all that may be presented beside a certificate: an OCSP response, timestamps, and a credential
/// (RFC 9345) that delegates to the Ed25519 key.
pub static ADORNED: LazyLock<Arc<Credential>> = LazyLock::new(|| {
    let certificate = CertificateDer::from_pem_slice(DELEGATES).expect("a certificate");
    let scts = SignedCertificateTimestampList(vec![0, 5, 0, 3, 7, 7, 7]);
    let credential = Credential::new(vec![certificate.clone()])
        .and_then(|credential| credential.with_ocsp(OcspResponse(vec![0x30; 300])))
        .and_then(|credential| credential.with_scts(scts))
        .and_then(|credential| credential.with_delegated(&delegated(&certificate)))
        .expect("what belongs to the certificate");
    Arc::new(credential)
});

/// A certificate of the P-256 key that may delegate.
pub const DELEGATES: &[u8] = include_bytes!("../data/delegates.crt.pem");

/// When handshakes happen.
pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// A credential that this certificate delegates to the Ed25519 key, for a day from [`NOW`] on.
pub fn delegated(certificate: &[u8]) -> DelegatedCredential {
    let info = CertificateInfo::parse(certificate).expect("a certificate");
    let expires = NOW.as_millis() / 1000 + 24 * 60 * 60;
    let mut credential = DelegatedCredential {
        valid_time: u32::try_from(expires - info.not_before()).expect("some months"),
        dc_cert_verify_algorithm: SignatureScheme::ED25519,
        subject_public_key_info: KEYS[2].public_key().spki_der().to_vec(),
        algorithm: SignatureScheme::ECDSA_SECP256R1_SHA256,
        signature: Vec::new(),
    };
    let message = server_delegated_credential_message(certificate, &credential);
    credential.signature = KEYS[0]
        .sign(SignatureAlgorithm::EcdsaSha256, &message)
        .expect("a P-256 key signs");
    credential
}

static TICKETS: LazyLock<TicketKeys> = LazyLock::new(|| {
    TicketKeys::new(&[[0x5e; 32]], Arc::new(SystemRandom)).expect("a key of the right length")
});

/// The same bytes in every run.
#[derive(Debug)]
pub struct Repeatable(pub Mutex<Numbers>);

impl Repeatable {
    /// From this number on.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Numbers(seed))))
    }
}

impl SecureRandom for Repeatable {
    fn fill(&self, out: &mut [u8]) -> Result<(), keyward_crypto::CryptoError> {
        let mut numbers = self.0.lock().expect("no holder panics");
        for piece in out.chunks_mut(8) {
            piece.copy_from_slice(&numbers.number().to_be_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

/// How a need is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As a whole Keyward would.
    Right,
    /// With an error.
    Failing(NeedError),
    /// With something that is not what was asked for.
    Wrong(u8),
}

impl Mood {
    /// From a byte; most are right.
    pub fn of(byte: u8) -> Self {
        const ERRORS: [NeedError; 5] = [
            NeedError::UnrecognizedName,
            NeedError::Refused,
            NeedError::Unavailable,
            NeedError::Overloaded,
            NeedError::Expired,
        ];
        match byte {
            0..=0xbf => Self::Right,
            0xc0..=0xdf => Self::Failing(ERRORS[usize::from(byte) % ERRORS.len()]),
            _ => Self::Wrong(byte & 0x1f),
        }
    }
}

/// A site's answers.
pub struct Site {
    /// What may be negotiated.
    pub policy: Arc<Policy>,
    /// Which of [`CREDENTIALS`] it has, as bits.
    pub credentials: u8,
    /// Whether [`ADORNED`] takes the place of the P-256 certificate.
    pub adorned: bool,
    /// Its protocols.
    pub alpn: Vec<Vec<u8>>,
    /// What its sessions are bound to.
    pub context: Vec<u8>,
    /// Sessions by id, and those in tickets.
    pub sessions: Vec<(Vec<u8>, SessionState)>,
    /// Whether early data is taken.
    pub early_data: bool,
    /// Whether clients are asked for certificates.
    pub client_authentication: ClientAuthentication,
    /// A client's session to offer.
    pub session: Option<ClientSession>,
    /// It said that a peer is to be trusted.
    pub trusted: bool,
}

impl Default for Site {
    /// With P-256, and nothing special.
    fn default() -> Self {
        Self {
            policy: Arc::new(Policy::intermediate()),
            credentials: 1,
            adorned: false,
            alpn: Vec::new(),
            context: Vec::new(),
            sessions: Vec::new(),
            early_data: false,
            client_authentication: ClientAuthentication::Off,
            session: None,
            trusted: false,
        }
    }
}

impl Site {
    /// Answers a need.
    ///
    /// # Panics
    /// If the engine asks for what the key server would refuse.
    pub fn answer(&mut self, need: Need, mood: Mood) -> Answer {
        let wrong = match mood {
            Mood::Failing(error) => return need.fail(error),
            Mood::Wrong(how) => Some(how),
            Mood::Right => None,
        };
        match need {
            Need::Certificate(need) => need.answer(Ok(self.certificate(wrong))),
            Need::Session(need) => {
                let mut found = need
                    .offered()
                    .iter()
                    .enumerate()
                    .find_map(|(at, offered)| Some((at, self.session(offered)?)));
                if let (Some(how), Some(found)) = (wrong, &mut found) {
                    found.0 += usize::from(how);
                }
                need.answer(Ok(found))
            }
            Need::KeyOperation(need) => {
                let result = self.perform(need.operation());
                let result = match (wrong, result) {
                    (Some(0), _) => OperationResult::MasterSecret(Secret::from_slice(&[7; 48])),
                    (Some(1), _) => OperationResult::Signature(Vec::new()),
                    (Some(2), _) => OperationResult::Signature(vec![0x30; 70_000]),
                    (Some(how), OperationResult::Signature(mut signature)) => {
                        let at = usize::from(how) % signature.len();
                        signature[at] ^= 0x10;
                        OperationResult::Signature(signature)
                    }
                    (_, result) => result,
                };
                need.answer(Ok(result))
            }
            Need::NewSession(need) => {
                let id = match need.kind() {
                    NewSessionKind::SessionId(id) => id.clone(),
                    _ => Vec::new(),
                };
                self.sessions.push((id, need.state().clone()));
                let ticket = match wrong {
                    Some(0) => Some(Vec::new()),
                    Some(1) => Some(vec![7; 70_000]),
                    Some(2) => None,
                    _ => TICKETS.seal(need.state()),
                };
                need.answer(Ok(ticket))
            }
            Need::PeerCertificate(need) => {
                self.trusted |= wrong.is_none();
                let rejection = CertificateRejection::UnknownAuthority;
                need.answer(match wrong {
                    None => Ok(()),
                    Some(_) => Err(NeedError::Certificate(rejection)),
                })
            }
            Need::OfferSession(need) => need.answer(Ok(self.session.take())),
            Need::ClientCertificate(need) => need.answer(Ok(match wrong {
                None => Some(vec![CREDENTIALS[0].clone()]),
                Some(0) => Some(Vec::new()),
                Some(1) => Some(CREDENTIALS.to_vec()),
                Some(_) => None,
            })),
            Need::EarlyData(need) => need.answer(Ok(wrong.is_none())),
            other => other.fail(NeedError::Unavailable),
        }
    }

    /// What there is for a client.
    pub fn certificate(&self, wrong: Option<u8>) -> CertificateAnswer {
        let candidates = CREDENTIALS.iter().enumerate();
        let mut answer = CertificateAnswer {
            candidates: candidates
                .filter(|(at, _)| self.credentials & (1 << at) != 0)
                .map(|(at, credential)| match (at, self.adorned) {
                    (0, true) => ADORNED.clone(),
                    _ => credential.clone(),
                })
                .collect(),
            policy: self.policy.clone(),
            alpn: self.alpn.clone(),
            session_context: self.context.clone(),
            client_authentication: self.client_authentication.clone(),
            ..CertificateAnswer::default()
        };
        match wrong {
            Some(0) => answer.candidates.clear(),
            Some(1) => answer.session_context = vec![7; 300],
            Some(2) => answer.alpn = vec![vec![7; 300], Vec::new()],
            Some(3) => {
                let mut policy = Policy::clone(&answer.policy);
                policy.versions.clear();
                answer.policy = Arc::new(policy);
            }
            Some(4) => {
                let mut policy = Policy::clone(&answer.policy);
                policy.groups.clear();
                answer.policy = Arc::new(policy);
            }
            Some(5) => {
                let mut policy = Policy::clone(&answer.policy);
                policy.cipher_suites.reverse();
                policy.groups.reverse();
                answer.policy = Arc::new(policy);
            }
            _ => {}
        }
        answer
    }

    fn session(&self, offered: &OfferedSession) -> Option<SessionState> {
        match offered {
            OfferedSession::Ticket(ticket) => TICKETS.open(ticket),
            OfferedSession::SessionId(id) => {
                let found = self
                    .sessions
                    .iter()
                    .find(|(known, _)| known == id && !id.is_empty())?;
                Some(found.1.clone())
            }
        }
    }

    /// What the key server does. The engine asks for nothing that it would refuse.
    fn perform(&self, operation: &Operation) -> OperationResult {
        let key = KEYS
            .iter()
            .find(|key| KeyId::of_public_key(key.public_key()) == operation.key())
            .expect("the operation names a key of the site");
        let rules = KeyRules {
            rsa_decryption: true,
            legacy: self.policy.legacy,
            client: matches!(
                operation.kind(),
                OperationKind::Tls13ClientCertificateVerify
                    | OperationKind::Tls12ClientCertificateVerify
            ),
            ..KeyRules::signing(key.public_key())
        };
        let checked = operation
            .check(&rules)
            .unwrap_or_else(|error| panic!("the key server refuses what the engine asks: {error}"));
        checked.perform(key).expect("the right key")
    }
}
