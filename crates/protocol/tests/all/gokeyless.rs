//! The older protocol, byte by byte: what is written here is made by hand from the protocol's facts, not by its codec.

use keyward_protocol::gokeyless::{
    Decoder, Digest, ErrorCode, MAX_BODY_LEN, Malformed, Message, Opcode, Reply, Request,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

/// A message: header and items as they are given.
fn message(id: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[1, 0][..], &length, &id, body].concat()
}

fn item(tag: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [&[tag][..], &length, data].concat()
}

fn decode(bytes: &[u8]) -> Result<Option<Message>, (u32, Malformed)> {
    let mut decoder = Decoder::new();
    let taken = decoder.receive(bytes);
    assert!(taken == bytes.len() || decoder.next_message().is_err());
    decoder.next_message()
}

fn request(bytes: &[u8]) -> Request {
    decode(bytes).unwrap().unwrap().into_request()
}

fn malformed(body: &[u8]) -> Malformed {
    let (id, malformed) = decode(&message([0, 0, 0, 9], body)).unwrap_err();
    assert_eq!(id, 9);
    assert!(!malformed.to_string().is_empty());
    malformed
}

#[test]
fn a_signature_is_asked_for_in_these_bytes() {
    let request = Request {
        opcode: 0x15,
        ski: Some([0xab; 20]),
        server_name: Some(b"shop.example".to_vec()),
        client_ip: Some([192, 0, 2, 1].into()),
        payload: vec![0x77; 32],
        ..Request::default()
    };
    let mut expected = vec![1, 0, 0x03, 0xf8, 0xde, 0xad, 0xbe, 0xef];
    expected.extend([0x11, 0, 1, 0x15]);
    expected.extend([0x04, 0, 20]);
    expected.extend([0xab; 20]);
    expected.extend([0x02, 0, 12]);
    expected.extend(b"shop.example");
    expected.extend([0x03, 0, 4, 192, 0, 2, 1]);
    expected.extend([0x12, 0, 32]);
    expected.extend([0x77; 32]);
    // 8 of the header and 84 of these items leave 932 of 1024, three of them for the padding's own header.
    expected.extend([0x20, 0x03, 0xa1]);
    expected.extend([0; 929]);
    assert_eq!(expected.len(), 1024);
    assert_eq!(request.encode(0xdead_beef).unwrap()[..], expected);
    assert_eq!(self::request(&expected), request);
}

#[test]
fn every_reply_has_these_bytes() {
    let padded = |opcode: u8, payload: &[u8]| {
        let mut body = [item(0x11, &[opcode]), item(0x12, payload)].concat();
        let missing = 1024 - 8 - body.len() - 3;
        body.extend(item(0x20, &vec![0; missing]));
        message([0, 0, 0, 0], &body)
    };
    let bytes = |payload: &[u8]| Zeroizing::new(payload.to_vec());
    for (reply, expected) in [
        (Reply::Success(bytes(&[1, 2, 3])), padded(0xf0, &[1, 2, 3])),
        (Reply::Pong(bytes(b"")), padded(0xf2, b"")),
        (Reply::Error(ErrorCode::KeyNotFound), padded(0xff, &[2])),
        (Reply::Error(ErrorCode::Expired), padded(0xff, &[10])),
    ] {
        assert_eq!(reply.encode(0).unwrap()[..], expected);
        let again = decode(&expected).unwrap().unwrap().into_reply().unwrap();
        assert_eq!(format!("{again:?}"), format!("{reply:?}"));
    }
}

#[test]
fn padding_ends_where_1024_bytes_are_reached() {
    for (payload, total, padding) in [
        // 8 + 4 + 3 + payload is what there is without padding.
        (1005, 1024, Some(1)),
        (1006, 1024, Some(0)),
        (1007, 1025, Some(0)),
        (1008, 1026, Some(0)),
        (1009, 1024, None),
        (1010, 1025, None),
    ] {
        let reply = Reply::Success(Zeroizing::new(vec![7; payload]));
        let bytes = reply.encode(1).unwrap();
        assert_eq!(bytes.len(), total, "{payload}");
        let tail = padding.map(|zeros: u8| [vec![0x20, 0, zeros], vec![0; zeros.into()]].concat());
        let tail = tail.unwrap_or_default();
        assert_eq!(bytes[8 + 4 + 3 + payload..], tail, "{payload}");
    }
}

