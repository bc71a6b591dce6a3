//! What the benchmarks share. A benchmark is a plain program: it measures two sides in one process and one run, turn by
//! turn, and prints a markdown table.
//!
//! ```text
//! cargo bench -p keyward-bench --features openssl --bench handshake
//! cargo bench -p keyward-bench --features openssl --bench bulk
//! cargo bench -p keyward-bench --features openssl,memory --bench memory
//! cargo bench -p keyward-bench --bench keyserver
//! cargo bench -p keyward-bench --bench timing
//! ```

pub mod client;
pub mod handshakes;
pub mod key_time;
pub mod machine;
pub mod processor_time;
pub mod rounds;
pub mod servers;
pub mod table;

/// What ends a benchmark early: anything that fails makes its figures worthless.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The name in the certificates, and the one that clients ask for.
pub const SERVER_NAME: &str = "bench.example";

/// Whether this is `cargo bench`, which says so with an argument. `cargo test --benches` runs the same programs to see
/// that they work, and has no use for figures.
pub fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Whether a row is wanted: `cargo bench … -- "TLS 1.2" RSA` wants those with both in their names.
pub fn is_wanted(row: &str) -> bool {
    let mut filters = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    filters.all(|filter| row.contains(&filter))
}
