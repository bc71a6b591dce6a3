//! RFC 9846 §4.5.2 on the context string of a CertificateVerify: "It is used to provide separation between signatures made
//! in different contexts, helping against potential cross-protocol attacks." What one side has signed proves nothing of the
//! other, though transcript, key and certificate are right.

use std::sync::Arc;

use keyward_crypto::hash::HashAlgorithm;
use keyward_crypto::signature::SignatureAlgorithm;
use keyward_keyop::tls13::{
    client_certificate_verify_message, server_certificate_verify_message, transcript_hash,
};
use keyward_tls::{
    ClientAuthentication, ClientCertificateRequest, ClientConfig, Error, PeerMisbehaved,
};
use keyward_wire::extensions::CertificateEntryExtensions;
use keyward_wire::handshake::{self, CertificateEntry, CertificateTls13, CertificateVerify};
use keyward_wire::values::{AlertDescription, SignatureScheme};

use crate::support::{HandClient, HandServer, Identity, KeyAlgorithm, Site, client_identity};

/// A CertificateVerify of the messages so far, under the context string of one side or the other.
fn signed(
    messages: &[u8],
    identity: &Identity,
    context: fn(&[u8]) -> Vec<u8>,
) -> CertificateVerify {
    let hash = transcript_hash(messages, HashAlgorithm::Sha256).unwrap();
    CertificateVerify {
        scheme: SignatureScheme::ECDSA_SECP256R1_SHA256,
        signature: identity
            .private_key
            .sign(SignatureAlgorithm::EcdsaSha256, &context(&hash))
            .unwrap(),
    }
}

/// What a server says to a client that signs so.
fn client_that_signs(context: fn(&[u8]) -> Vec<u8>) -> Result<(), Error> {
    let mut site = Site::new(&[KeyAlgorithm::P256]);
    let request = ClientCertificateRequest::default();
    site.client_authentication = ClientAuthentication::Optional(request);
    let mut client = HandClient::new(&Arc::new(site));
    client.hello_and_keys();
    let identity = client_identity(KeyAlgorithm::P256);
    let certificate = CertificateTls13 {
        certificate_request_context: Vec::new(),
        certificate_list: vec![CertificateEntry {
            cert_data: identity.certificate.chain()[0].to_vec(),
            extensions: CertificateEntryExtensions::default(),
        }],
    };
    client
        .send_message(&handshake::to_message(&certificate))
        .unwrap();
    let verify = signed(&client.messages, &identity, context);
    client.send_message(&handshake::to_message(&verify))
}

/// What a client says to a server that signs so.
fn server_that_signs(context: fn(&[u8]) -> Vec<u8>) -> Result<(), Error> {
    let mut server = HandServer::new(ClientConfig::default());
    server.begin();
    let certificate = server.certificate();
    server.send(&certificate).unwrap();
    let verify = signed(&server.messages, &server.identity, context);
    server.send(&verify)
}

#[track_caller]
fn bad_signature(outcome: Result<(), Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error, PeerMisbehaved::BadSignature.into());
    assert_eq!(error.alert(), Some(AlertDescription::DECRYPT_ERROR));
}

#[test]
fn each_side_signs_under_its_own() {
    client_that_signs(client_certificate_verify_message).unwrap();
    server_that_signs(server_certificate_verify_message).unwrap();
}

#[test]
fn a_servers_signature_is_none_of_a_client() {
    bad_signature(client_that_signs(server_certificate_verify_message));
}

#[test]
fn a_clients_signature_is_none_of_a_server() {
    bad_signature(server_that_signs(client_certificate_verify_message));
}
