//! Standard input to the server, and what comes from it to standard output.

use std::io::IsTerminal;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep_until};

use super::answers::Answers;
use super::args::ConnectArgs;
use super::line::{Happened, Line};
use super::trouble::Trouble;
use crate::failure::Failure;
use crate::output;

const PIECE: usize = 16 * 1024;

/// Why an exchange ended early.
pub(crate) enum Ended {
    Connection(Trouble),
    Local(Failure),
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::Connection(trouble)
    }
}

/// Until the server closes, or nothing comes any more after the end of standard input. `sent` says
/// that something was sent already, which an answer may come to.
pub(crate) async fn exchange(
    line: &mut Line,
    answers: &mut Answers<'_>,
    args: &ConnectArgs,
    sent: bool,
) -> Result<(), Ended> {
    let wait = Duration::from_secs(args.wait);
    let mut input = tokio::io::stdin();
    if std::io::stdin().is_terminal() && !args.quiet {
        eprintln!("What you type is sent; Ctrl-D ends it.");
    }
    let mut piece = vec![0; PIECE];
    let (mut open, mut sent) = (true, sent);
    // An empty line between the report and the data.
    let mut apart = !args.quiet;
    let mut deadline = Instant::now() + wait;
    loop {
        tokio::select! {
            happened = line.next(answers) => match happened? {
                Happened::Data => {
                    if std::mem::take(&mut apart) {
                        output::line("").map_err(Ended::Local)?;
                    }
                    output::bytes(&line.read()).map_err(Ended::Local)?;
                    deadline = Instant::now() + wait;
                }
                Happened::PeerClosed | Happened::Closed => break,
                Happened::Sent => deadline = Instant::now() + wait,
                Happened::Complete | Happened::Session(_) => {}
            },
            // No more is read than the server takes.
            read = input.read(&mut piece), if open && !line.is_sending() => {
                let count = read.map_err(|cause| {
                    Ended::Local(Failure::run_time(format!("cannot read standard input: {cause}")))
                })?;
                if count == 0 && !sent {
                    break;
                }
                open = count > 0;
                sent |= open;
                deadline = Instant::now() + wait;
                match args.crlf {
                    true => line.queue(&with_crlf(&piece[..count])),
                    false => line.queue(&piece[..count]),
                }
            }
            () = sleep_until(deadline), if !open => break,
        }
    }
    line.close().await;
    Ok(())
}

/// Every line feed without a carriage return before it gets one. Of two reads, the second may begin
/// with the line feed that the first ended before; no terminal does that.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for &byte in bytes {
        if byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_end_with_crlf() {
        assert_eq!(super::with_crlf(b"a\nb\r\n\n"), b"a\r\nb\r\n\r\n");
    }
}
