//! Keying material for other protocols (RFC 9846 §7.5, RFC 5705), the same on both sides.

use std::sync::Arc;

use keyward_tls::{
    ClientConfig, Connection, EarlyDataStatus, Misuse, Policy, Role, ServerConfig,
    ServerConnection, Step,
};
use keyward_wire::values::{CipherSuite, NamedGroup, ProtocolVersion};
use rustls::crypto::aws_lc_rs::cipher_suite;

use crate::support::{ClientOptions, Duo, KeyAlgorithm, Pair, Site, Visitor, client_config, now};

fn pair(options: ClientOptions) -> Pair {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let mut pair = Pair::new(&client_config(options), &site);
    pair.handshake();
    pair
}

fn assert_same(pair: &Pair) {
    for (label, context, length) in [
        (&b"EXPORTER-Channel-Binding"[..], Some(&b""[..]), 32),
        (b"EXPORTER-Channel-Binding", None, 32),
        (b"EXPERIMENTAL", Some(b"context"), 1),
        (b"EXPERIMENTAL", Some(&[7; 300]), 500),
    ] {
        let mut ours = vec![0; length];
        pair.server
            .export_keying_material(label, context, &mut ours)
            .unwrap();
        let theirs = pair
            .client
            .export_keying_material(vec![0; length], label, context)
            .unwrap();
        assert_eq!(ours, theirs, "{label:?} {context:?}");
    }
}

#[test]
fn both_sides_export_the_same_in_tls13() {
    for suite in [
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
    ] {
        assert_same(&pair(ClientOptions {
            suites: vec![suite],
            ..ClientOptions::default()
        }));
    }
}

#[test]
fn both_sides_export_the_same_in_a_resumed_session() {
    let client = client_config(ClientOptions {
        resumption: true,
        ..ClientOptions::default()
    });
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    for resumed in [false, true] {
        let mut pair = Pair::new(&client, &site);
        pair.handshake();
        pair.echo();
        assert_eq!(pair.server.negotiated().unwrap().resumed, resumed);
        assert_same(&pair);
    }
}

#[test]
fn other_labels_and_contexts_give_other_material() {
    let pair = pair(ClientOptions::default());
    let export = |label: &[u8], context| {
        let mut out = [0; 32];
        pair.server
            .export_keying_material(label, context, &mut out)
            .unwrap();
        out
    };
    let base = export(b"label", Some(b"context"));
    assert_ne!(base, export(b"Label", Some(b"context")));
    assert_ne!(base, export(b"label", Some(b"Context")));
    assert_ne!(base, export(b"label", None));
    assert_eq!(base, export(b"label", Some(b"context")));
}

/// RFC 5705 does not forbid it; in TLS 1.3 RFC 9846 §7.1 does: `opaque label<7..255> = "tls13 " + Label`.
#[test]
fn a_label_may_be_empty_in_tls12() {
    let policy = Policy {
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::default()
    };
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy = policy.clone();
    let config = ClientConfig {
        policy: Arc::new(policy),
        ..ClientConfig::default()
    };
    let mut duo = Duo::with(
        &Arc::new(site),
        &Arc::default(),
        config,
        ServerConfig::default(),
    );
    duo.handshake();
    let mut material = [[0; 32]; 2];
    let [ours, theirs] = &mut material;
    duo.client.export_keying_material(b"", None, ours).unwrap();
    duo.server
        .export_keying_material(b"", None, theirs)
        .unwrap();
    assert_eq!(ours, theirs);
    assert_ne!(*ours, [0; 32]);
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let pair = pair(ClientOptions {
        suites: vec![cipher_suite::TLS13_AES_128_GCM_SHA256],
        ..ClientOptions::default()
    });
    let export = |label: &[u8], length| {
        let mut out = vec![0; length];
        pair.server.export_keying_material(label, None, &mut out)
    };
    for label in [&b""[..], &[b'x'; 250], b"key expansion", b"master secret"] {
        assert_eq!(export(label, 32), Err(Misuse::ExporterLabel));
    }
    assert_eq!(export(&[b'x'; 249], 255 * 32), Ok(()));
    assert_eq!(export(b"label", 255 * 32 + 1), Err(Misuse::ExporterLength));
}

#[test]
fn nothing_is_exported_before_the_handshake_is_complete() {
    let server = ServerConnection::new(Arc::new(ServerConfig::default())).unwrap();
    assert_eq!(
        server.export_keying_material(b"label", None, &mut [0; 32]),
        Err(Misuse::HandshakeIncomplete)
    );
}

#[test]
fn both_sides_export_the_same_in_tls12() {
    for suite in [
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ] {
        let pair = pair(ClientOptions {
            suites: vec![suite],
            versions: vec![&rustls::version::TLS12],
            ..ClientOptions::default()
        });
        assert_same(&pair);
        // Unlike in TLS 1.3, no context is not an empty one.
        let export = |context| {
            let mut out = [0; 32];
            pair.server
                .export_keying_material(b"label", context, &mut out)
                .unwrap();
            out
        };
        assert_ne!(export(None), export(Some(b"")));
        let long = vec![0; 1 << 16];
        assert_eq!(
            pair.server
                .export_keying_material(b"label", Some(&long), &mut [0; 32]),
            Err(Misuse::ExporterLength)
        );
    }
}

