//! Diffie-Hellman in the named finite fields (RFC 7919).

use std::sync::Arc;

use keyward_tls::{ClientConfig, Error, PeerIncompatible, PeerMisbehaved, Policy, ServerConfig};
use keyward_wire::codec::Encode;
use keyward_wire::handshake::{
    ClientHello, DhClientKeyExchange, ServerDhParams, ServerHello, ServerKeyExchange,
};
use keyward_wire::values::{
    AlertDescription, CipherSuite, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme,
};

use super::flight::Flight;
use crate::support::{Duo, KeyAlgorithm, Site, Visitor};

const DHE: CipherSuite = CipherSuite::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256;
const RSA: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;

fn policy(suites: &[CipherSuite], groups: &[NamedGroup]) -> Policy {
    Policy {
        versions: vec![ProtocolVersion::TLS12],
        cipher_suites: suites.to_vec(),
        groups: groups.to_vec(),
        ..Policy::legacy()
    }
}

fn duo(client: Policy, server: Policy) -> Duo {
    let mut site = Site::new(&[KeyAlgorithm::Rsa2048]);
    site.policy = server;
    let client = ClientConfig {
        policy: client.into(),
        ..ClientConfig::default()
    };
    let visitor = Arc::new(Visitor::default());
    Duo::with(&Arc::new(site), &visitor, client, ServerConfig::default())
}

/// A connection whose ClientHello is at the server, with other groups than the client's own.
fn with_groups(groups: Option<&[NamedGroup]>, suites: &[CipherSuite], server: Policy) -> Duo {
    let fields = [NamedGroup::FFDHE2048, NamedGroup::FFDHE3072];
    let mut duo = duo(policy(suites, &fields), server);
    duo.step_client().unwrap();
    let mut hello = Flight::take(&mut duo.client);
    hello.edit(HandshakeType::CLIENT_HELLO, |hello: &mut ClientHello| {
        hello.extensions.supported_groups = groups.map(<[NamedGroup]>::to_vec);
    });
    hello.give(&mut duo.server);
    duo
}

/// The length of the prime that the server takes, in bits.
fn chosen(mut duo: Duo) -> Result<usize, Error> {
    duo.step_server()?;
    let flight = Flight::take(&mut duo.server);
    let exchange: ServerKeyExchange<ServerDhParams> =
        flight.get(HandshakeType::SERVER_KEY_EXCHANGE);
    assert_eq!(exchange.params.g, [2]);
    assert_eq!(exchange.params.public.len(), exchange.params.p.len());
    Ok(8 * exchange.params.p.len())
}

/// RFC 7919 §4: "A compatible TLS server that receives the Supported Groups extension with FFDHE codepoints in it
/// and that selects an FFDHE cipher suite MUST select one of the client's offered groups."
#[test]
fn the_server_takes_a_group_that_the_client_names() {
    let server = |groups: &[NamedGroup]| policy(&[DHE], groups);
    let (small, middle, large) = (
        NamedGroup::FFDHE2048,
        NamedGroup::FFDHE3072,
        NamedGroup::FFDHE4096,
    );
    for (client, ours, bits) in [
        (vec![small], vec![small, middle], 2048),
        (vec![middle], vec![small, middle], 3072),
        (vec![large, middle], vec![small, middle], 3072),
        (vec![NamedGroup(511), small], vec![small, middle], 2048),
        // The server's preference.
        (vec![middle, small], vec![middle, small], 3072),
    ] {
        let duo = with_groups(Some(&client), &[DHE], server(&ours));
        assert_eq!(chosen(duo), Ok(bits), "{client:?}");
    }
}

/// "If at least one FFDHE cipher suite is present in the client cipher suite list and the Supported Groups
/// extension is either absent from the ClientHello entirely or contains no FFDHE groups ..., it MAY select an FFDHE
/// cipher suite and offer an FFDHE group of its choice".
#[test]
fn a_client_that_names_none_gets_the_servers_first() {
    let ours = [NamedGroup::X25519, NamedGroup::FFDHE3072];
    let curves: &[NamedGroup] = &[NamedGroup::X25519];
    for groups in [None, Some(curves)] {
        let duo = with_groups(groups, &[DHE], policy(&[DHE], &ours));
        assert_eq!(chosen(duo), Ok(3072));
    }
}

/// RFC 7919 §4: "if none of the client-proposed FFDHE groups are known and acceptable to the server, then the server
/// MUST NOT select an FFDHE cipher suite. In this case, the server SHOULD select an acceptable non-FFDHE cipher
/// suite"; "none of the client's proposed non-FFDHE cipher suites are acceptable to the server, the server MUST end
/// the connection with a fatal TLS alert of type insufficient_security(71)."
#[test]
fn a_client_that_names_others_alone_gets_no_finite_field() {
    let unknown = [NamedGroup(300), NamedGroup::FFDHE8192];
    let server = policy(&[DHE, RSA], &[NamedGroup::FFDHE2048]);
    let mut duo = with_groups(Some(&unknown), &[DHE, RSA], server.clone());
    duo.step_server().unwrap();
    let flight = Flight::take(&mut duo.server);
    let hello: ServerHello = flight.get(HandshakeType::SERVER_HELLO);
    assert_eq!(hello.cipher_suite, RSA);

    let mut duo = with_groups(Some(&unknown), &[DHE], server);
    let error = duo.step_server().unwrap_err();
    assert_eq!(error, PeerIncompatible::NoFiniteField.into());
    assert_eq!(error.alert(), Some(AlertDescription::INSUFFICIENT_SECURITY));
}

