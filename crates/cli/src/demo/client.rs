//! The demo's client: s2n-tls, which is not Keyward's own, so that what works here works with
//! others. Each connection makes one request.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use s2n_tls::callbacks::{SessionTicket, SessionTicketCallback};
use s2n_tls::config::Config;
use s2n_tls::connection::{Connection, ModifiedBuilder};
use s2n_tls::enums::Version;
use s2n_tls::security::Policy;
use s2n_tls_tokio::TlsConnector;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::recorder::{Flight, RecordedSocket, Recorder};
use crate::failure::Failure;

/// No handshake on loopback takes this long; a demo that hangs helps nobody.
const LIMIT: Duration = Duration::from_secs(20);

/// What one connection showed to the client.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The client's address and port.
    pub(crate) local_address: String,
    /// `TLS 1.3`, `TLS 1.2` or `HTTP`.
    pub(crate) version: &'static str,
    /// IANA name.
    pub(crate) cipher_suite: Option<String>,
    /// IANA name; none with RSA key transport.
    pub(crate) group: Option<String>,
    /// The leaf that the server showed, which is verified by then; none in a resumed handshake.
    pub(crate) leaf: Option<Vec<u8>>,
    pub(crate) resumed: bool,
    /// Until the first byte of the response.
    pub(crate) round_trips: u32,
    /// Until the first byte of the response.
    pub(crate) total: Duration,
    pub(crate) flights: Vec<Flight>,
    pub(crate) status: String,
    pub(crate) body: Vec<u8>,
    /// What resumes this session.
    pub(crate) session: Option<Vec<u8>>,
}

/// A TLS request to make.
pub(crate) struct TlsRequest<'a> {
    /// `IP:PORT` of the edge.
    pub(crate) address: &'a str,
    pub(crate) server_name: &'a str,
    /// The CA to trust, PEM.
    pub(crate) ca_pem: &'a str,
    /// s2n-tls's name of the versions, suites and groups to offer.
    pub(crate) offer: &'a str,
    pub(crate) session: Option<&'a [u8]>,
}

/// One request over plain HTTP.
pub(crate) async fn plain(address: &str) -> Result<Seen, Failure> {
    within_limit(async {
        let (mut socket, recorder) = RecordedSocket::connect(address)
            .await
            .map_err(|cause| failed(address, &cause))?;
        let local_address = socket.local_address().map_err(Failure::run_time)?;
        let response = exchange(&mut socket, &recorder, address)
            .await
            .map_err(|cause| failed(address, &cause))?;
        Ok(Seen {
            local_address,
            version: "HTTP",
            cipher_suite: None,
            group: None,
            leaf: None,
            resumed: false,
            round_trips: response.round_trips,
            total: response.first_byte,
            flights: recorder.flights(),
            status: response.status,
            body: response.body,
            session: None,
        })
    })
    .await
}

/// One handshake and one request over it.
pub(crate) async fn tls(request: &TlsRequest<'_>) -> Result<Seen, Failure> {
    within_limit(tls_unlimited(request)).await
}

async fn tls_unlimited(request: &TlsRequest<'_>) -> Result<Seen, Failure> {
    let name = request.server_name;
    let fail = |cause: &dyn std::fmt::Display| failed(name, cause);

    let tickets = Tickets::default();
    let config = config(request, tickets.clone()).map_err(|cause| fail(&cause))?;
    let session = request.session.map(<[u8]>::to_vec);
    let connector = TlsConnector::new(ModifiedBuilder::new(config, |connection| match &session {
        Some(session) => connection.set_session_ticket(session),
        None => Ok(connection),
    }));

    let (socket, recorder) = RecordedSocket::connect(request.address)
        .await
        .map_err(|cause| fail(&cause))?;
    let local_address = socket.local_address().map_err(Failure::run_time)?;
    let mut stream = connector
        .connect(name, socket)
        .await
        .map_err(|cause| fail(&cause))?;
    let response = exchange(&mut stream, &recorder, name)
        .await
        .map_err(|cause| fail(&cause))?;

    let connection: &Connection = stream.as_ref();
    let resumed = connection.resumed();
    Ok(Seen {
        local_address,
        version: version(connection).map_err(|cause| fail(&cause))?,
        cipher_suite: Some(iana_suite(
            connection.cipher_suite().map_err(|cause| fail(&cause))?,
        )),
        group: group(connection, resumed),
        leaf: (!resumed).then(|| leaf(connection)).flatten(),
        resumed,
        round_trips: response.round_trips,
        total: response.first_byte,
        flights: recorder.flights(),
        status: response.status,
        body: response.body,
        session: tickets.newest(),
    })
}

