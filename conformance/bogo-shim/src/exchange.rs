//! One connection, from the handshake to close_notify.

use keyward_tls::{EarlyDataStatus, Error};
use keyward_wire::values::AlertDescription;

use crate::driver::{Driver, Event};
use crate::expectations;
use crate::failure::{Failure, unmet};
use crate::options::Options;
use crate::sessions::Sessions;
use crate::side::Side;

/// What a connection is to be like.
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a Options,
    /// From where a client's early data is refused.
    retry: &'a Options,
    is_resumption: bool,
}

impl<'a> Plan<'a> {
    pub(crate) fn first(options: &'a Options) -> Self {
        Self {
            options,
            retry: options,
            is_resumption: false,
        }
    }

    pub(crate) fn further(options: &'a Options, retry: &'a Options) -> Self {
        Self {
            options,
            retry,
            is_resumption: true,
        }
    }
}

pub(crate) fn run<S: Side>(plan: &Plan<'_>, sessions: &mut Sessions) -> Result<(), Failure> {
    let mut exchange = Exchange {
        driver: Driver::<S>::connect(plan.options, plan.retry, sessions)?,
        options: plan.options,
        retry: plan.retry,
        resumption: plan.is_resumption,
        phase: Phase::Handshake,
        sent_early: None,
        handshakes: 0,
    };
    let outcome = exchange.run().and_then(|()| exchange.ended());
    exchange.driver.finish();
    outcome?;
    sessions.end_connection();
    Ok(())
}

struct Exchange<'a, S: Side> {
    driver: Driver<'a, S>,
    options: &'a Options,
    retry: &'a Options,
    resumption: bool,
    phase: Phase,
    /// How much of what is said first was said as early data, if that was offered.
    sent_early: Option<usize>,
    /// Handshakes that are complete.
    handshakes: u32,
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

impl<S: Side> Exchange<'_, S> {
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
            self.switch_if_rejected()?;
            match event {
                Event::HandshakeComplete => self.complete()?,
                Event::Data if self.phase == Phase::ShuttingDown => {
                    return Err(unmet("data came after our close_notify"));
                }
                // Early data is answered at once, in the round trip that it saves.
                Event::Data if S::is_early(&self.driver.tls) => self.echo()?,
                Event::Data => {
                    if self.phase == Phase::Complete && self.start()? {
                        return Ok(());
                    }
                    // Looked at again: our close_notify may be sent only now.
                    if self.phase != Phase::ShuttingDown {
                        self.echo()?;
                    }
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
                        self.send_early()?;
                        self.driver.wait()?;
                    }
                }
            }
        }
    }

    /// Says first what is to be said first, as early data if that is offered.
    fn send_early(&mut self) -> Result<(), Failure> {
        let capacity = S::early_data_capacity(&self.driver.tls);
        if self.phase != Phase::Handshake || self.sent_early.is_some() || capacity == 0 {
            return Ok(());
        }
        if let Some(typ) = self.options.early_data.write_after
            && !self.driver.messages().last_received_is(typ)
        {
            return Ok(());
        }
        if self.options.early_data.expect_no_offer {
            return Err(unmet("early data is offered"));
        }
        let script = &self.options.script;
        let mut taken = 0;
        if script.writes_first {
            let first = script.initial_write.repeat(script.repeat_initial_write);
            taken = S::send_early(&mut self.driver.tls, &first)?;
            self.driver.flush()?;
        }
        self.sent_early = Some(taken);
        Ok(())
    }

    fn complete(&mut self) -> Result<(), Failure> {
        self.handshakes += 1;
        if self.handshakes > 1 {
            return Ok(());
        }
        self.phase = Phase::Complete;
        expectations::check(self.options, &self.driver, self.resumption)
    }

    /// From where a client's early data is rejected, it is a retry.
    fn switch_if_rejected(&mut self) -> Result<(), Failure> {
        if self.sent_early.is_none()
            || S::IS_SERVER
            || expectations::early_data(&self.driver) != EarlyDataStatus::Rejected
        {
            return Ok(());
        }
        if !self.options.early_data.expect_reject {
            return Err(unmet("early data is rejected"));
        }
        self.options = self.retry;
        self.sent_early = None;
        Ok(())
    }

    /// What is expected of the connection as a whole.
    fn ended(&mut self) -> Result<(), Failure> {
        let expect = &self.options.expect;
        let renegotiations = self.handshakes.saturating_sub(1);
        if renegotiations != expect.renegotiations {
            return Err(unmet(format!(
                "{renegotiations} renegotiations, expected {}",
                expect.renegotiations
            )));
        }
        if let Some(expected) = &expect.messages {
            let mut messages = self.driver.messages().text();
            if !self.options.script.check_close_notify {
                // BoringSSL's shim does not answer the peer's close_notify then.
                messages = messages
                    .strip_suffix("write alert 1 0\n")
                    .unwrap_or(messages);
            }
            if messages != expected {
                return Err(unmet(format!("messages:\n{messages}expected:\n{expected}")));
            }
        }
        expectations::session(self.options, &self.driver)
    }

    /// Sends secrets that both sides can derive, for the runner to compare.
    fn export(&mut self) -> Result<(), Failure> {
        let Some(export) = &self.options.script.export else {
            return Ok(());
        };
        let mut secret = vec![0; export.length];
        let context = export.with_context.then_some(export.context.as_slice());
        self.driver
            .tls
            .export_keying_material(&export.label, context, &mut secret)?;
        self.driver.send(&secret)
    }

    /// The same of what protects both directions: what is received, then what is sent.
    fn export_traffic_secrets(&mut self) -> Result<(), Failure> {
        if !self.options.script.export_traffic_secrets {
            return Ok(());
        }
        let lines = self.driver.tls.take_key_log();
        let mut labels = ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"];
        if !S::IS_SERVER {
            labels.reverse();
        }
        let secrets = labels.map(|label| {
            let line = lines.iter().find(|line| line.label() == label);
            line.map_or(Vec::new(), |line| line.secret().to_vec())
        });
        let length = u16::try_from(secrets[0].len()).map_err(|_| unmet("a long secret"))?;
        self.driver.send(&length.to_le_bytes())?;
        self.driver.send(&secrets.concat())
    }

    /// What we do before anything is read; says whether that was all.
    fn start(&mut self) -> Result<bool, Failure> {
        self.phase = Phase::Data;
        self.export()?;
        self.export_traffic_secrets()?;
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
        } else if script.read_with_unfinished_write && self.sent_early.is_none() {
            self.driver.tls.send(&script.initial_write)?;
            self.driver.limit_writes(Some(1));
            self.driver.flush()?;
        } else if script.writes_first {
            for write in script.initial_write_left(self.sent_early.unwrap_or(0)) {
                self.driver.send(&write)?;
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
