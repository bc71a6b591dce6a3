//! What the demo shows to people.

use keyward_observe::{DrawOptions, Lanes, draw, duration};

use super::measure::Played;
use crate::output::glyphs;

/// One handshake: its title, what was agreed, the picture, and the sums.
pub(crate) fn handshake(played: &Played) -> String {
    let found = &played.measurement;
    let agreed: Vec<&str> = [
        found.cipher_suite.as_deref(),
        found.group.as_deref(),
        found.certificate,
    ]
    .into_iter()
    .flatten()
    .collect();

    let mut text = format!("{}\n", played.scenario.title);
    if !agreed.is_empty() {
        text.push_str(&format!("{}\n", agreed.join(", ")));
    }
    text.push('\n');
    let lanes = match played.record {
        Some(_) => Lanes::default(),
        None => Lanes {
            edge: "site",
            key_server: None,
            ..Lanes::default()
        },
    };
    let options = DrawOptions {
        glyphs: glyphs(),
        tcp: true,
        lanes,
        ..DrawOptions::default()
    };
    text.push_str(&draw(&played.story(), &options));
    text.push_str(&format!(
        "\n  {} to the first byte of the response, {}, {} in all\n",
        counted(found.round_trips, "round trip"),
        match found.key_operations {
            0 => "no private-key operation".to_owned(),
            count => format!(
                "{} ({})",
                counted(count, "private-key operation"),
                duration(found.key_operation_us)
            ),
        },
        duration(found.total_us),
    ));
    text
}

/// One row a handshake.
pub(crate) fn summary(played: &[Played]) -> String {
    let mut rows = vec![[
        "".to_owned(),
        "cipher suite".to_owned(),
        "trips".to_owned(),
        "key ops".to_owned(),
        "key op".to_owned(),
        "total".to_owned(),
    ]];
    rows.extend(played.iter().map(|one| {
        let found = &one.measurement;
        [
            found.name.to_owned(),
            found.cipher_suite.clone().unwrap_or("-".to_owned()),
            found.round_trips.to_string(),
            found.key_operations.to_string(),
            match found.key_operations {
                0 => "-".to_owned(),
                _ => duration(found.key_operation_us),
            },
            duration(found.total_us),
        ]
    }));
    table(&rows, 2)
}

/// Columns as wide as their widest cell; those from `right` on are aligned to the right.
fn table<const N: usize>(rows: &[[String; N]], right: usize) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            if column > 0 {
                line.push_str("  ");
            }
            match column < right {
                true => line.push_str(&format!("{cell:<width$}")),
                false => line.push_str(&format!("{cell:>width$}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
        if index == 0 {
            let total = widths.iter().sum::<usize>() + 2 * (N - 1);
            text.push_str(&"-".repeat(total));
            text.push('\n');
        }
    }
    text
}

fn counted(count: u32, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        let text = table(&[row("", "n"), row("one", "1"), row("b", "222")], 1);
        assert_eq!(text, "       n\n--------\none    1\nb    222\n");
    }
}