#[test]
fn our_two_sides_export_the_same() {
    for policy in [Policy::modern(), tls12()] {
        let config = ClientConfig {
            policy: Arc::new(policy),
            ..ClientConfig::default()
        };
        let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
        let mut duo = Duo::with(&site, &Arc::default(), config, ServerConfig::default());
        duo.handshake();
        let (mut ours, mut theirs) = ([0; 48], [1; 48]);
        duo.server
            .export_keying_material(b"label", Some(b"context"), &mut ours)
            .unwrap();
        duo.client
            .export_keying_material(b"label", Some(b"context"), &mut theirs)
            .unwrap();
        assert_eq!(ours, theirs);
    }
}

/// RFC 9846 §7.5: "The early_exporter_secret is defined for use in settings where an exporter is needed for 0-RTT
/// data."
#[test]
fn both_sides_export_the_same_for_early_data() {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    site.policy.cipher_suites = vec![CipherSuite::TLS_AES_256_GCM_SHA384];
    let site = Arc::new(site);
    let visitor = Arc::new(Visitor::of(&site));
    let mut duo = early(&site, &visitor, 1000);
    duo.handshake();
    assert_eq!(early_of(&duo.client), Err(Misuse::NoEarlyData));
    assert_eq!(early_of(&duo.server), Err(Misuse::NoEarlyData));

    let mut duo = early(&site, &visitor, 1000);
    assert_eq!(early_of(&duo.client), Err(Misuse::NoEarlyData));
    duo.step_client().unwrap();
    let ours = early_of(&duo.client).unwrap();
    assert_eq!(
        duo.client
            .export_early_keying_material(b"", None, &mut [0; 32]),
        Err(Misuse::ExporterLabel)
    );
    duo.client.send_early(b"early").unwrap();
    assert_eq!(early_of(&duo.server), Err(Misuse::NoEarlyData));
    let taken = duo.server.receive(duo.client.output());
    duo.client.consume_output(taken);
    let theirs = loop {
        match duo.server.step(now()).unwrap() {
            Step::Need(need) => duo.server.answer(site.answer(need)).unwrap(),
            Step::Data => break early_of(&duo.server).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ours, theirs);
    assert_eq!(early_of(&duo.client), Ok(ours));

    // It ends with the handshake, and the exporter of the connection is another.
    duo.handshake();
    let status = duo.client.negotiated().unwrap().early_data;
    assert_eq!(status, EarlyDataStatus::Accepted);
    assert_eq!(early_of(&duo.client), Err(Misuse::NoEarlyData));
    assert_eq!(early_of(&duo.server), Err(Misuse::NoEarlyData));
    let mut late = [0; 32];
    duo.server
        .export_keying_material(LABEL, Some(CONTEXT), &mut late)
        .unwrap();
    assert_ne!(ours, late);
}

#[test]
fn nothing_is_exported_for_early_data_that_is_refused() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let visitor = Arc::new(Visitor::of(&site));
    early(&site, &visitor, 1000).handshake();
    let mut duo = early(&site, &visitor, 0);
    duo.step_client().unwrap();
    assert!(early_of(&duo.client).is_ok());
    duo.step_client().unwrap();
    let taken = duo.server.receive(duo.client.output());
    duo.client.consume_output(taken);
    duo.step_server().unwrap();
    assert_eq!(early_of(&duo.server), Err(Misuse::NoEarlyData));
    // As far as the client's flight, which is not sent.
    let taken = duo.client.receive(duo.server.output());
    duo.server.consume_output(taken);
    duo.step_client().unwrap();
    let status = duo.client.negotiated().unwrap().early_data;
    assert_eq!(status, EarlyDataStatus::Rejected);
    assert_eq!(early_of(&duo.client), Err(Misuse::NoEarlyData));
}

#[test]
fn nothing_is_exported_for_early_data_after_a_retry() {
    let site = Arc::new(Site::new(&[KeyAlgorithm::P256]));
    let visitor = Arc::new(Visitor::of(&site));
    early(&site, &visitor, 1000).handshake();
    let mut other = Site::new(&[KeyAlgorithm::P256]);
    other.policy.groups = vec![NamedGroup::SECP384R1];
    let mut duo = early(&Arc::new(other), &visitor, 1000);
    duo.step_client().unwrap();
    assert!(early_of(&duo.client).is_ok());
    let taken = duo.server.receive(duo.client.output());
    duo.client.consume_output(taken);
    duo.step_server().unwrap();
    let taken = duo.client.receive(duo.server.output());
    duo.server.consume_output(taken);
    duo.step_client().unwrap();
    assert!(duo.client.negotiated().is_none());
    assert_eq!(early_of(&duo.client), Err(Misuse::NoEarlyData));
    assert_eq!(early_of(&duo.server), Err(Misuse::NoEarlyData));
    duo.handshake();
    assert!(duo.client.negotiated().unwrap().hello_retry_request);
}

const LABEL: &[u8] = b"EXPERIMENTAL early";
const CONTEXT: &[u8] = b"context";

fn early(site: &Arc<Site>, visitor: &Arc<Visitor>, early_data: u32) -> Duo {
    let client = ClientConfig {
        early_data: true,
        ..ClientConfig::default()
    };
    let server = ServerConfig {
        early_data,
        ..ServerConfig::default()
    };
    Duo::with(site, visitor, client, server)
}

fn early_of<R: Role>(connection: &Connection<R>) -> Result<[u8; 32], Misuse> {
    let mut out = [0; 32];
    connection.export_early_keying_material(LABEL, Some(CONTEXT), &mut out)?;
    Ok(out)
}

fn tls12() -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::intermediate()
    }
}
