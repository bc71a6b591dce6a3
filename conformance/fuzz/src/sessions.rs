//! What comes back to us of what we gave away or stored: session states and the tickets around them.

use std::sync::{Arc, LazyLock};

use keyward_crypto::random::SystemRandom;
use keyward_tls::SessionState;
use keyward_tls::tickets::TicketKeys;

static KEYS: LazyLock<TicketKeys> = LazyLock::new(|| {
    TicketKeys::new(&[[1; 32], [2; 32]], Arc::new(SystemRandom)).expect("keys of the right length")
});

/// One input: a session state, and a ticket.
pub fn run(data: &[u8]) {
    assert!(KEYS.open(data).is_none(), "a forged ticket");
    let Ok(state) = SessionState::decode(data) else {
        return;
    };
    let bytes = state.encode();
    let again = SessionState::decode(&bytes).expect("what was encoded is decoded");
    assert_eq!(again.encode(), bytes);
    assert!(!format!("{state:?}").is_empty());

    let ticket = KEYS.seal(&state).expect("there are keys");
    let opened = KEYS.open(&ticket).expect("our own ticket");
    assert_eq!(opened.encode(), bytes);
    let mut changed = ticket;
    let at = usize::from(data[0]) % changed.len();
    changed[at] ^= 1;
    assert!(KEYS.open(&changed).is_none(), "a changed ticket");
}