#[test]
fn a_message_has_no_more_bytes_than_its_length_can_say() {
    let most = MAX_BODY_LEN - 4 - 3;
    let bytes = Reply::Pong(Zeroizing::new(vec![7; most]))
        .encode(1)
        .unwrap();
    assert_eq!(bytes.len(), 8 + MAX_BODY_LEN);
    assert_eq!(bytes[2..4], [0xff, 0xff]);
    for payload in [most + 1, 0xffff, 0x1_0000, 0x2_0000] {
        let reply = Reply::Pong(Zeroizing::new(vec![7; payload]));
        assert!(reply.encode(1).is_err(), "{payload}");
    }
}

#[test]
fn what_is_not_known_is_skipped_and_what_is_there_twice_is_not() {
    let opcode = item(0x11, &[0xf1]);
    for tag in [0x00, 0x07, 0x10, 0x18, 0x1f, 0x21, 0xff] {
        let twice = item(tag, b"?").repeat(2);
        let request = request(&message([0; 4], &[&twice[..], &opcode].concat()));
        assert_eq!(request.opcode, 0xf1);
    }
    for tag in [
        0x01, 0x02, 0x04, 0x06, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x20,
    ] {
        let once = item(tag, b"twenty bytes of data");
        assert!(decode(&message([0; 4], &once)).is_ok(), "{tag:#04x}");
        assert_eq!(malformed(&once.repeat(2)), Malformed::Twice { tag });
    }
    for tag in [0x03, 0x05] {
        assert_eq!(
            malformed(&item(tag, &[9; 4]).repeat(2)),
            Malformed::Twice { tag }
        );
    }
    assert_eq!(malformed(&opcode.repeat(2)), Malformed::Twice { tag: 0x11 });
}

#[test]
fn lengths_that_do_not_fit_are_ignored_or_refused_as_the_item_has_it() {
    for len in [0, 19, 21, 32] {
        let request = request(&message([0; 4], &item(0x04, &vec![1; len])));
        assert_eq!(request.ski, None, "{len}");
    }
    for len in [0, 20, 31, 33] {
        let request = request(&message([0; 4], &item(0x01, &vec![1; len])));
        assert_eq!(request.digest, None, "{len}");
    }
    for tag in [0x03, 0x05] {
        for found in [0, 3, 5, 15, 17] {
            let expected = Malformed::Length { tag, found };
            assert_eq!(malformed(&item(tag, &vec![1; found])), expected);
        }
        let v6 = item(
            tag,
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        );
        let request = request(&message([0; 4], &v6));
        let ip = request.client_ip.or(request.server_ip).unwrap();
        assert_eq!(ip.to_string(), "2001:db8::1");
    }
    for found in [0, 2] {
        let expected = Malformed::Length { tag: 0x11, found };
        assert_eq!(malformed(&item(0x11, &vec![1; found])), expected);
    }
}

#[test]
fn an_item_ends_within_its_message() {
    let whole = [item(0x11, &[0xf1]), item(0x12, b"payload")].concat();
    for lie in 1..=300_u16 {
        let mut body = whole.clone();
        let length = (7 + lie).to_be_bytes();
        body[5..7].copy_from_slice(&length);
        let expected = Malformed::Truncated {
            tag: 0x12,
            offset: 4,
        };
        assert_eq!(malformed(&body), expected, "{lie}");
    }
    for tail in [&[0x12][..], &[0x12, 0xff]] {
        let request = request(&message([0; 4], &[&whole, tail].concat()));
        assert_eq!(
            request.payload, b"payload",
            "one or two bytes at the end are nothing"
        );
    }
    assert_eq!(
        malformed(&[&whole[..], &[0x06, 0, 1]].concat()),
        Malformed::Truncated {
            tag: 0x06,
            offset: 14
        }
    );
}

#[test]
fn another_version_is_refused_before_its_body_has_come() {
    for major in [0, 2, 0x16, 0xff] {
        let mut decoder = Decoder::new();
        let bytes = [major, 0, 0xff, 0xff, 0, 0, 1, 2, 9, 9, 9];
        assert_eq!(decoder.receive(&bytes), 8);
        for _ in 0..2 {
            let error = decoder.next_message().unwrap_err();
            assert_eq!(error, (0x0102, Malformed::Version { major }));
        }
        assert_eq!(decoder.receive(&bytes), 0, "and nothing more is taken");
    }
}

#[test]
fn an_announced_body_takes_no_memory_before_it_comes() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.receive(&[1, 0, 0xff, 0xff, 0, 0, 0, 1]), 8);
    assert!(matches!(decoder.next_message(), Ok(None)));
    assert_eq!(decoder.buffered(), 8);
}

