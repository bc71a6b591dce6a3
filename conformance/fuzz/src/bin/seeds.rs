//! Writes the seeds of the corpora: `cargo run -p keyward-fuzz --bin seeds`. `cargo fuzz` adds to them, and
//! `conformance/fuzz/minimise` takes out what adds nothing.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for seed in keyward_fuzz::seeds::all() {
        let folder = corpus.join(seed.target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(seed.name), seed.bytes)?;
    }
    Ok(())
}
