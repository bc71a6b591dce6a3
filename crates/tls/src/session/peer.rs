//! Who presented a certificate when a session began is decided on again before the session is resumed, on both sides: what was
//! trusted then may have been revoked since.

use super::SessionState;
use crate::common::Common;
use crate::needs::{Need, NeedError, NeedKind, PeerCertificateNeed};
use crate::peer_name::PeerName;
use crate::time::UnixTime;

/// Asks whether the session's peer is still to be trusted; on a client, as `name`.
pub(crate) fn ask(session: &SessionState, name: Option<PeerName>, common: &mut Common) {
    common.ask(|id| Need::PeerCertificate(PeerCertificateNeed::of_session(id, session, name)));
}

/// Whether it is, by the answer. If not, a full handshake shows who the peer is now.
pub(crate) fn is_trusted(
    answer: Result<(), NeedError>,
    session: &SessionState,
    now: UnixTime,
    common: &mut Common,
) -> bool {
    common
        .do_without(NeedKind::PeerCertificate, answer.map(Some))
        // The answer may have taken its time.
        .is_some_and(|()| session.is_alive(now))
}
