//! What holds for every type: it comes back as it went out, and no bytes make a decoder panic.

mod strategies;

use std::fmt::Debug;

use keyward_wire::{handshake::split, handshake::split_first, *};
use proptest::prelude::*;

/// A decoder takes `bytes` or leaves them; what it takes, it takes again once encoded.
fn takes_or_leaves<T>(bytes: &[u8]) -> Result<(), TestCaseError>
where
    T: Encode + for<'a> Decode<'a> + PartialEq + Debug,
{
    match T::from_bytes(bytes) {
        Ok(value) => {
            let again = value.to_bytes();
            prop_assert_eq!(T::from_bytes(&again), Ok(value));
        }
        Err(error) => prop_assert!(
            error.offset <= bytes.len(),
            "{error} of {} bytes",
            bytes.len()
        ),
    }
    Ok(())
}

/// Damage to a message: what may happen to it on its way, or in an attacker's hands.
#[derive(Clone, Debug)]
enum Damage {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Append(Vec<u8>),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let index = any::<prop::sample::Index>;
    prop::collection::vec(
        prop_oneof![
            4 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
            1 => index().prop_map(Damage::Cut),
            1 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
            1 => index().prop_map(Damage::Remove),
            1 => prop::collection::vec(any::<u8>(), 1..4).prop_map(Damage::Append),
        ],
        1..4,
    )
}

fn apply(damage: &[Damage], bytes: &mut Vec<u8>) {
    for step in damage {
        match step {
            Damage::Append(more) => bytes.extend_from_slice(more),
            _ if bytes.is_empty() => {}
            Damage::Set(at, byte) => *at.get_mut(bytes) = *byte,
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Damage::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
        }
    }
}

macro_rules! properties {
    ($($module:ident: $type:ty,)*) => {$(
        mod $module {
            use super::*;

            proptest! {
                #[test]
                fn comes_back_as_it_went_out(value in strategies::$module()) {
                    let bytes = value.to_bytes();
                    prop_assert_eq!(<$type>::from_bytes(&bytes), Ok(value.clone()));
                    // The same, with something behind it that is not its own.
                    let mut longer = bytes.clone();
                    longer.push(0);
                    if let Err(error) = <$type>::from_bytes(&longer) {
                        prop_assert!(error.offset <= bytes.len());
                    }
                }

                #[test]
                fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
                    takes_or_leaves::<$type>(&bytes)?;
                }

                #[test]
                fn damaged_bytes_never_panic(value in strategies::$module(), damage in damage()) {
                    let mut bytes = value.to_bytes();
                    apply(&damage, &mut bytes);
                    takes_or_leaves::<$type>(&bytes)?;
                }
            }
        }
    )*};
}

properties! {
    client_hello: ClientHello,
    server_hello: ServerHello,
    encrypted_extensions: EncryptedExtensions,
    certificate_tls13: CertificateTls13,
    certificate_tls12: CertificateTls12,
    certificate_request_tls13: CertificateRequestTls13,
    certificate_request_tls12: CertificateRequestTls12,
    certificate_status: CertificateStatus,
    certificate_verify: CertificateVerify,
    compressed_certificate: CompressedCertificate,
    server_key_exchange: ServerKeyExchange,
    server_key_exchange_dh: ServerKeyExchange<ServerDhParams>,
    server_ecdh_params: ServerEcdhParams,
    server_dh_params: ServerDhParams,
    ecdh_client_key_exchange: EcdhClientKeyExchange,
    dh_client_key_exchange: DhClientKeyExchange,
    rsa_client_key_exchange: RsaClientKeyExchange,
    new_session_ticket_tls13: NewSessionTicketTls13,
    new_session_ticket_tls12: NewSessionTicketTls12,
    finished: Finished,
    key_update: KeyUpdate,
    server_hello_done: ServerHelloDone,
    end_of_early_data: EndOfEarlyData,
    hello_request: HelloRequest,
    client_hello_extensions: ClientHelloExtensions,
    key_share_entry: KeyShareEntry,
    record_header: RecordHeader,
    alert: Alert,
    cipher_suite: CipherSuite,
    content_type: ContentType,
}

proptest! {
    #[test]
    fn binders_are_the_end_of_the_message(hello in strategies::client_hello()) {
        let message = handshake::to_message(&hello);
        let without = hello.without_binders(&message).unwrap();
        let mut whole = without.to_vec();
        if let Some(keys) = &hello.extensions.pre_shared_key {
            whole.put_vector_u16(|out| keys.binders.iter().for_each(|binder| out.put_opaque_u8(binder)));
        }
        prop_assert_eq!(whole, message);
    }

    #[test]
    fn every_cut_of_a_server_key_exchange_is_an_error(
        value in strategies::server_key_exchange(),
        at in any::<prop::sample::Index>(),
    ) {
        let bytes = value.to_bytes();
        let cut = at.index(bytes.len());
        let error = <ServerKeyExchange>::from_bytes(&bytes[..cut]).unwrap_err();
        prop_assert_eq!(error.kind, DecodeErrorKind::Truncated);
    }

    #[test]
    fn a_run_of_messages_is_split_where_it_was_joined(
        messages in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
    ) {
        let mut run = Vec::new();
        for (message_type, body) in &messages {
            run.put_bytes(&handshake::frame(HandshakeType(*message_type), &body[..]));
        }
        let parsed: Vec<_> = split(&run).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(parsed.iter().map(|m| m.bytes).collect::<Vec<_>>().concat(), run.clone());
        let parsed: Vec<_> = parsed.iter().map(|m| (m.message_type.0, m.body.to_vec())).collect();
        prop_assert_eq!(parsed, messages);
    }

    #[test]
    fn splitting_any_bytes_never_panics_and_ends(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let first = split_first(&bytes).map(|(message, _)| message);
        let messages: Vec<_> = split(&bytes).take(26).collect();
        prop_assert!(messages.len() <= 25);
        prop_assert_eq!(messages.first().copied().and_then(Result::ok), first);
    }

    #[test]
    fn server_names_survive_the_wire(name in "[a-zA-Z0-9_.:*é-]{0,20}") {
        if let Ok(parsed) = name.parse::<ServerName>() {
            prop_assert_eq!(parsed.as_str(), name.to_ascii_lowercase());
            prop_assert_eq!(parsed.as_str().parse::<ServerName>(), Ok(parsed.clone()));
        }
    }
}
