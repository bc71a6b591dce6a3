//! Whoever has a session ticket key can write sessions with it: that a client was known, or that early data may come. With
//! the keys that edges share, nobody writes such a session for a site that would believe it.

use std::fs;

use keyward_crypto::random::SystemRandom;
use keyward_keyclient::{TenantTicketKeys, TicketKeys as Received};
use keyward_pki::{Authority, KeyAlgorithm};
use keyward_tls::tickets::TicketKeys;
use keyward_tls::{
    ClientConfig, ClientConnection, ClientSession, Policy, ServerConfig, ServerConnection,
    SessionState, Step,
};
use keyward_wire::codec::Put;
use rustls_pki_types::CertificateDer;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use super::*;
use crate::config::Config;

/// The key that edges share, and that somebody has stolen.
const STOLEN: [u8; 32] = [7; 32];

struct World {
    resolver: Resolver,
    /// A client's certificate that the sites trust; who forges has it and not its key.
    member: CertificateDer<'static>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| fs::write(folder.path().join(name), content);
        let ca = Authority::new("all").unwrap();
        let names = ["*.example"];
        let leaf = ca.issue_server(&names, KeyAlgorithm::P256).unwrap();
        let member = ca.issue_client("member").unwrap();
        write("ca.pem", &ca.ca_pem()).unwrap();
        write("site.pem", &leaf.chain_pem).unwrap();
        write("edge.pem", &member.chain_pem).unwrap();
        write("edge.key", &member.key_pem).unwrap();
        let site = |name: &str, setting: &str| {
            format!(
                "[[site]]\nnames = [\"{name}.example\"]\nupstream = \"tcp://127.0.0.1:1\"\n\
                 certificates = [\"site.pem\"]\n{setting}\n"
            )
        };
        let text = [
            "[[listen]]\naddress = \"127.0.0.1:0\"\n[key_server]\naddress = \"unix:/nobody\"\n\
             name = \"keyserver\"\nca = \"ca.pem\"\ncertificate = \"edge.pem\"\nkey = \"edge.key\"\n"
                .to_owned(),
            site("plain", ""),
            site("optional", "client_auth = \"optional\"\nclient_ca = \"ca.pem\""),
            site("required", "client_auth = \"required\"\nclient_ca = \"ca.pem\""),
            site("early", "early_data = { max_bytes = 4096 }").replace("tcp:", "http:"),
        ]
        .concat();
        let config = Config::parse(&text, &folder.path().join("edge.toml")).unwrap();
        let sites = crate::edge::sites(&config, &TaskTracker::new()).unwrap();
        let resumption = Resumption::new(8, Arc::new(SystemRandom)).unwrap();
        let received = Received {
            epoch: 1,
            epoch_s: 3600,
            next_ms: 1_800_000,
            tenants: vec![TenantTicketKeys {
                names: vec!["*.example".to_owned()],
                previous: None,
                current: Zeroizing::new(STOLEN),
                next: Zeroizing::new([8; 32]),
            }],
        };
        resumption.share(&received).unwrap();
        Self {
            resolver: Resolver {
                sites: Arc::new(Sites::new(sites)),
                resumption: Arc::new(resumption),
                keys: KeyClient::start(config.key_server).unwrap(),
                key_operation_timeout: Duration::from_millis(1),
                early_data: Register::new(8),
                delegated: Arc::default(),
                counters: Arc::default(),
                last_resort: None,
            },
            member: member.chain_der[0].clone(),
        }
    }

    /// What ties sessions to a site: whoever knows its configuration knows it.
    fn context(&self, name: &str) -> Vec<u8> {
        let site = self.resolver.sites.find(Some(name)).unwrap();
        let wanted = Wanted {
            server_name: Some(name),
            operation: OperationKind::Tls13ServerCertificateVerify,
        };
        site.answer(wanted).unwrap().session_context
    }

    /// A session that looks to the site called so as if it were its own, and that `peer` had begun.
    fn forge(&self, name: &str, peer: Option<&CertificateDer<'static>>, early: u32) -> Vec<u8> {
        let mut out = vec![3, 0x03, 0x04, 0x13, 0x01];
        for _ in ["created", "issued"] {
            out.put_u64(UnixTime::now().as_millis());
        }
        out.put_u32(3600);
        out.put_u32(0);
        out.put_u8(1);
        out.put_opaque_u8(&[0x5a; 32]);
        out.put_opaque_u8(name.as_bytes());
        out.put_opaque_u8(b"");
        out.put_opaque_u8(&self.context(name));
        out.put_u32(early);
        out.put_vector_u16(|out| {
            if let Some(peer) = peer {
                out.put_opaque_u16(peer);
            }
        });
        out.put_opaque_u16(b"");
        out.put_opaque_u16(b"");
        out
    }

    /// Whether a client with such a session is believed, and whether its early data would be taken.
    fn believes(
        &self,
        name: &str,
        peer: Option<&CertificateDer<'static>>,
        early: u32,
    ) -> [bool; 2] {
        let state = self.forge(name, peer, early);
        let keys = TicketKeys::new(&[STOLEN], Arc::new(SystemRandom)).unwrap();
        let ticket = keys.seal(&SessionState::decode(&state).unwrap()).unwrap();
        let mut session = vec![1, 0];
        session.put_opaque_u16(&ticket);
        session.put_opaque_u8(name.as_bytes());
        session.put_u64(UnixTime::now().as_millis());
        session.put_opaque_u24(&state);
        let session = ClientSession::decode(&session).unwrap();

        let policy = Policy {
            cipher_suites: vec![CipherSuite::TLS_AES_128_GCM_SHA256],
            ..Policy::default()
        };
        let config = ClientConfig {
            policy: Arc::new(policy),
            session_context: self.context(name),
            resumption: true,
            early_data: true,
            ..ClientConfig::default()
        };
        let mut client = ClientConnection::new(Arc::new(config), name.parse().unwrap()).unwrap();
        loop {
            let answer = match client.step(UnixTime::now()).unwrap() {
                Step::Need(Need::OfferSession(need)) => need.answer(Ok(Some(session.clone()))),
                Step::Need(Need::PeerCertificate(need)) => need.answer(Ok(())),
                Step::Blocked => break,
                step => panic!("the client: {step:?}"),
            };
            client.answer(answer).unwrap();
        }
        if early > 0 {
            client.send_early(b"early").unwrap();
        }

        let config = ServerConfig {
            session_lifetime_s: 3600,
            early_data: 4096,
            ..ServerConfig::default()
        };
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        assert_eq!(server.receive(client.output()), client.output().len());
        let mut findings = Findings::default();
        let mut early_data = false;
        loop {
            match server.step(UnixTime::now()).unwrap() {
                Step::Need(need) => {
                    early_data |= matches!(need, Need::EarlyData(_));
                    match self.resolver.resolve(need, &mut findings) {
                        Resolution::Now(answer) => server.answer(answer).unwrap(),
                        // A full handshake: the key server signs it.
                        Resolution::Later(_) => return [false, early_data],
                    }
                }
                // All that there is to do, or data that came early.
                _ => return [server.negotiated().is_some_and(|it| it.resumed), early_data],
            }
        }
    }
}

#[tokio::test]
async fn none_is_believed_where_it_would_say_who_the_client_is_or_bring_early_data() {
    let world = World::new();
    let member = Some(&world.member);
    // What is forged is right in everything: for a site that believes the key it is good.
    assert_eq!(world.believes("plain.example", None, 0), [true, false]);
    for (name, peer, early) in [
        ("optional.example", member, 0),
        ("optional.example", None, 0),
        ("required.example", member, 0),
        ("early.example", None, 4096),
        ("early.example", None, 0),
    ] {
        let believed = world.believes(name, peer, early);
        assert_eq!(believed, [false, false], "{name} {peer:?} {early}");
    }
}
