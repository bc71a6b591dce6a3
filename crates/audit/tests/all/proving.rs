//! Proofs of inclusion verify with the log's public key alone, and nothing else verifies.

use keyward_audit::{InclusionProof, ProofError, Verifier, VerifierError};

use crate::support::{SEGMENT, TestLog, append, record};

#[test]
fn every_record_of_every_size_has_a_proof() {
    let log = TestLog::new();
    let (writer, _) = log.open();
    for size in 1..40 {
        append(&writer, size - 1..size);
        for index in 0..size {
            let proof = log.reader().prove(index).unwrap();
            assert_eq!(
                proof.verify(&record(index), &log.verifier()).unwrap().size,
                size
            );
        }
    }
}

#[test]
fn a_large_log_proves_from_its_tiles() {
    let log = TestLog::new();
    let size = SEGMENT * 2 + 1000;
    log.append(0..size);
    let (writer, _) = log.open();
    append(&writer, size..size + 300);
    for index in [
        0,
        1,
        255,
        256,
        SEGMENT - 1,
        SEGMENT,
        2 * SEGMENT + 1,
        size - 1,
        size,
        size + 299,
    ] {
        let text = log.reader().prove(index).unwrap().to_string();
        let proof = InclusionProof::parse(&text).unwrap();
        let checkpoint = proof.verify(&record(index), &log.verifier()).unwrap();
        assert_eq!(checkpoint.size, size + 300);
        assert!(proof.verify(&record(index + 1), &log.verifier()).is_none());
        let other = InclusionProof::parse(&text.replacen(
            &format!("index {index}\n"),
            &format!("index {}\n", index ^ 1),
            1,
        ));
        let other = other.unwrap();
        assert!(other.verify(&record(index), &log.verifier()).is_none());
    }
    let error = log.reader().prove(size + 300).unwrap_err();
    assert!(matches!(error, ProofError::NoRecord { .. }), "{error}");
}

#[test]
fn a_proof_of_another_log_is_none() {
    let (log, other) = (TestLog::new(), TestLog::new());
    log.append(0..10);
    let proof = log.reader().prove(4).unwrap();
    assert!(proof.verify(&record(4), &other.verifier()).is_none());
    let text = proof.to_string();
    for (i, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let changed = text.replacen(
            line,
            &line.replace(['4', 'A', 'B', 'C', 'a', 'b', 'c'], "x"),
            1,
        );
        if changed == text {
            continue;
        }
        let verified = InclusionProof::parse(&changed)
            .and_then(|proof| proof.verify(&record(4), &log.verifier()));
        assert_eq!(verified, None, "line {i}: {changed}");
    }
}

#[test]
fn a_verifier_key_is_written_and_read() {
    let verifier = TestLog::new().verifier();
    let text = verifier.to_string();
    assert_eq!(Verifier::parse(&text).unwrap().to_string(), text);
    let error = |text: &str| Verifier::parse(text).unwrap_err();
    assert_eq!(error("keys.example"), VerifierError::Form);
    assert_eq!(error(&text.replace("keys", "keyz")), VerifierError::Id);
    // From the specification of signed notes' Go implementation.
    let go = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(Verifier::parse(go).unwrap().to_string(), go);
}
