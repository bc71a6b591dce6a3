//! A ServerHello that a client must not take.

use keyward_tls::{ClientConfig, PeerIncompatible, PeerMisbehaved, Policy};
use keyward_wire::extensions::{KeyShareEntry, ServerKeyShare};
use keyward_wire::handshake::ServerHello;
use keyward_wire::values::{
    AlertDescription, CipherSuite, CompressionMethod, ExtensionType, NamedGroup, ProtocolVersion,
};

use crate::support::HandServer;

fn send(change: impl FnOnce(&mut ServerHello)) -> (HandServer, Result<(), keyward_tls::Error>) {
    send_to(ClientConfig::default(), change)
}

fn send_to(
    config: ClientConfig,
    change: impl FnOnce(&mut ServerHello),
) -> (HandServer, Result<(), keyward_tls::Error>) {
    let mut server = HandServer::new(config);
    let mut hello = server.server_hello();
    change(&mut hello);
    let outcome = server.send_server_hello(&hello);
    (server, outcome)
}

#[track_caller]
fn misbehaves(change: impl FnOnce(&mut ServerHello), error: PeerMisbehaved) {
    let (mut server, outcome) = send(change);
    server.misbehaved(outcome, error);
}

/// RFC 9846 §4.2.3: "A client which receives a TLS 1.3 Server Hello with a legacy_version value not equal to
/// 0x0303 MUST abort the handshake with a "protocol_version" alert."
#[test]
fn legacy_version() {
    for version in [0x0301, 0x0302, 0x0304] {
        let (mut server, outcome) = send(|hello| hello.legacy_version = ProtocolVersion(version));
        let alert = AlertDescription::PROTOCOL_VERSION;
        server.refused(outcome, PeerMisbehaved::LegacyVersion, alert);
    }
}

/// RFC 9846 §4.2.3: "A client which receives a legacy_session_id_echo field that does not match what it sent
/// in the ClientHello MUST abort the handshake with an "illegal_parameter" alert."
#[test]
fn session_id_echo() {
    misbehaves(
        |hello| hello.session_id[0] ^= 1,
        PeerMisbehaved::SessionIdNotEchoed,
    );
    misbehaves(
        |hello| hello.session_id.clear(),
        PeerMisbehaved::SessionIdNotEchoed,
    );
}

/// RFC 9846 §4.2.3: "A client which receives a cipher suite that was not offered MUST abort the
/// handshake with an "illegal_parameter" alert."
#[test]
fn cipher_suite() {
    for suite in [
        CipherSuite(0x1304),
        CipherSuite(0x0a0a),
        // Offered, but not for this version.
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ] {
        misbehaves(
            |hello| hello.cipher_suite = suite,
            PeerMisbehaved::UnofferedCipherSuite,
        );
    }
}

/// RFC 9846 §4.2.3: "If a TLS 1.3 ServerHello is received with any other value in this field, the client MUST
/// abort the handshake with an "illegal_parameter" alert."
#[test]
fn compression() {
    misbehaves(
        |hello| hello.compression_method = CompressionMethod(1),
        PeerMisbehaved::Compression,
    );
}

/// RFC 9846 §4.3.1: "If the "supported_versions" extension in the ServerHello contains a version not offered by
/// the client or contains a version prior to TLS 1.3, the client MUST abort the handshake with an
/// "illegal_parameter" alert."
#[test]
fn supported_versions() {
    for version in [0x0303, 0x0302, 0x0305, 0x7f1c] {
        misbehaves(
            |hello| hello.extensions.supported_versions = Some(ProtocolVersion(version)),
            PeerMisbehaved::UnofferedVersion,
        );
    }
}

/// RFC 9846 §E.1: "If the version chosen by the server is not supported by the client (or is not acceptable), the
/// client MUST abort the handshake with a "protocol_version" alert."
#[test]
fn an_older_version() {
    let modern = || ClientConfig {
        policy: Policy::modern().into(),
        ..ClientConfig::default()
    };
    for (version, config) in [
        (0x0303, modern()),
        (0x0302, ClientConfig::default()),
        (0x0304, ClientConfig::default()),
    ] {
        let (mut server, outcome) = send_to(config, |hello| {
            hello.legacy_version = ProtocolVersion(version);
            hello.extensions.supported_versions = None;
            hello.extensions.key_share = None;
        });
        let alert = AlertDescription::PROTOCOL_VERSION;
        server.refused(outcome, PeerIncompatible::NoVersion, alert);
    }
}

