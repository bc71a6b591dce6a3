//! What an unknown key was probably meant to be.

/// For serde's "unknown field `lisen`, expected one of `listen`, `certificate`": the key that was probably meant.
pub(crate) fn unknown_key(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    let (wrong, known) = quoted.split_first()?;
    let nearest = known.iter().min_by_key(|key| distance(wrong, key))?;
    Some(if distance(wrong, nearest) <= 1 + wrong.len() / 3 {
        format!("did you mean `{nearest}`?")
    } else {
        "remove it, or write one of those".to_owned()
    })
}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_recognised_and_strangers_are_not() {
        let remedy = |wrong: &str| {
            unknown_key(&format!(
                "unknown field `{wrong}`, expected `listen` or `client_ca`"
            ))
            .unwrap()
        };
        assert_eq!(remedy("lisen"), "did you mean `listen`?");
        assert_eq!(remedy("clientca"), "did you mean `client_ca`?");
        assert_eq!(remedy("wombat"), "remove it, or write one of those");
        assert_eq!(unknown_key("missing field `listen`"), None);
    }

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("key", "keys", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
