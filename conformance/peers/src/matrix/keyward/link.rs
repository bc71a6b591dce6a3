//! A connection's loop, the same for both roles: socket, engine, and who answers its needs.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use keyward_tls::{Answer, Client, ClientSession, Connection, Need, Role, Step, UnixTime};

/// Who answers.
pub(super) trait Desk {
    /// The answer to a need.
    fn answer(&mut self, need: Need) -> Result<Answer, String>;

    /// Takes a session that the server gave us.
    fn keep(&mut self, session: ClientSession);

    /// Whether all sessions that the case needs are there.
    fn has_session(&self) -> bool;
}

/// The engine on a socket.
pub(super) struct Link<R: Role> {
    pub(super) tls: Connection<R>,
    socket: TcpStream,
    /// All data that has come.
    pub(super) received: Vec<u8>,
    complete: bool,
    ended: bool,
}

/// How long a peer may say nothing.
const PATIENCE: Duration = Duration::from_secs(20);

impl<R: Role> Link<R> {
    pub(super) fn new(tls: Connection<R>, socket: TcpStream) -> Result<Self, String> {
        socket
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| socket.set_nodelay(true))
            .map_err(|error| format!("the socket: {error}"))?;
        Ok(Self {
            tls,
            socket,
            received: Vec::new(),
            complete: false,
            ended: false,
        })
    }

    /// Goes on until the handshake is complete.
    pub(super) fn complete(&mut self, desk: &mut impl Desk) -> Result<(), String> {
        self.run(desk, |link, _| link.complete)
    }

    /// Goes on until `mark` has been received.
    pub(super) fn receive(&mut self, desk: &mut impl Desk, mark: &[u8]) -> Result<(), String> {
        self.run(desk, |link, _| contains(&link.received, mark))
    }

    /// Goes on until there is a session to resume.
    pub(super) fn session(&mut self, desk: &mut impl Desk) -> Result<(), String> {
        self.run(desk, |_, desk| desk.has_session())
    }

    /// Goes on until the peer has ended its stream, in order or not.
    pub(super) fn end(&mut self, desk: &mut impl Desk) {
        // What is wrong at this point is not what the case is about: data has gone both ways.
        let _ = self.run(desk, |link, _| link.ended);
    }

    fn run<D: Desk>(
        &mut self,
        desk: &mut D,
        done: impl Fn(&Self, &D) -> bool,
    ) -> Result<(), String> {
        loop {
            match self.tls.step(UnixTime::now()) {
                Err(error) => {
                    // The alert goes out; that it cannot is not the failure to report.
                    let _ = self.flush();
                    return Err(format!("Keyward: {error}"));
                }
                Ok(Step::Need(need)) => {
                    let answer = desk.answer(need)?;
                    self.tls
                        .answer(answer)
                        .map_err(|error| format!("Keyward takes no answer: {error}"))?;
                }
                Ok(Step::HandshakeComplete) => self.complete = true,
                Ok(Step::Data) => {
                    self.received.extend_from_slice(self.tls.peek());
                    self.tls.consume_readable(self.tls.readable());
                }
                Ok(Step::SessionReceived(session)) => desk.keep(*session),
                Ok(Step::PeerClosed) => self.ended = true,
                Ok(Step::Blocked | Step::Closed) => {
                    self.flush()?;
                    if done(self, desk) {
                        return Ok(());
                    }
                    self.read()?;
                }
                Ok(step) => return Err(format!("Keyward makes an unknown step: {step:?}")),
            }
        }
    }

    fn read(&mut self) -> Result<(), String> {
        let mut buffer = [0; 16 * 1024];
        let n = self
            .socket
            .read(&mut buffer)
            .map_err(|error| format!("the socket: {error}"))?;
        if n == 0 {
            self.ended = true;
            self.tls.receive_eof();
        }
        let mut rest = &buffer[..n];
        while !rest.is_empty() {
            let taken = self.tls.receive(rest);
            if taken == 0 {
                return Err("Keyward's buffer is full though nothing waits".to_owned());
            }
            rest = &rest[taken..];
        }
        Ok(())
    }

    /// Sends data, all of it.
    pub(super) fn send(&mut self, mut data: &[u8]) -> Result<(), String> {
        while !data.is_empty() {
            let taken = self
                .tls
                .send(data)
                .map_err(|error| format!("Keyward sends nothing: {error}"))?;
            data = &data[taken..];
            self.flush()?;
        }
        Ok(())
    }

    /// Says that we send no more.
    pub(super) fn close(&mut self) -> Result<(), String> {
        self.tls.close();
        self.flush()?;
        // A peer that has left already has read everything.
        let _ = self.socket.shutdown(Shutdown::Write);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        let output = self.tls.output();
        let n = output.len();
        self.socket
            .write_all(output)
            .map_err(|error| format!("the socket: {error}"))?;
        self.tls.consume_output(n);
        Ok(())
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

impl Link<Client> {
    /// Sends the ClientHello, and early data behind it, all of it.
    pub(super) fn send_early(&mut self, desk: &mut impl Desk, data: &[u8]) -> Result<(), String> {
        self.run(desk, |_, _| true)?;
        let taken = self.tls.send_early(data);
        if taken != Ok(data.len()) {
            return Err(format!("Keyward sends no early data: {taken:?}"));
        }
        self.flush()
    }
}