#[test]
fn a_reply_is_one_and_an_error_has_its_number() {
    let reply = |body: &[u8]| {
        decode(&message([0; 4], body))
            .unwrap()
            .unwrap()
            .into_reply()
    };
    assert!(reply(&[]).is_none());
    assert!(reply(&item(0x12, b"payload")).is_none());
    for opcode in [0x01, 0x15, 0x18, 0xf1, 0x99] {
        assert!(reply(&item(0x11, &[opcode])).is_none());
    }
    for payload in [&[][..], &[1, 2]] {
        assert!(reply(&[item(0x11, &[0xff]), item(0x12, payload)].concat()).is_none());
    }
    let unknown = reply(&[item(0x11, &[0xff]), item(0x12, &[0x55])].concat());
    assert!(matches!(
        unknown,
        Some(Reply::Error(ErrorCode::Other(0x55)))
    ));
}

#[test]
fn errors_have_their_numbers() {
    for number in 0..=u8::MAX {
        let code = ErrorCode::from_number(number);
        assert_eq!(code.number(), number);
        assert_eq!(
            matches!(code, ErrorCode::Other(_)),
            !(1..=10).contains(&number)
        );
    }
    assert_eq!(Malformed::Version { major: 2 }.code().number(), 4);
    assert_eq!(Malformed::Twice { tag: 1 }.code().number(), 7);
}

#[test]
fn digests_have_their_lengths() {
    let lengths: Vec<usize> = (0x02..=0x07)
        .map(|number| match Opcode::from_number(number).unwrap() {
            Opcode::RsaPkcs1(digest) => digest.output_len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lengths, [36, 20, 28, 32, 48, 64]);
    assert_eq!(
        Opcode::from_number(0x17),
        Some(Opcode::Ecdsa(Digest::Sha512))
    );
    assert_eq!(
        Opcode::from_number(0x36),
        Some(Opcode::RsaPss(Digest::Sha384))
    );
}

/// All that a stream says when it comes in pieces of this length, to its end or its first error.
fn stream(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    for chunk in bytes.chunks(piece) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let taken = decoder.receive(rest);
            rest = &rest[taken..];
            assert!(decoder.buffered() <= 8 + MAX_BODY_LEN);
            match decoder.next_message() {
                Ok(Some(message)) => {
                    seen.push(format!("{} {:?}", message.id(), message.into_request()));
                }
                Ok(None) => assert!(rest.is_empty(), "a message that is not whole takes all"),
                Err(error) => {
                    seen.push(format!("{error:?}"));
                    return seen;
                }
            }
        }
    }
    seen
}

fn arbitrary_item() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop_oneof![
        prop::sample::select(&[1_u8, 2, 3, 4, 5, 6, 0x11, 0x12, 0x13, 0x14, 0x16, 0x20][..]),
        any::<u8>(),
    ];
    let data = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(&[1_usize, 4, 16, 20, 32][..]).prop_map(|len| vec![3; len]),
    ];
    (tags, data).prop_map(|(tag, data)| item(tag, &data))
}

proptest! {
    #[test]
    fn how_bytes_are_cut_makes_no_difference(
        messages in prop::collection::vec(prop::collection::vec(arbitrary_item(), 0..6), 1..5),
        piece in 1..50_usize,
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes: Vec<u8> = messages.iter().flat_map(|it| message([0, 0, 0, 5], &it.concat())).collect();
        for (at, value) in noise {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        prop_assert_eq!(stream(&bytes, piece), stream(&bytes, usize::MAX));
    }

    #[test]
    fn a_request_comes_as_it_was_sent(
        opcode in any::<u8>(),
        ski in any::<Option<[u8; 20]>>(),
        digest in any::<Option<[u8; 32]>>(),
        server_name in any::<Option<Vec<u8>>>(),
        client_ip in any::<Option<std::net::IpAddr>>(),
        server_ip in any::<Option<std::net::IpAddr>>(),
        payload in prop::collection::vec(any::<u8>(), 0..2000),
        id in any::<u32>(),
    ) {
        let sent = Request { opcode, ski, digest, server_name, client_ip, server_ip, payload };
        let came = decode(&sent.encode(id).unwrap()).unwrap().unwrap();
        prop_assert_eq!(came.id(), id);
        prop_assert_eq!(came.into_request(), sent);
    }
}
