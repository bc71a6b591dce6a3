//! OpenSSL's libssl through the `openssl` crate, over a stream in memory.

use std::io::{self, ErrorKind, Read, Write};

use keyward_pki::Issued;
use openssl::pkey::PKey;
use openssl::ssl::{
    ErrorCode, HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslMethod, SslOptions,
    SslSessionCacheMode, SslStream,
};
use openssl::x509::X509;

use super::{Connection, Server};
use crate::Result;

/// libssl with the defaults of a server that cares: TLS 1.2 and 1.3, tickets, no session cache.
pub struct OpensslServer(SslContext);

impl OpensslServer {
    /// A server with this certificate and key.
    ///
    /// # Errors
    ///
    /// OpenSSL does not take them.
    pub fn new(issued: &Issued) -> Result<Self> {
        let mut context = SslContext::builder(SslMethod::tls_server())?;
        let mut chain = issued.chain_der.iter();
        let leaf = chain.next().ok_or("an empty chain")?;
        context.set_certificate(&*X509::from_der(leaf)?)?;
        for certificate in chain {
            context.add_extra_chain_cert(X509::from_der(certificate)?)?;
        }
        let key = PKey::private_key_from_der(issued.key_der.secret_der())?;
        context.set_private_key(&*key)?;
        context.set_options(SslOptions::CIPHER_SERVER_PREFERENCE);
        // Tickets need no cache.
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_session_id_context(b"bench")?;
        Ok(Self(context.build()))
    }
}

impl Server for OpensslServer {
    const NAME: &'static str = "OpenSSL";

    type Connection = OpensslConnection;

    fn accept(&self) -> Result<OpensslConnection> {
        Ok(OpensslConnection {
            state: State::New(Ssl::new(&self.0)?),
        })
    }

    fn take_key_time_us(&self) -> Option<(f64, f64)> {
        None
    }
}

/// One connection, wherever it is in its handshake.
pub struct OpensslConnection {
    state: State,
}

enum State {
    New(Ssl),
    Handshaking(MidHandshakeSslStream<Pipe>),
    Done(SslStream<Pipe>),
    Gone,
}

impl OpensslConnection {
    fn stream(&mut self) -> Result<&mut SslStream<Pipe>> {
        match &mut self.state {
            State::Done(stream) => Ok(stream),
            _ => Err("the handshake is not complete".into()),
        }
    }
}

impl Connection for OpensslConnection {
    fn exchange(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<()> {
        let outcome = match std::mem::replace(&mut self.state, State::Gone) {
            State::New(ssl) => ssl.accept(Pipe::with(input)),
            State::Handshaking(mut stream) => {
                stream.get_mut().feed(input);
                stream.handshake()
            }
            State::Done(mut stream) => {
                stream.get_mut().feed(input);
                Ok(stream)
            }
            State::Gone => return Err("the handshake failed before".into()),
        };
        self.state = match outcome {
            Ok(mut stream) => {
                stream.get_mut().drain(output);
                State::Done(stream)
            }
            Err(HandshakeError::WouldBlock(mut stream)) => {
                stream.get_mut().drain(output);
                State::Handshaking(stream)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    fn is_handshaking(&self) -> bool {
        !matches!(self.state, State::Done(_))
    }

    fn is_resumed(&self) -> bool {
        matches!(&self.state, State::Done(stream) if stream.ssl().session_reused())
    }

    fn send(&mut self, data: &[u8], output: Option<&mut Vec<u8>>) -> Result<()> {
        let stream = self.stream()?;
        stream.get_mut().drops = output.is_none();
        stream.write_all(data)?;
        if let Some(output) = output {
            stream.get_mut().drain(output);
        }
        Ok(())
    }

    fn receive(&mut self, input: &[u8], buffer: &mut [u8]) -> Result<usize> {
        let stream = self.stream()?;
        stream.get_mut().feed(input);
        let mut read = 0;
        loop {
            match stream.ssl_read(buffer) {
                Ok(n) => read += n,
                Err(error) if error.code() == ErrorCode::WANT_READ => return Ok(read),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn idle(&mut self) {
        if let State::Done(stream) = &mut self.state {
            *stream.get_mut() = Pipe::default();
        }
    }
}

/// The two directions of a socket that never blocks the writer.
#[derive(Debug, Default)]
struct Pipe {
    input: Vec<u8>,
    read: usize,
    output: Vec<u8>,
    /// Whether what is written is dropped.
    drops: bool,
}

impl Pipe {
    fn with(input: &[u8]) -> Self {
        let mut pipe = Self::default();
        pipe.feed(input);
        pipe
    }

    fn feed(&mut self, input: &[u8]) {
        if self.read == self.input.len() {
            self.input.clear();
            self.read = 0;
        }
        self.input.extend_from_slice(input);
    }

    fn drain(&mut self, output: &mut Vec<u8>) {
        output.append(&mut self.output);
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waiting = &self.input[self.read..];
        if waiting.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = waiting.len().min(buffer.len());
        buffer[..n].copy_from_slice(&waiting[..n]);
        self.read += n;
        Ok(n)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.drops {
            self.output.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
