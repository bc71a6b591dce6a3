//! What happens to which key server, in order.

use crate::stand::{FROZEN, FULL, KILLED, SLOWED, Stand};
use crate::statistics::Span;

/// A while, and what begins it.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// One key server is not well.
    pub(crate) fault: bool,
    /// In the long run.
    pub(crate) seconds: f64,
    pub(crate) act: fn(&mut Stand),
}

const fn phase(name: &'static str, fault: bool, seconds: f64, act: fn(&mut Stand)) -> Phase {
    Phase {
        name,
        fault,
        seconds,
        act,
    }
}

/// All of them.
pub(crate) const PHASES: &[Phase] = &[
    phase("all is well", false, 8.0, |_| ()),
    phase(KILL, true, 8.0, |stand| stand.kill(KILLED)),
    phase("it is started", false, 6.0, |stand| {
        stand.start_again(KILLED);
    }),
    phase(FREEZE, true, 10.0, |stand| stand.signal(FROZEN, "STOP")),
    phase("it goes on", false, 6.0, |stand| {
        stand.signal(FROZEN, "CONT");
    }),
    phase(SLOW, true, 10.0, |stand| stand.slow(1000)),
    phase("it is fast again", false, 6.0, |stand| stand.slow(0)),
    phase("one is restarted", true, 6.0, |stand| {
        stand.stop(KILLED);
        stand.start_again(KILLED);
    }),
    phase(DISK, true, 8.0, |stand| stand.limit_files(FULL, "0")),
    phase("it has room again", false, 6.0, |stand| {
        stand.limit_files(FULL, "unlimited");
    }),
    phase(STRANGER, true, 8.0, |stand| {
        stand.certificate_of_a_stranger(KILLED);
        stand.stop(KILLED);
        stand.start_again(KILLED);
    }),
    phase(RENEWED, false, 8.0, |stand| {
        stand.renew_certificate(KILLED);
        stand.stop(KILLED);
        stand.start_again(KILLED);
    }),
];

const KILL: &str = "one is killed -9";
const FREEZE: &str = "one is frozen";
const SLOW: &str = "one takes 2 s";
const DISK: &str = "one has a full disk";
const STRANGER: &str = "one has a stranger's certificate";
const RENEWED: &str = "it has a renewed one";

/// Whether the phases were what they were meant to be: who was well answered, who was not did not.
pub(crate) fn check(spans: &[Span]) -> Vec<String> {
    let answers = |name: &str| {
        let span = spans.iter().find(|span| span.name == name);
        span.map_or([0; 3], |span| span.answers.by_server)
    };
    let [killed, frozen, slow, disk, stranger, renewed] =
        [KILL, FREEZE, SLOW, DISK, STRANGER, RENEWED].map(answers);
    let mut wrong = Vec::new();
    let mut expect = |what: &str, is_so: bool| {
        if !is_so {
            wrong.push(format!("not so: {what}"));
        }
    };
    let answered = |server: usize| spans.iter().any(|span| span.answers.by_server[server] > 0);
    expect("each of the three answers", (0..3).all(answered));
    // A moment's worth may be counted on the wrong side of the border.
    let few = |span: [u32; 3], server: usize| span[server] * 10 <= span.iter().sum::<u32>();
    expect("a killed one answers nothing", few(killed, KILLED));
    expect("a frozen one answers nothing", few(frozen, FROZEN));
    expect("a slow one answers next to nothing", few(slow, SLOWED));
    expect("one with a full disk answers nothing", few(disk, FULL));
    expect("a stranger answers nothing", few(stranger, KILLED));
    expect(
        "one with a renewed certificate answers",
        renewed[KILLED] > 0,
    );
    let elsewhere: u32 = spans.iter().map(|span| span.answers.elsewhere).sum();
    expect("some operations went elsewhere", elsewhere > 0);
    wrong
}
