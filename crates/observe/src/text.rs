//! Text for people: durations, line breaks, and characters that are none.

use std::borrow::Cow;

/// A character as it can be shown in a line: control characters, and those that turn the direction of a text, by number.
/// Whatever a peer put into a text, it begins no line of its own and tells a terminal nothing.
pub fn visible(character: char) -> Cow<'static, str> {
    if is_visible(character) {
        Cow::Owned(character.to_string())
    } else {
        Cow::Owned(character.escape_unicode().to_string())
    }
}

/// Whether a character shows as itself.
pub fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A time in seconds, in its two largest units: `3 d 4 h`, `59 s`; from ten days on in days.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        86_400..864_000 => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A duration in microseconds with three significant digits: `85 us`, `1.24 ms`, `2.50 s`.
pub fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..10_000 => decimals(us, 1_000, 100, "ms"),
        10_000..100_000 => decimals(us, 1_000, 10, "ms"),
        100_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => decimals(us, 1_000_000, 100, "s"),
    }
}

/// `us / unit` with as many decimals as `places` (10 or 100) has zeros, cut off.
fn decimals(us: u64, unit: u64, places: u64, name: &str) -> String {
    let digits = if places == 10 { 1 } else { 2 };
    let fraction = us % unit * places / unit;
    format!("{}.{fraction:0digits$} {name}", us / unit)
}

/// Breaks `words` into lines of at most `width` characters, joined by `, ` in a line. A word that
/// is longer than a line is cut between its capital letters where that helps.
pub fn wrap<W: AsRef<str>>(words: &[W], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        for piece in pieces(&format!("{}{comma}", word.as_ref()), width) {
            let space = usize::from(!line.is_empty());
            if !line.is_empty() && line.chars().count() + space + piece.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&piece);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// `word` whole if it fits in `width`, else cut before a capital letter or a space, else anywhere.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = word.chars().collect();
    let mut pieces = Vec::new();
    let width = width.max(1);
    while rest.len() > width {
        let cut = (1..=width)
            .rev()
            .find(|&at| rest[at].is_uppercase() && !rest[at - 1].is_uppercase() || rest[at] == ' ')
            .unwrap_or(width);
        let tail = rest.split_off(cut);
        pieces.push(rest.iter().collect::<String>().trim().to_owned());
        rest = tail;
    }
    pieces.push(rest.iter().collect::<String>().trim().to_owned());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        for (us, text) in [
            (0, "0 us"),
            (999, "999 us"),
            (1_000, "1.00 ms"),
            (1_249, "1.24 ms"),
            (12_345, "12.3 ms"),
            (123_456, "123 ms"),
            (2_050_000, "2.05 s"),
        ] {
            assert_eq!(duration(us), text);
        }
    }

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (61, "1 min 1 s"),
            (3_660, "1 h 1 min"),
            (90_000, "1 d 1 h"),
            (900_000, "10 d"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn what_does_not_show_is_a_number() {
        let text: String = "a\u{1b}[1m\n\u{202e}é".chars().map(visible).collect();
        assert_eq!(text, "a\\u{1b}[1m\\u{a}\\u{202e}é");
    }

    #[test]
    fn lines_break_between_names() {
        let lines = wrap(&["ServerHello", "Certificate", "Finished"], 26);
        assert_eq!(lines, ["ServerHello, Certificate,", "Finished"]);
    }

    #[test]
    fn a_long_name_breaks_at_a_capital() {
        let lines = wrap(&["Tls13ServerCertificateVerify"], 24);
        assert_eq!(lines, ["Tls13ServerCertificate", "Verify"]);
        let lines = wrap(&["abcdefghij"], 4);
        assert_eq!(lines, ["abcd", "efgh", "ij"]);
        assert_eq!(wrap::<&str>(&[], 10), [""; 0]);
    }
}
