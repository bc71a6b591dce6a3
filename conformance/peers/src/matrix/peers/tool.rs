//! What is the same for peers that are command-line tools.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

/// A name and the first two numbers of a version: the page does not change with every fix.
pub(super) fn product(name: &str, version: &str) -> String {
    let numbers: Vec<&str> = version.split('.').take(2).collect();
    format!("{name} {}", numbers.join("."))
}

/// The rest of the first line that has `label`, trimmed.
pub(super) fn after<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    text.lines()
        .find_map(|line| line.split_once(label))
        .map(|(_, rest)| rest.trim())
}

/// A port for tools that do not take port 0, or do not say which one it became. It is below those that the system hands
/// out by itself, so that nobody else gets it between here and the tool's start.
pub(super) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        let port = 20_000 + (start + offset) % 10_000;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
