//! Whatever is changed, cut off or taken out of a log is found, and a key server does not go on with it.

use std::fs;
use std::path::Path;

use keyward_audit::{Finding, OpenError, Writer};

use crate::support::{SEGMENT, TestLog, append, files};

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn findings(log: &TestLog) -> Vec<Finding> {
    log.reader()
        .verify(&[])
        .map(|found| found.findings)
        .unwrap()
}

/// A log with full and partial tiles on three levels, all but the last 300 records no more in the journal.
fn large() -> TestLog {
    let log = TestLog::new();
    log.append(0..SEGMENT + 300);
    log
}

#[test]
fn a_flipped_bit_is_found_in_every_file() {
    let log = large();
    assert_eq!(findings(&log), []);
    let all = files(&log.path());
    // Every kind of file; of the many full tiles and bundles some.
    let mut tried = 0;
    for (i, path) in all.iter().enumerate() {
        let name = path.strip_prefix(log.path()).unwrap().to_str().unwrap();
        let common = name.starts_with("tile/0/") || name.starts_with("tile/entries/");
        if ["lock", "verifier"].contains(&name) || (common && i % 61 != 0 && !name.contains(".p/"))
        {
            continue;
        }
        let before = fs::read(path).unwrap();
        for at in [0, before.len() / 2, before.len() - 1] {
            if name == "head" {
                // One of two copies of what the journal says as well; see below for both.
                continue;
            }
            flip(path, at);
            let last =
                name.starts_with("journal/") && log.reader().verify(&[]).unwrap().unfinished > 0;
            assert!(!findings(&log).is_empty() || last, "{name} at {at}");
            fs::write(path, &before).unwrap();
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    assert_eq!(findings(&log), []);
}

#[test]
fn a_changed_record_is_named() {
    let log = large();
    flip(&log.file("tile/entries/007"), 4);
    assert!(findings(&log).contains(&Finding::Changed { index: 7 * 256 }));
}

#[test]
fn a_cut_tail_is_found_wherever_it_is_cut() {
    let log = TestLog::new();
    let (writer, _) = log.open();
    let journal = log.file("journal/00000000000000000000");
    let mut ends = Vec::new();
    for n in 0..5 {
        append(&writer, n..n + 1);
        ends.push(fs::metadata(&journal).unwrap().len());
    }
    // The tiles are as if the log was never closed.
    let whole = fs::read(&journal).unwrap();
    let head = fs::read(log.file("head")).unwrap();
    drop(writer);
    for (cut, were) in [(true, "checkpoint"), (false, "head")] {
        if !cut {
            fs::remove_file(log.file("checkpoint")).unwrap();
            fs::remove_dir_all(log.file("tile")).unwrap();
        }
        for len in 0..whole.len() {
            fs::write(&journal, &whole[..len]).unwrap();
            let found = findings(&log);
            assert!(!found.is_empty(), "{len}, {were}");
            let error = Writer::<()>::open(log.config()).unwrap_err();
            assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        }
    }
    fs::write(&journal, &whole).unwrap();
    fs::write(log.file("head"), head).unwrap();
    assert_eq!(findings(&log), []);
    assert_eq!(log.open().1.size, 5);
    assert_eq!(ends.len(), 5);
}

#[test]
fn a_removed_record_is_found() {
    let log = TestLog::new();
    let (writer, _) = log.open();
    let journal = log.file("journal/00000000000000000000");
    let mut ends = vec![0];
    for n in 0..5 {
        append(&writer, n..n + 1);
        ends.push(usize::try_from(fs::metadata(&journal).unwrap().len()).unwrap());
    }
    let whole = fs::read(&journal).unwrap();
    for (from, to) in ends.iter().zip(&ends[1..]) {
        let without = [&whole[..*from], &whole[*to..]].concat();
        fs::write(&journal, without).unwrap();
        assert!(!findings(&log).is_empty(), "{from} to {to}");
    }
}

#[test]
fn an_older_state_of_everything_is_found_by_a_checkpoint_that_was_kept() {
    let log = TestLog::new();
    log.append(0..10);
    let old: Vec<_> = files(&log.path())
        .into_iter()
        .map(|path| (fs::read(&path).unwrap(), path))
        .collect();
    log.append(10..20);
    let kept = log.reader().verify(&[]).unwrap().checkpoint;
    log.append(20..21);
    assert_eq!(log.reader().verify(&[kept]).unwrap().findings, []);
    fs::remove_dir_all(log.path()).unwrap();
    for (bytes, path) in old {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(findings(&log), []);
    let cut = Finding::Cut { were: 20, are: 10 };
    assert_eq!(log.reader().verify(&[kept]).unwrap().findings, [cut]);
    // And one that goes on differently.
    let (writer, _) = log.open();
    append_others(&writer);
    drop(writer);
    assert_eq!(findings(&log), []);
    let other = Finding::Root { size: 20 };
    assert_eq!(log.reader().verify(&[kept]).unwrap().findings, [other]);
}

#[test]
fn a_log_with_another_history_is_found_by_a_checkpoint_that_was_kept() {
    let log = TestLog::new();
    log.append(0..20);
    let kept = log.reader().verify(&[]).unwrap().checkpoint;
    fs::remove_dir_all(log.path()).unwrap();
    let (writer, _) = log.open();
    append_others(&writer);
    drop(writer);
    assert_eq!(findings(&log), []);
    assert_eq!(
        log.reader().verify(&[kept]).unwrap().findings,
        [Finding::Root { size: 20 }]
    );
}

fn append_others(writer: &Writer<crate::support::Told>) {
    for n in 0..30 {
        let (waiter, receiver) = crate::support::told();
        writer.append(vec![n; 3], waiter).ok().unwrap();
        receiver.recv().unwrap().unwrap();
    }
}