fn config(request: &TlsRequest<'_>, tickets: Tickets) -> Result<Config, s2n_tls::error::Error> {
    let mut builder = Config::builder();
    builder
        .with_system_certs(false)?
        .set_security_policy(&Policy::from_version(request.offer)?)?
        .trust_pem(request.ca_pem.as_bytes())?
        .enable_session_tickets(true)?
        .set_session_ticket_callback(tickets)?
        // By default a client that finds an error sleeps for up to 30 seconds before it says so.
        .set_max_blinding_delay(1)?;
    builder.build()
}

/// Keeps the newest session that the server sent.
#[derive(Clone, Default)]
struct Tickets(Arc<Mutex<Option<Vec<u8>>>>);

impl Tickets {
    fn newest(&self) -> Option<Vec<u8>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl SessionTicketCallback for Tickets {
    fn on_session_ticket(&self, _: &mut Connection, ticket: &SessionTicket) {
        let Ok(length) = ticket.len() else { return };
        let mut data = vec![0; length];
        if ticket.data(&mut data).is_ok() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(data);
        }
    }
}

struct Response {
    first_byte: Duration,
    round_trips: u32,
    status: String,
    body: Vec<u8>,
}

/// Sends a request and reads the response to its end.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    recorder: &Recorder,
    host: &str,
) -> io::Result<Response> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: keyward-demo\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;

    let mut first = [0];
    stream.read_exact(&mut first).await?;
    let (first_byte, round_trips) = (recorder.elapsed(), recorder.round_trips());

    let mut bytes = first.to_vec();
    stream.read_to_end(&mut bytes).await?;
    let (status, body) = split(&bytes)?;
    Ok(Response {
        first_byte,
        round_trips,
        status,
        body,
    })
}

/// The status line and the body of a response.
fn split(bytes: &[u8]) -> io::Result<(String, Vec<u8>)> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| invalid("the response ends in its header"))?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let status = head.lines().next().unwrap_or_default().to_owned();
    let rest = &bytes[end + 4..];
    let chunked = head.lines().any(|line| {
        line.to_ascii_lowercase()
            .starts_with("transfer-encoding: chunked")
    });
    let body = match chunked {
        true => unchunk(rest).ok_or_else(|| invalid("the response's chunks are broken"))?,
        false => rest.to_vec(),
    };
    Ok((status, body))
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let data = line + 2;
        body.extend_from_slice(rest.get(data..data.checked_add(size)?)?);
        rest = rest.get(data + size + 2..)?;
    }
}

fn version(connection: &Connection) -> Result<&'static str, s2n_tls::error::Error> {
    Ok(match connection.actual_protocol_version()? {
        Version::TLS13 => "TLS 1.3",
        Version::TLS12 => "TLS 1.2",
        _ => "older than TLS 1.2",
    })
}

fn leaf(connection: &Connection) -> Option<Vec<u8>> {
    let chain = connection.peer_cert_chain().ok()?;
    let leaf = chain.iter().next()?.ok()?;
    leaf.der().ok().map(<[u8]>::to_vec)
}

/// s2n-tls has IANA's names for TLS 1.3 and OpenSSL's for TLS 1.2.
fn iana_suite(name: &str) -> String {
    if name.starts_with("TLS_") {
        return name.to_owned();
    }
    let (exchange, cipher) = if let Some(cipher) = name.strip_prefix("ECDHE-ECDSA-") {
        ("ECDHE_ECDSA", cipher)
    } else if let Some(cipher) = name.strip_prefix("ECDHE-RSA-") {
        ("ECDHE_RSA", cipher)
    } else {
        ("RSA", name)
    };
    let cipher = match cipher {
        "AES128-GCM-SHA256" => "AES_128_GCM_SHA256",
        "AES256-GCM-SHA384" => "AES_256_GCM_SHA384",
        "CHACHA20-POLY1305" => "CHACHA20_POLY1305_SHA256",
        _ => return name.to_owned(),
    };
    format!("TLS_{exchange}_WITH_{cipher}")
}

fn group(connection: &Connection, resumed: bool) -> Option<String> {
    // A resumed TLS 1.2 session has no key exchange; s2n-tls tells what it was prepared for.
    if resumed && !matches!(connection.actual_protocol_version(), Ok(Version::TLS13)) {
        return None;
    }
    connection
        .selected_key_exchange_group()
        .filter(|name| *name != "NONE")
        .map(str::to_owned)
}

