//! Handshakes on one core, server side alone: Keyward's engine against rustls and, with `--features openssl`, OpenSSL.
//!
//! Only the server's work is on the clock, which counts the thread's processor time: from the first byte of the
//! ClientHello to the last of the session tickets, with making and dropping the connection. The client is rustls in
//! memory for all, and its time is not counted. All servers have the same certificates and keys. Keyward's key operation
//! is answered at once, on the same thread, as a key server would: with every check.
//!
//! For a profile, one server alone and a fixed count:
//!
//! ```text
//! valgrind --tool=callgrind --toggle-collect='*handshakes*timed*' handshake --bench --profile=Keyward "TLS 1.3, X25519, p256"
//! ```

mod case;
mod floor;
mod operations;
mod profile;

use case::{Case, Kind};
use keyward_bench::table::Table;
use keyward_bench::{Result, machine};
use keyward_pki::{Authority, KeyAlgorithm};
use rustls::NamedGroup;
use rustls::version::{TLS12, TLS13};

fn main() -> Result<()> {
    let authority = Authority::new("bench")?;
    let cases = cases(&authority)?;
    let wanted = cases
        .iter()
        .filter(|case| keyward_bench::is_wanted(&case.to_string()));
    if let Some(server) = profile::server() {
        return wanted
            .into_iter()
            .try_for_each(|case| profile::run(case, &server));
    }
    if !keyward_bench::is_measured() {
        return wanted.into_iter().try_for_each(Case::try_once);
    }

    println!("{}\n", machine::describe());
    let mut whole = Table::new(&case::WHOLE);
    let mut edge = Table::new(&case::EDGE);
    let mut floors = Table::new(&floor::HEAD);
    for case in wanted {
        case.measure(&mut whole, &mut edge, &mut floors)?;
    }
    println!("{whole}\n{edge}\n{floors}");
    Ok(())
}

fn cases(authority: &Authority) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (version, group) in [
        (&TLS13, NamedGroup::X25519),
        (&TLS13, NamedGroup::X25519MLKEM768),
        (&TLS12, NamedGroup::X25519),
    ] {
        for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
            cases.push(Case::new(authority, Kind::Full, version, group, algorithm)?);
        }
    }
    for version in [&TLS13, &TLS12] {
        let (group, algorithm) = (NamedGroup::X25519, KeyAlgorithm::P256);
        cases.push(Case::new(
            authority,
            Kind::Resumed,
            version,
            group,
            algorithm,
        )?);
    }
    Ok(cases)
}
