//! Early data (RFC 9846 §4.3.10): whether it is taken, what happens to it if not, and its end.
//!
//! It is taken only if nothing speaks against it: the configuration has it on and allows as much as the
//! session does, the session is the first on offer, suite and protocol are the session's, the ClientHello is fresh (§8.3), and the
//! [`EarlyDataNeed`] says that it was not seen before (§8.2). Otherwise the handshake goes on without,
//! and what comes of it is skipped, up to a bound.

use std::time::Duration;

use keyward_crypto::hash::HashAlgorithm;
use keyward_wire::handshake::{ClientHello, EndOfEarlyData};
use keyward_wire::values::HandshakeType;

use super::client_hello::Chosen;
use super::finished::ExpectFinished;
use super::psk::Resumed;
use super::{State, server_hello};
use crate::error::Error;
use crate::exporter::Exporter;
use crate::handshake::{Incoming, Transcript};
use crate::key_log::label;
use crate::key_schedule::tls13::EarlySecret;
use crate::needs::{CertificateAnswer, EarlyDataNeed, Need, NeedError, NeedKind};
use crate::negotiated::{EarlyDataStatus, NoEarlyData};
use crate::record::Protection;
use crate::server::Context;
use crate::session::SessionState;
use crate::time::UnixTime;

/// Asks whether the early data of this ClientHello was seen before, if it could be taken at all, and
/// answers the ClientHello.
pub(super) fn consider(
    chosen: Chosen,
    mut resumed: Resumed,
    session: &SessionState,
    cx: &mut Context<'_>,
) -> Result<State, Error> {
    let terms = match offer(&chosen, &resumed, session, cx).and_then(|offer| offer.if_fresh(cx)) {
        Ok(terms) => terms,
        Err(reason) => {
            resumed.early_data = Err(reason);
            return server_hello::send(chosen, Some(resumed), cx);
        }
    };
    let (unique, expires) = (terms.unique, terms.expires(cx));
    cx.common.ask(|id| {
        Need::EarlyData(EarlyDataNeed {
            id,
            unique,
            expires,
        })
    });
    Ok(State::AwaitEarlyData(Box::new(AwaitEarlyData {
        chosen,
        resumed,
        terms,
    })))
}

/// Early data that fits its session.
struct Offer {
    /// Of the PSK binder, which no other ClientHello has.
    unique: [u8; 32],
    /// When the ClientHello should have come, by what the client says of its ticket.
    arrival: UnixTime,
    /// What the session allows.
    limit: u32,
}

fn offer(
    chosen: &Chosen,
    resumed: &Resumed,
    session: &SessionState,
    cx: &Context<'_>,
) -> Result<Offer, NoEarlyData> {
    let extensions = &chosen.opening.hello.extensions;
    // RFC 9846 §4.3.10: "In order to accept early data, the server MUST have selected the first key offered
    // in the client's "pre_shared_key" extension. In addition, it MUST verify that the following values
    // are the same as those associated with the selected PSK: The selected TLS version number, The
    // selected cipher suite, The selected ALPN [RFC7301] protocol, if any". No session of another version
    // or protocol is resumed at all.
    //
    // "It is not possible for the server to accept only a subset of the early data messages": where less is
    // allowed now than the client was told with its ticket, none is taken, or a client that keeps to what it
    // was told would be cut off.
    let allowed = limit(&chosen.opening.site, cx);
    let reasons = [
        (allowed == 0, NoEarlyData::Off),
        (session.max_early_data == 0, NoEarlyData::NotWithSession),
        (session.max_early_data > allowed, NoEarlyData::LowerLimit),
        (!chosen.early_data_offered, NoEarlyData::Declined),
        (chosen.retried, NoEarlyData::HelloRetryRequest),
        (resumed.index != 0, NoEarlyData::NotFirstSession),
        (
            session.cipher_suite != chosen.suite.code,
            NoEarlyData::OtherCipherSuite,
        ),
    ];
    if let Some((_, reason)) = reasons.into_iter().find(|(applies, _)| *applies) {
        return Err(reason);
    }
    let keys = extensions.pre_shared_key.as_ref();
    let (identity, binder) = keys
        .and_then(|keys| Some((keys.identities.first()?, keys.binders.first()?)))
        .ok_or(NoEarlyData::NoSession)?;
    // RFC 9846 §8.2: "The server MUST derive the storage key only from validated sections of the
    // ClientHello." The binder has been verified, and covers all the rest.
    let mut unique = [0; 32];
    unique.copy_from_slice(&HashAlgorithm::Sha256.digest(binder));
    Ok(Offer {
        unique,
        arrival: session.arrival(identity),
        limit: session.max_early_data,
    })
}

/// How much may be taken by the configuration and the site, in bytes.
pub(super) fn limit(site: &CertificateAnswer, cx: &Context<'_>) -> u32 {
    site.max_early_data.min(cx.config.early_data)
}

impl Offer {
    /// RFC 9846 §8.3: "the expected_arrival_time is then compared against the current server wall clock time
    /// and if they differ by more than a certain amount, 0-RTT is rejected".
    fn if_fresh(self, cx: &Context<'_>) -> Result<Self, NoEarlyData> {
        let off = cx
            .now
            .since(self.arrival)
            .or_else(|| self.arrival.since(cx.now));
        if off.is_some_and(|off| off < tolerance(cx)) {
            Ok(self)
        } else {
            Err(NoEarlyData::NotFresh)
        }
    }

