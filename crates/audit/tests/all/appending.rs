//! What is appended can be read, in order, before and after it is in tiles, and by a log that is opened again.

use std::time::Duration;

use keyward_audit::{Durability, OpenError, Reader, Writer, WriterConfig};

use crate::support::{SEGMENT, TestLog, append, record, told};

fn assert_has(log: &TestLog, count: u64) {
    let reader = log.reader();
    let records: Vec<_> = reader.records(0).map(Result::unwrap).collect();
    assert_eq!(records.len() as u64, count);
    for (n, found) in (0..).zip(&records) {
        assert_eq!(found.index, n);
        assert_eq!(found.bytes, record(n));
    }
    let verification = reader.verify(&[]).unwrap();
    assert_eq!(verification.findings, []);
    assert_eq!(verification.checkpoint.size, count);
    assert_eq!(verification.unfinished, 0);
    if count > 3 {
        let last = reader.records(count - 2).map(Result::unwrap);
        assert_eq!(
            last.map(|found| found.index).collect::<Vec<_>>(),
            [count - 2, count - 1]
        );
    }
    assert!(reader.records(count).next().is_none());
}

#[test]
fn a_log_grows_over_many_openings() {
    let log = TestLog::new();
    let mut size = 0;
    for more in [0, 1, 2, 252, 1, 1, 255, 300] {
        let (writer, recovery) = log.open();
        assert_eq!((recovery.size, recovery.dropped), (size, 0));
        append(&writer, size..size + more);
        size += more;
        if size > 0 {
            // From the journal.
            assert_has(&log, size);
        }
        assert_eq!(writer.status().size, size);
        drop(writer);
        // From the tiles.
        assert_has(&log, size);
    }
}

#[test]
fn a_segment_goes_when_it_is_in_tiles() {
    let log = TestLog::new();
    log.append(0..SEGMENT - 3);
    let (writer, _) = log.open();
    append(&writer, SEGMENT - 3..SEGMENT + 700);
    assert!(log.file("journal/00000000000000000000").exists());
    assert_has(&log, SEGMENT + 700);
    drop(writer);
    assert!(!log.file("journal/00000000000000000000").exists());
    assert!(log.file("journal/00000000000000065536").exists());
    assert!(log.file("tile/1/000").exists());
    assert!(log.file("tile/2/000.p/1").exists());
    assert!(!log.file("tile/0/000.p").exists());
    assert_has(&log, SEGMENT + 700);
    log.append(SEGMENT + 700..SEGMENT + 701);
    assert_has(&log, SEGMENT + 701);
}

#[test]
fn a_log_that_ends_with_a_segment_goes_on() {
    let log = TestLog::new();
    log.append(0..SEGMENT);
    assert_has(&log, SEGMENT);
    log.append(SEGMENT..SEGMENT + 1);
    assert_has(&log, SEGMENT + 1);
}

#[test]
fn a_log_has_one_writer() {
    let log = TestLog::new();
    let (writer, _) = log.open();
    let error = Writer::<()>::open(log.config()).unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    drop(writer);
    Writer::<()>::open(log.config()).unwrap();
}

#[test]
fn a_full_queue_gives_the_waiter_back() {
    let log = TestLog::new();
    let config = WriterConfig {
        queue: 2,
        durability: Durability::Within(Duration::from_secs(3600)),
        ..log.config()
    };
    let (writer, _) = Writer::open(config).unwrap();
    let mut receivers = Vec::new();
    for n in 0..3 {
        let (waiter, receiver) = told();
        receivers.push(receiver);
        assert_eq!(writer.append(record(n), waiter).is_ok(), n < 2, "{n}");
    }
    assert_eq!(writer.status().waiting, 2);
    // Closing does not wait for the hour.
    drop(writer);
    assert_eq!(receivers[0].recv().unwrap(), Ok(0));
    assert_eq!(receivers[1].recv().unwrap(), Ok(1));
    assert_has(&log, 2);
}

#[test]
fn a_record_that_is_too_long_is_refused_and_the_rest_go_on() {
    let log = TestLog::new();
    let (writer, _) = log.open();
    let (waiter, receiver) = told();
    writer.append(vec![0; 65_536], waiter).ok().unwrap();
    let error = receiver.recv().unwrap().unwrap_err();
    assert!(error.contains("65536 bytes"), "{error}");
    append(&writer, 0..1);
    assert_has(&log, 1);
}

#[test]
fn tiles_are_written_while_the_log_is_open() {
    let log = TestLog::new();
    let config = WriterConfig {
        publish_every: Duration::from_millis(1),
        ..log.config()
    };
    let (writer, _) = Writer::open(config).unwrap();
    append(&writer, 0..300);
    while !log.file("tile/entries/001.p/44").exists() || !log.file("checkpoint").exists() {
        std::thread::yield_now();
    }
    append(&writer, 300..301);
    assert_has(&log, 301);
}

#[test]
fn where_there_is_no_log_it_says_so() {
    let log = TestLog::new();
    let error = Reader::open(&log.path(), log.verifier()).unwrap_err();
    assert!(error.to_string().contains("holds no audit log"), "{error}");
}