async fn within_limit<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match timeout(LIMIT, work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::run_time(format!(
            "no response within {} seconds",
            LIMIT.as_secs()
        ))),
    }
}

fn failed(host: &str, cause: &dyn std::fmt::Display) -> Failure {
    Failure::run_time(format!("the request to {host} failed: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_get_their_iana_names() {
        for (name, iana) in [
            ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            (
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            ),
            (
                "ECDHE-RSA-CHACHA20-POLY1305",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            ),
            ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
        ] {
            assert_eq!(iana_suite(name), iana);
        }
    }

    #[test]
    fn responses_are_taken_apart() {
        let (status, body) = split(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello").unwrap();
        assert_eq!(
            (status.as_str(), body.as_slice()),
            ("HTTP/1.1 200 OK", &b"hello"[..])
        );
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\n\r\n";
        assert_eq!(split(chunked).unwrap().1, b"hello");
        split(b"HTTP/1.1 200 OK\r\n").unwrap_err();
        split(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx")
            .unwrap_err();
    }

    /// Another TLS stack's server on loopback: what is measured has to be right with it, too.
    mod against_rustls {
        use std::sync::Arc;

        use keyward_pki::{Authority, KeyAlgorithm};
        use rustls::ServerConfig;
        use rustls::version::{TLS12, TLS13};
        use tokio::net::TcpListener;

        use super::*;

        async fn server(
            authority: &Authority,
            version: &'static rustls::SupportedProtocolVersion,
        ) -> String {
            let issued = authority
                .issue_server(&["shop.example"], KeyAlgorithm::P256)
                .unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut config = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(issued.chain_der, issued.key_der)
                .unwrap();
            config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            tokio::spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    socket.set_nodelay(true).unwrap();
                    let Ok(mut stream) = acceptor.accept(socket).await else {
                        continue;
                    };
                    let mut request = [0; 1024];
                    if stream.read(&mut request).await.is_ok() {
                        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
                        let _ = stream.write_all(response).await;
                        let _ = stream.shutdown().await;
                    }
                }
            });
            address
        }

        async fn request(
            address: &str,
            ca_pem: &str,
            offer: &str,
            session: Option<&[u8]>,
        ) -> Result<Seen, Failure> {
            tls(&TlsRequest {
                address,
                server_name: "shop.example",
                ca_pem,
                offer,
                session,
            })
            .await
        }

        #[tokio::test]
        async fn tls13_and_its_resumption() {
            let authority = Authority::new("CA").unwrap();
            let address = server(&authority, &TLS13).await;
            let ca = authority.ca_pem();
            let full = request(&address, &ca, "default_pq", None).await.unwrap();
            assert_eq!((full.version, full.round_trips), ("TLS 1.3", 3));
            assert!(!full.resumed && full.leaf.is_some());
            assert_eq!(full.group.as_deref(), Some("X25519MLKEM768"));
            assert_eq!(
                (full.status.as_str(), &full.body[..]),
                ("HTTP/1.1 200 OK", &b"hi"[..])
            );

            let session = full.session.as_deref();
            assert!(session.is_some());
            let again = request(&address, &ca, "default_pq", session).await.unwrap();
            assert_eq!((again.resumed, again.round_trips), (true, 3));
            assert!(again.leaf.is_none());
        }

        #[tokio::test]
        async fn tls12_and_its_resumption() {
            let authority = Authority::new("CA").unwrap();
            let address = server(&authority, &TLS12).await;
            let ca = authority.ca_pem();
            let full = request(&address, &ca, "20240501", None).await.unwrap();
            assert_eq!((full.version, full.round_trips), ("TLS 1.2", 4));
            let suite = full.cipher_suite.as_deref().unwrap();
            assert!(suite.starts_with("TLS_ECDHE_ECDSA_WITH_"), "{suite}");

            let session = full.session.as_deref();
            assert!(session.is_some());
            let again = request(&address, &ca, "20240501", session).await.unwrap();
            assert_eq!((again.resumed, again.round_trips), (true, 3));
            assert_eq!(again.group, None);
        }

        #[tokio::test]
        async fn a_certificate_of_another_ca_is_refused() {
            let authority = Authority::new("CA").unwrap();
            let address = server(&authority, &TLS13).await;
            let other = Authority::new("CA").unwrap().ca_pem();
            let error = request(&address, &other, "default_pq", None)
                .await
                .unwrap_err();
            assert!(error.to_string().contains("shop.example"), "{error}");
        }
    }
}