/// RFC 9846 §4.2.3: "TLS 1.3 clients receiving a ServerHello indicating TLS 1.2 or below MUST check that the last 8
/// bytes are not equal to either of these values. ... If a match is found, the client MUST abort the handshake
/// with an "illegal_parameter" alert."
#[test]
fn downgrade() {
    for last in [0, 1] {
        misbehaves(
            |hello| {
                hello.extensions.supported_versions = None;
                hello.extensions.key_share = None;
                hello.cipher_suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
                hello.random[24..].copy_from_slice(b"DOWNGRD\0");
                hello.random[31] = last;
            },
            PeerMisbehaved::Downgrade,
        );
    }
}

/// RFC 9846 §4.3.8: "This value MUST be in the same group as the KeyShareEntry value offered by the client that the
/// server has selected for the negotiated key exchange."
#[test]
fn the_share_is_of_a_group_that_was_offered() {
    // P-256 is in supported_groups and has no share.
    for group in [NamedGroup::SECP256R1, NamedGroup::X448, NamedGroup(0x1a1a)] {
        misbehaves(
            |hello| {
                hello.extensions.key_share = Some(ServerKeyShare::Share(KeyShareEntry {
                    group,
                    key_exchange: vec![4; 65],
                }));
            },
            PeerMisbehaved::UnofferedGroup,
        );
    }
}

#[test]
fn the_share_is_a_public_value_of_its_group() {
    for key_exchange in [vec![0; 32], vec![9; 31], vec![9; 33]] {
        misbehaves(
            |hello| {
                hello.extensions.key_share = Some(ServerKeyShare::Share(KeyShareEntry {
                    group: NamedGroup::X25519,
                    key_exchange,
                }));
            },
            PeerMisbehaved::BadKeyShare,
        );
    }
}

#[test]
fn a_share_must_be_there() {
    let (mut server, outcome) = send(|hello| hello.extensions.key_share = None);
    let alert = AlertDescription::MISSING_EXTENSION;
    server.refused(outcome, PeerIncompatible::MissingKeyShare, alert);
}

/// RFC 9846 §4.3: "Upon receiving such an extension, an endpoint MUST abort the handshake with an
/// "unsupported_extension" alert."
#[test]
fn extensions_that_were_not_offered() {
    type Change = fn(&mut ServerHello);
    let changes: [(Change, ExtensionType); 3] = [
        (
            |hello| hello.extensions.pre_shared_key = Some(0),
            ExtensionType::PRE_SHARED_KEY,
        ),
        (
            |hello| hello.extensions.alpn = Some(b"h2".to_vec()),
            ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
        ),
        (
            |hello| hello.extensions.unknown = vec![(ExtensionType(0x1a1a), Vec::new())],
            ExtensionType(0x1a1a),
        ),
    ];
    for (change, extension) in changes {
        let (mut server, outcome) = send(change);
        server.refused(
            outcome,
            PeerMisbehaved::UnsolicitedExtension(extension),
            AlertDescription::UNSUPPORTED_EXTENSION,
        );
    }
}

/// RFC 9846 §4.3: "If an implementation receives an extension which it recognizes and which is not specified for
/// the message in which it appears, it MUST abort the handshake with an "illegal_parameter" alert."
#[test]
fn extensions_of_another_message() {
    misbehaves(
        |hello| hello.extensions.server_name = true,
        PeerMisbehaved::ForbiddenExtension(ExtensionType::SERVER_NAME),
    );
    misbehaves(
        |hello| hello.extensions.extended_master_secret = true,
        PeerMisbehaved::ForbiddenExtension(ExtensionType::EXTENDED_MASTER_SECRET),
    );
}
