//! The bodies of the fuzz targets. `targets/` wraps each for `cargo fuzz`, which needs a nightly toolchain; the test
//! `corpus` runs each over its corpus on a stable one.
//!
//! A target is a function of bytes that returns, whatever the bytes are: it panics where something that must hold does
//! not.

pub mod certificates;
pub mod client;
pub mod driver;
pub mod gokeyless;
pub mod keyop;
pub mod keys;
pub mod mutate;
pub mod peer;
pub mod protocol;
pub mod script;
pub mod seeds;
pub mod server;
pub mod sessions;
pub mod site;
pub mod trust;
pub mod wire;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the binary in `targets/bin`, and of the folder in `corpus`.
    pub name: &'static str,
    /// What it does with one input.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "wire",
        run: wire::run,
    },
    Target {
        name: "keyop",
        run: keyop::run,
    },
    Target {
        name: "protocol",
        run: protocol::run,
    },
    Target {
        name: "gokeyless",
        run: gokeyless::run,
    },
    Target {
        name: "sessions",
        run: sessions::run,
    },
    Target {
        name: "keys",
        run: keys::run,
    },
    Target {
        name: "client",
        run: client::run,
    },
    Target {
        name: "server",
        run: server::run,
    },
    Target {
        name: "certificates",
        run: certificates::run,
    },
    Target {
        name: "trust",
        run: trust::run,
    },
];
