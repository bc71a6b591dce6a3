//! A server in this process, for what `openssl s_server` does not do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Stage;

pub(super) type Stream = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

/// Starts it with the stage's ECDSA certificate; `serve` has each connection after its handshake, one
/// after the other. Returns the address.
pub(super) fn start(stage: &Stage, serve: fn(Stream)) -> String {
    let certificate = CertificateDer::from_pem_file(stage.path("ecdsa.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(stage.path("ecdsa.key")).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            while connection.is_handshaking() {
                connection.complete_io(&mut socket).unwrap();
            }
            serve(Stream::new(connection, socket));
        }
    });
    address
}

/// Says goodbye at once.
pub(super) fn hang_up(mut stream: Stream) {
    stream.conn.send_close_notify();
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut stream.sock).unwrap();
    }
}

/// Sends everything back as it comes, and reads no more before that is done.
pub(super) fn echo(mut stream: Stream) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        if stream
            .write_all(&piece[..count])
            .and_then(|()| stream.flush())
            .is_err()
        {
            return;
        }
    }
    hang_up(stream);
}