/// A handshake of both sides, up to where the client has sent its ClientKeyExchange.
fn at_client_key_exchange() -> (Duo, Flight) {
    let both = || policy(&[DHE], &[NamedGroup::FFDHE2048]);
    let mut duo = duo(both(), both());
    duo.step_client().unwrap();
    Flight::take(&mut duo.client).give(&mut duo.server);
    duo.step_server().unwrap();
    Flight::take(&mut duo.server).give(&mut duo.client);
    duo.step_client().unwrap();
    let flight = Flight::take(&mut duo.client);
    (duo, flight)
}

/// Numbers that are no public values, for this prime.
fn out_of_range(p: &[u8]) -> Vec<Vec<u8>> {
    let mut below = p.to_vec();
    *below.last_mut().unwrap() -= 1;
    let mut above = p.to_vec();
    *above.last_mut().unwrap() = 0xff;
    let mut longer = vec![1];
    longer.extend_from_slice(p);
    vec![
        vec![0],
        vec![1],
        vec![0; 256],
        below,
        p.to_vec(),
        above,
        longer,
    ]
}

/// RFC 7919 §4: "the server MUST verify that 1 < dh_Yc < dh_p - 1. If dh_Yc is out of range, the server MUST
/// terminate the connection with a fatal handshake_failure(40) alert."
#[test]
fn a_client_key_out_of_range_is_refused() {
    let p = keyward_crypto::key_exchange::Group::Ffdhe2048
        .prime()
        .unwrap();
    for public in out_of_range(&p) {
        let (mut duo, mut flight) = at_client_key_exchange();
        flight.edit(
            HandshakeType::CLIENT_KEY_EXCHANGE,
            |exchange: &mut DhClientKeyExchange| exchange.public = public.clone(),
        );
        flight.give(&mut duo.server);
        let error = duo.step_server().unwrap_err();
        assert_eq!(error, PeerMisbehaved::DhPublicOutOfRange.into());
        assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
    }
}

/// The server's flight with other parameters, rightly signed.
fn with_params(change: impl FnOnce(&mut ServerDhParams)) -> (Duo, Result<(), Error>) {
    let both = || policy(&[DHE], &[NamedGroup::FFDHE2048]);
    let mut duo = duo(both(), both());
    duo.step_client().unwrap();
    let hello = Flight::take(&mut duo.client);
    let client: ClientHello = hello.get(HandshakeType::CLIENT_HELLO);
    hello.give(&mut duo.server);
    duo.step_server().unwrap();
    let mut flight = Flight::take(&mut duo.server);
    let server: ServerHello = flight.get(HandshakeType::SERVER_HELLO);
    let key = duo.site.identities[0].private_key.clone();
    flight.edit(
        HandshakeType::SERVER_KEY_EXCHANGE,
        |exchange: &mut ServerKeyExchange<ServerDhParams>| {
            change(&mut exchange.params);
            let content = keyward_keyop::tls12::server_key_exchange_message(
                &client.random,
                &server.random,
                &exchange.params.to_bytes(),
            );
            exchange.scheme = SignatureScheme::RSA_PSS_RSAE_SHA256;
            let algorithm = keyward_crypto::signature::SignatureAlgorithm::RsaPssSha256;
            exchange.signature = key.sign(algorithm, &content).unwrap();
        },
    );
    flight.give(&mut duo.client);
    let outcome = duo.step_client();
    (duo, outcome)
}

/// RFC 7919 §3: "the client MUST verify that dh_Ys is in the range 1 < dh_Ys < dh_p - 1. If dh_Ys is not in this
/// range, the client MUST terminate the connection with a fatal handshake_failure(40) alert."
#[test]
fn a_server_key_out_of_range_is_refused() {
    let p = keyward_crypto::key_exchange::Group::Ffdhe2048
        .prime()
        .unwrap();
    for public in out_of_range(&p) {
        let (_, outcome) = with_params(|params| params.public = public);
        let error = outcome.unwrap_err();
        assert_eq!(error, PeerMisbehaved::DhPublicOutOfRange.into());
        assert_eq!(error.alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
    }
}

/// RFC 7919 §3: the client "MAY decide to terminate the connection with a fatal insufficient_security(71) alert" if
/// the group is none of those that it offered: Logjam's 512 bits, a prime that nobody knows, another generator,
/// a named group that was not offered.
#[test]
fn a_field_that_was_not_offered_is_refused() {
    let larger = keyward_crypto::key_exchange::Group::Ffdhe3072
        .prime()
        .unwrap();
    type Change = Box<dyn FnOnce(&mut ServerDhParams)>;
    let changes: [Change; 4] = [
        Box::new(|params| params.p.truncate(64)),
        Box::new(|params| params.p[100] ^= 1),
        Box::new(|params| params.g = vec![5]),
        Box::new(|params| params.p = larger),
    ];
    for change in changes {
        let (_, outcome) = with_params(change);
        let error = outcome.unwrap_err();
        assert_eq!(error, PeerIncompatible::NoFiniteField.into());
        assert_eq!(error.alert(), Some(AlertDescription::INSUFFICIENT_SECURITY));
    }
    let (_, outcome) = with_params(|_| {});
    outcome.unwrap();
}

/// Of a client that has both kinds, the one with less to compute is taken: the policy's order.
#[test]
fn a_policy_may_prefer_curves() {
    let both = Policy {
        versions: vec![ProtocolVersion::TLS12],
        ..Policy::legacy()
    };
    let mut duo = duo(both.clone(), both);
    duo.handshake();
    let negotiated = duo.server.negotiated().unwrap();
    assert_eq!(negotiated.group, Some(NamedGroup::X25519));
}
