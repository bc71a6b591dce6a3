use std::sync::Arc;

use keyward_tls::{NeedKind, ServerConfig, TraceEvent, TraceItem};
use keyward_wire::values::{AlertDescription, HandshakeType as Type};

use crate::support::{ClientOptions, KeyAlgorithm, Pair, Site, client_config};

fn received(what: TraceItem) -> String {
    format!("<- {what:?}")
}

fn sent(what: TraceItem) -> String {
    format!("-> {what:?}")
}

fn names(events: Vec<TraceEvent>) -> Vec<String> {
    let names = events.into_iter().map(|event| match event {
        TraceEvent::Received { what, len } => {
            assert!(len > 0);
            received(what)
        }
        TraceEvent::Sent { what, len } => {
            assert!(len > 0);
            sent(what)
        }
        TraceEvent::NeedRaised(kind) => format!("{kind}?"),
        TraceEvent::NeedAnswered(kind) => format!("{kind}!"),
        other => panic!("{other:?}"),
    });
    names.collect()
}

#[test]
fn a_handshake_shows_in_order() {
    let client = client_config(ClientOptions::default());
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut pair = Pair::new(&client, &site);
    pair.handshake();
    for _ in 0..3 {
        pair.echo();
    }
    pair.server.close();
    let handshake = TraceItem::Handshake;
    assert_eq!(
        names(pair.server.take_trace()),
        [
            received(handshake(Type::CLIENT_HELLO)),
            format!("{}?", NeedKind::Certificate),
            format!("{}!", NeedKind::Certificate),
            sent(handshake(Type::SERVER_HELLO)),
            sent(TraceItem::ChangeCipherSpec),
            sent(handshake(Type::ENCRYPTED_EXTENSIONS)),
            sent(handshake(Type::CERTIFICATE)),
            format!("{}?", NeedKind::KeyOperation),
            format!("{}!", NeedKind::KeyOperation),
            sent(handshake(Type::CERTIFICATE_VERIFY)),
            sent(handshake(Type::FINISHED)),
            received(TraceItem::ChangeCipherSpec),
            received(handshake(Type::FINISHED)),
            format!("{}?", NeedKind::NewSession),
            format!("{}?", NeedKind::NewSession),
            format!("{}!", NeedKind::NewSession),
            sent(handshake(Type::NEW_SESSION_TICKET)),
            format!("{}!", NeedKind::NewSession),
            sent(handshake(Type::NEW_SESSION_TICKET)),
            received(TraceItem::ApplicationData),
            sent(TraceItem::ApplicationData),
            sent(TraceItem::Alert(AlertDescription::CLOSE_NOTIFY)),
        ]
    );
    assert_eq!(pair.server.take_trace(), []);
}

#[test]
fn it_can_be_turned_off() {
    let client = client_config(ClientOptions::default());
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let config = ServerConfig {
        trace: false,
        ..ServerConfig::default()
    };
    let mut pair = Pair::with_config(&client, &site, config);
    pair.handshake();
    assert_eq!(pair.server.take_trace(), []);
}
