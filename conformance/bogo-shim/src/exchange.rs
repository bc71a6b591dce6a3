//! One connection, from the handshake to close_notify.

use keyward_tls::Error;
use keyward_wire::values::AlertDescription;

use crate::driver::{Driver, Event};
use crate::expectations;
use crate::failure::{Failure, unmet};
use crate::options::Options;
use crate::sessions::Sessions;

pub(crate) fn run(
    options: &Options,
    resumption: bool,
    sessions: &mut Sessions,
) -> Result<(), Failure> {
    let mut exchange = Exchange {
        driver: Driver::connect(options, sessions)?,
        options,
        resumption,
        phase: Phase::Handshake,
    };
    let outcome = exchange.run();
    exchange.driver.finish();
    outcome
}

struct Exchange<'a> {
    driver: Driver<'a>,
    options: &'a Options,
    resumption: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    /// The handshake is complete, its tickets perhaps not yet sent.
    Complete,
    /// Data goes back and forth.
    Data,
    /// Our close_notify is sent.
    ShuttingDown,
}

/// What `-write-different-record-sizes` writes: at, below and above the size of a record.
const RECORD_SIZES: [usize; 11] = [
    0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769,
];

impl Exchange<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            let event = match self.driver.step() {
                // Without -check-close-notify a stream may simply end.
                Err(Failure::Tls(Error::PeerTruncated))
                    if self.phase != Phase::Handshake
                        && !self.options.script.check_close_notify =>
                {
                    return Ok(());
                }
                other => other?,
            };
            match event {
                Event::HandshakeComplete => {
                    expectations::check(self.options, &self.driver, self.resumption)?;
                    self.phase = Phase::Complete;
                }
                Event::Data if self.phase == Phase::ShuttingDown => {
                    return Err(unmet("data came after our close_notify"));
                }
                Event::Data => {
                    if self.phase == Phase::Complete && self.start()? {
                        return Ok(());
                    }
                    self.echo()?;
                }
                Event::PeerClosed => {
                    self.driver.tls.close();
                    self.driver.flush()?;
                    return Ok(());
                }
                Event::Closed => return Err(unmet("closed without a close_notify of the peer")),
                Event::Idle => {
                    // The tickets belong to the handshake: what we write goes behind them.
                    if self.phase == Phase::Complete && self.driver.desk.is_idle() {
                        if self.start()? {
                            return Ok(());
                        }
                    } else {
                        self.driver.wait()?;
                    }
                }
            }
        }
    }

    /// What we do before anything is read; says whether that was all.
    fn start(&mut self) -> Result<bool, Failure> {
        self.phase = Phase::Data;
        let script = &self.options.script;
        if script.send_alert {
            self.driver
                .tls
                .abort(AlertDescription::DECOMPRESSION_FAILURE);
            return Ok(true);
        }
        if script.write_different_record_sizes {
            for size in RECORD_SIZES {
                self.driver.send(&vec![0x42; size])?;
            }
        } else if script.read_with_unfinished_write {
            self.driver.tls.send(&script.initial_write)?;
            self.driver.limit_writes(Some(1));
            self.driver.flush()?;
        } else if script.writes_first {
            for _ in 0..script.repeat_initial_write {
                self.driver.send(&script.initial_write)?;
            }
        }
        if script.shuts_down {
            self.driver.tls.close();
            self.driver.flush()?;
            self.phase = Phase::ShuttingDown;
            return Ok(!script.check_close_notify);
        }
        self.before_read()?;
        Ok(false)
    }

    fn before_read(&mut self) -> Result<(), Failure> {
        if self.options.script.key_update_before_read {
            self.driver.tls.update_keys(false)?;
            self.driver.flush()?;
        }
        Ok(())
    }

    /// Sends back what came, inverted.
    fn echo(&mut self) -> Result<(), Failure> {
        self.driver.limit_writes(None);
        while self.driver.tls.readable() > 0 {
            let data = self.read()?;
            if self.options.script.key_update {
                self.driver.tls.update_keys(false)?;
            }
            let inverted: Vec<u8> = data.iter().map(|byte| byte ^ 0xff).collect();
            self.driver.send(&inverted)?;
            self.before_read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Vec<u8>, Failure> {
        let script = &self.options.script;
        let tls = &mut self.driver.tls;
        let mut data = vec![0; script.read_size];
        let peeked = tls.peek();
        let peeked = peeked[..peeked.len().min(script.read_size)].to_vec();
        let n = tls.read(&mut data);
        data.truncate(n);
        if script.peek_then_read && data != peeked {
            return Err(unmet("peek and read do not agree"));
        }
        Ok(data)
    }
}
