//! The runner's arguments.
//!
//! A flag stands for all connections, or with `-on-initial` or `-on-resume` before its name for the
//! first or the others. With `-on-retry` it stands for what follows on a client whose early data was
//! refused. `-on-handshaker` is for split handshakes: parsed, and passed over.

use crate::failure::{Failure, unimplemented, unmet};
use crate::options::{Options, flag};

/// What the runner wants of this process.
pub(crate) enum Invocation {
    /// Say whether handshakes can be split between processes.
    IsHandshakerSupported,
    /// Run connections.
    Run {
        /// For the first.
        initial: Box<Options>,
        /// For the others.
        resume: Box<Options>,
        /// For the others, from where a client's early data is refused.
        retry: Box<Options>,
    },
}

/// What a flag does to the options.
pub(crate) enum Flag {
    Bare(fn(&mut Options)),
    Value(fn(&mut Options, &str) -> Result<(), Failure>),
}

/// A [`Flag::Value`] that sets something: `value!(options, text => options.this = that(text)?)`.
macro_rules! value {
    ($options:ident, $text:ident => $set:expr) => {
        $crate::flags::Flag::Value(|$options, $text| {
            $set;
            Ok(())
        })
    };
}
pub(crate) use value;

pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Invocation, Failure> {
    let mut initial = Box::<Options>::default();
    let mut resume = Box::<Options>::default();
    let mut retry = Box::<Options>::default();
    let arguments: Vec<String> = arguments.collect();
    refuse_other_transports(&arguments)?;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "-is-handshaker-supported" {
            return Ok(Invocation::IsHandshakerSupported);
        }
        let (scope, name) = scope(&argument);
        let flag = flag(name).ok_or_else(|| unimplemented(format!("the flag {name}")))?;
        let value = match flag {
            Flag::Bare(_) => None,
            Flag::Value(_) => Some(
                arguments
                    .next()
                    .ok_or_else(|| unmet(format!("{argument} has no value")))?,
            ),
        };
        let apply = |options: &mut Options| match (&flag, &value) {
            (Flag::Value(set), Some(value)) => set(options, value),
            (Flag::Bare(set), _) => {
                set(options);
                Ok(())
            }
            (Flag::Value(_), None) => Ok(()),
        };
        match scope {
            Scope::All => {
                apply(&mut initial)?;
                apply(&mut resume)?;
                apply(&mut retry)?;
            }
            Scope::Initial => apply(&mut initial)?,
            Scope::Resume => apply(&mut resume)?,
            Scope::Retry => apply(&mut retry)?,
            Scope::Elsewhere => {}
        }
    }
    Ok(Invocation::Run {
        initial,
        resume,
        retry,
    })
}

