//! What the engine holds at most in each state, driven by a peer that sends the largest input which that state takes.
//! docs/limits.md has the table; it is held to what is measured here.

mod clients;
mod metered;
mod servers;

const LIMITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");

#[test]
fn no_state_holds_more_than_the_table_says() {
    let text = std::fs::read_to_string(LIMITS).unwrap();
    let stated = |name: &str| {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| {name} |")))?;
        row.split('|')
            .nth(2)?
            .trim()
            .strip_suffix(" KiB")?
            .parse::<i64>()
            .ok()
    };
    let mut rows = servers::rows();
    rows.extend(clients::rows());
    let table: Vec<_> = rows
        .iter()
        .map(|(name, peak)| format!("| {name} | {} KiB |", (peak + 4 * 1024) / 1024))
        .collect();
    for (name, peak) in &rows {
        let limit = stated(name).map(|kib| kib * 1024);
        assert!(
            // Not so much lower, either, that the table says nothing.
            limit.is_some_and(|limit| *peak <= limit && *peak > limit / 3),
            "{name}: {peak} bytes, the table says {limit:?}; measured are\n{}",
            table.join("\n")
        );
    }
    let is_row = |line: &&str| line.starts_with("| server: ") || line.starts_with("| client: ");
    let stated = text.lines().filter(is_row).count();
    assert_eq!(stated, rows.len(), "rows that nobody measures");
}
