//! Entry bundles: "sequences of big-endian uint16 length-prefixed log entries" (C2SP tlog-tiles).

/// Appends a record. It is at most [`MAX_RECORD`](crate::MAX_RECORD) long.
pub(crate) fn push(bundle: &mut Vec<u8>, record: &[u8]) {
    let len =
        u16::try_from(record.len()).expect("a record's length is checked when it is appended");
    bundle.extend_from_slice(&len.to_be_bytes());
    bundle.extend_from_slice(record);
}

/// The records of a bundle, each `None` where the bundle ends too early.
pub(crate) fn records(bundle: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = bundle;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = take(&mut rest);
        if record.is_none() {
            rest = &[];
        }
        Some(record)
    })
}

/// Takes one record from the front.
pub(crate) fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, after) = rest.split_first_chunk::<2>()?;
    let (record, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    *rest = after;
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_a_cut_bundle_says_so() {
        let mut bundle = Vec::new();
        for record in [&b"one"[..], b"", b"three"] {
            push(&mut bundle, record);
        }
        let all: Vec<_> = records(&bundle).collect();
        assert_eq!(all, [Some(&b"one"[..]), Some(b""), Some(b"three")]);
        let cut: Vec<_> = records(&bundle[..bundle.len() - 1]).collect();
        assert_eq!(cut, [Some(&b"one"[..]), Some(b""), None]);
    }
}