    /// Until when a register has to know the ClientHello. It stops being fresh one tolerance earlier,
    /// which is what the register's clock may be ahead of ours.
    fn expires(&self, cx: &Context<'_>) -> UnixTime {
        self.arrival.plus(tolerance(cx).saturating_mul(2))
    }
}

fn tolerance(cx: &Context<'_>) -> Duration {
    Duration::from_secs(cx.config.early_data_tolerance_s.into())
}

pub(crate) struct AwaitEarlyData {
    chosen: Chosen,
    resumed: Resumed,
    terms: Offer,
}

impl AwaitEarlyData {
    pub(super) fn answered(
        self,
        answer: Result<bool, NeedError>,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let mut resumed = self.resumed;
        resumed.early_data = match cx.common.do_without(NeedKind::EarlyData, answer.map(Some)) {
            // The answer may have taken its time, in which the register may have forgotten what it had seen.
            Some(true) => self.terms.if_fresh(cx).map(|terms| terms.limit),
            Some(false) => Err(NoEarlyData::Seen),
            None => Err(NoEarlyData::Unanswered),
        };
        server_hello::send(self.chosen, Some(resumed), cx)
    }
}

/// Takes early data, the transcript being the ClientHello: what comes next is protected with the early keys.
pub(super) fn accept(
    limit: u32,
    early: &EarlySecret,
    transcript: &Transcript,
    cx: &mut Context<'_>,
) -> Result<(), Error> {
    let client_hello = transcript.current();
    let traffic = early.early_traffic(&client_hello);
    let exporter = early.exporter(&client_hello);
    let key_log = &mut cx.common.key_log;
    key_log.add(label::CLIENT_EARLY_TRAFFIC, traffic.secret());
    key_log.add(label::EARLY_EXPORTER, &exporter);
    cx.common.early_exporter = Some(Box::new(Exporter::Tls13 {
        secret: exporter,
        hash: transcript.algorithm(),
    }));
    cx.common.set_read_protection(traffic.protection()?)?;
    cx.common.take_early_data(limit);
    Ok(())
}

/// How much early data is taken, in bytes, or why none is.
pub(super) fn outcome(
    chosen: &Chosen,
    resumed: Option<&Resumed>,
    cx: &Context<'_>,
) -> Result<u32, NoEarlyData> {
    let offered = &chosen.opening.hello.extensions.pre_shared_key;
    match resumed {
        Some(resumed) => resumed.early_data,
        None if limit(&chosen.opening.site, cx) == 0 => Err(NoEarlyData::Off),
        None if offered.is_some() => Err(NoEarlyData::SessionNotResumed),
        None => Err(NoEarlyData::NoSession),
    }
}

/// What the application is told.
pub(super) fn status(offered: bool, outcome: Result<u32, NoEarlyData>) -> EarlyDataStatus {
    match outcome {
        Ok(_) => EarlyDataStatus::Accepted,
        Err(_) if offered => EarlyDataStatus::Rejected,
        Err(_) => EarlyDataStatus::NotOffered,
    }
}

/// Refuses with a HelloRetryRequest: what is encrypted until the second ClientHello is skipped.
pub(super) fn refuse_by_retry(hello: &ClientHello, cx: &mut Context<'_>) {
    if hello.extensions.early_data {
        // No session has been looked up yet.
        let bound = skipped(0, cx);
        cx.common.reader().skip_application_data(bound);
    }
}

/// Refuses by leaving `early_data` out of EncryptedExtensions: what does not decrypt with the
/// handshake keys, now set, is skipped. `promised` is what the session on offer allows, if one is known.
pub(super) fn refuse(hello: &ClientHello, promised: u32, cx: &mut Context<'_>) {
    if hello.extensions.early_data {
        let bound = skipped(promised, cx);
        cx.common.reader().skip_undecryptable(bound);
    }
}

/// A client may have sent as much as its ticket allows before it hears that it was for nothing; and the
/// ticket may be from before the configuration allowed less.
fn skipped(promised: u32, cx: &Context<'_>) -> usize {
    let allowed = usize::try_from(cx.config.early_data.max(promised)).unwrap_or(usize::MAX);
    cx.config.limits.skipped_early_data.saturating_add(allowed)
}

/// Early data is taken; our flight is sent.
pub(crate) struct ExpectEndOfEarlyData {
    /// For what comes after it.
    pub(super) protection: Protection,
    pub(super) then: ExpectFinished,
}

impl ExpectEndOfEarlyData {
    pub(super) fn handle(
        mut self,
        incoming: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<State, Error> {
        let message = incoming.expect(HandshakeType::END_OF_EARLY_DATA)?;
        let EndOfEarlyData = message.decode()?;
        self.then.transcript.add(&message.bytes);
        cx.common.end_early_data();
        // RFC 9846 §4.6: "This message indicates that all 0-RTT application_data messages, if any, have
        // been transmitted and that the following records are protected under handshake traffic keys."
        cx.common.set_read_protection(self.protection)?;
        Ok(State::ExpectFinished(Box::new(self.then)))
    }
}
