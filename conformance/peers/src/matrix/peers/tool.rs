//! What is the same for peers that are command-line tools.

use std::{
    fs, thread,
    time::{Duration, Instant},
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

/// The IPv4 port that a process listens on, for those that take port 0 and do not say which one it became.
pub(super) fn listening_port(process: u32) -> Result<u16, String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(port) = port_of(process) {
            return Ok(port);
        }
        if Instant::now() > deadline {
            return Err("the peer never listened".to_owned());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn port_of(process: u32) -> Option<u16> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .ok()?
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|link| {
            let link = link.to_str()?;
            Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    // `sl local_address rem_address st … inode`; 0A is LISTEN.
    let table = fs::read_to_string(format!("/proc/{process}/net/tcp")).ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let ours = *state == "0A" && sockets.iter().any(|socket| socket == inode);
        let port = local.split_once(':')?.1;
        ours.then(|| u16::from_str_radix(port, 16).ok())?
    })
}