/// What is not TLS over TCP is named as such, and not by the first of its flags that is not known.
fn refuse_other_transports(arguments: &[String]) -> Result<(), Failure> {
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("-is-handshaker-supported") {
        return Ok(());
    }
    for (other, what) in [(has("-dtls"), "DTLS"), (has("-quic"), "QUIC")] {
        if other {
            return Err(unimplemented(what));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    Initial,
    Resume,
    Retry,
    Elsewhere,
}

fn scope(argument: &str) -> (Scope, &str) {
    if let Some(name) = argument.strip_prefix("-on-handshaker") {
        return (Scope::Elsewhere, name);
    }
    let argument = argument.strip_prefix("-on-shim").unwrap_or(argument);
    for (prefix, scope) in [
        ("-on-initial", Scope::Initial),
        ("-on-resume", Scope::Resume),
        ("-on-retry", Scope::Retry),
    ] {
        if let Some(name) = argument.strip_prefix(prefix) {
            return (scope, name);
        }
    }
    (Scope::All, argument)
}

#[cfg(test)]
mod tests {
    use keyward_wire::values::NamedGroup;

    use super::*;

    fn parse_server(arguments: &[&str]) -> Result<Invocation, Failure> {
        let arguments = ["-server"].iter().chain(arguments);
        parse(arguments.map(ToString::to_string))
    }

    fn parsed(arguments: &[&str]) -> (Box<Options>, Box<Options>) {
        match parse_server(arguments) {
            Ok(Invocation::Run {
                initial, resume, ..
            }) => (initial, resume),
            Ok(Invocation::IsHandshakerSupported) => panic!("no run"),
            Err(failure) => panic!("{failure}"),
        }
    }

    fn failure(arguments: &[&str]) -> Failure {
        match parse_server(arguments) {
            Ok(_) => panic!("{arguments:?} was taken"),
            Err(failure) => failure,
        }
    }

    #[test]
    fn a_flag_without_prefix_is_for_all_connections() {
        let (initial, resume) = parsed(&["-port", "4433", "-shim-id", "7", "-async"]);
        for options in [initial, resume] {
            assert_eq!((options.run.port, options.run.shim_id), (4433, 7));
            assert!(options.run.is_async);
        }
    }

    #[test]
    fn a_prefix_limits_a_flag_to_its_connections() {
        let (initial, resume) = parsed(&[
            "-on-initial-expect-version",
            "771",
            "-on-resume-expect-version",
            "772",
            "-on-retry-expect-version",
            "770",
        ]);
        assert_eq!(initial.expect.version, Some(771));
        assert_eq!(resume.expect.version, Some(772));
    }

    #[test]
    fn what_is_for_a_handshaker_is_passed_over_with_its_value() {
        let (initial, _) = parsed(&[
            "-on-handshaker-expect-version",
            "770",
            "-on-shim-async",
            "-on-shim-on-initial-read-size",
            "5",
        ]);
        assert_eq!(initial.expect.version, None);
        assert!(initial.run.is_async);
        assert_eq!(initial.script.read_size, 5);
    }

    #[test]
    fn a_repeated_flag_makes_a_list() {
        let (initial, resume) =
            parsed(&["-curves", "29", "-curves", "23", "-on-resume-curves", "24"]);
        let groups = [NamedGroup::X25519, NamedGroup::SECP256R1];
        assert_eq!(initial.negotiation.groups, groups);
        assert_eq!(
            resume.negotiation.groups,
            [groups[0], groups[1], NamedGroup::SECP384R1]
        );
    }

    #[test]
    fn numbers_may_be_hexadecimal() {
        assert_eq!(
            parsed(&["-max-version", "0x0303"])
                .0
                .negotiation
                .max_version,
            0x303
        );
    }

    #[test]
    fn credential_flags_are_for_the_latest_credential() {
        let (initial, resume) = parsed(&[
            "-cert-file",
            "default.pem",
            "-new-x509-credential",
            "-cert-file",
            "first.pem",
            "-on-resume-new-x509-credential",
            "-on-resume-cert-file",
            "second.pem",
            "-on-resume-ocsp-response",
            "AQI=",
        ]);
        let files = |options: &Options| -> Vec<String> {
            let credentials = &options.credentials;
            let all = credentials.in_order();
            all.map(|(_, credential)| credential.cert_file.clone())
                .collect()
        };
        assert_eq!(files(&initial), ["first.pem", "default.pem"]);
        assert_eq!(files(&resume), ["first.pem", "second.pem", "default.pem"]);
        let last = resume.credentials.in_order().nth(1);
        assert_eq!(
            last.map(|(_, it)| it.ocsp_response.clone()),
            Some(vec![1, 2])
        );
    }

    #[test]
    fn what_is_not_implemented_is_told_from_what_is_wrong() {
        for arguments in [
            &["-dtls"][..],
            &["-quic"],
            &["-new-delegated-credential"],
            &["-no-such-flag"],
        ] {
            let failure = failure(arguments);
            assert!(matches!(failure, Failure::Unimplemented(_)), "{failure}");
        }
        for arguments in [
            &["-port"][..],
            &["-port", "many"],
            &["-port", "65536"],
            &["-max-version", "-1"],
            &["-ocsp-response", "?"],
        ] {
            let failure = failure(arguments);
            assert!(matches!(failure, Failure::Unmet(_)), "{failure}");
        }
    }

    #[test]
    fn the_question_for_a_handshaker_is_recognized() {
        let arguments = ["-is-handshaker-supported".to_owned()];
        let invocation = parse(arguments.into_iter());
        assert!(matches!(invocation, Ok(Invocation::IsHandshakerSupported)));
    }
}
