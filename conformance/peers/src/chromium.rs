//! Headless Chromium.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{nss::Database, process, stand::Stand};

/// A Chromium with an empty profile of its own that trusts the stand's CA alone.
pub struct Chromium {
    program: PathBuf,
    home: TempDir,
    flags: Vec<String>,
}

impl Chromium {
    /// Makes the profile. The CA goes into a throwaway certificate database, so that Chromium verifies the chain like
    /// that of any other site; `certutil` is NSS's tool for it.
    #[track_caller]
    pub fn new(chromium: &Path, certutil: &Path, stand: &Stand) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        Database::create(certutil, &home.path().join(".pki/nssdb"), stand);
        let flags = vec![
            "--headless".to_owned(),
            // Containers and root have no user namespaces to make a sandbox of; the page is ours.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-extensions".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-default-apps".to_owned(),
            "--no-first-run".to_owned(),
            "--no-proxy-server".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--window-size=800,600".to_owned(),
            format!("--user-data-dir={}", home.path().join("profile").display()),
            // Every name, so that nothing that a browser does by itself leaves this machine.
            format!("--host-resolver-rules=MAP * {}", stand.address()),
        ];
        Self {
            program: chromium.to_owned(),
            home,
            flags,
        }
    }

    /// The document after its scripts have run.
    #[track_caller]
    pub fn dom(&self, url: &str) -> String {
        let finished = self.run(&["--virtual-time-budget=10000", "--dump-dom", url]);
        String::from_utf8_lossy(&finished.stdout).into_owned()
    }

    /// A picture of the page.
    #[track_caller]
    pub fn screenshot(&self, url: &str) -> Picture {
        let file = self.home.path().join("page.png");
        let finished = self.run(&[
            "--virtual-time-budget=10000",
            &format!("--screenshot={}", file.display()),
            url,
        ]);
        Picture::load(&file).unwrap_or_else(|error| panic!("{error}:\n{}", finished.text))
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> process::Finished {
        let mut command = Command::new(&self.program);
        command
            .env("HOME", self.home.path())
            .args(&self.flags)
            .args(arguments);
        process::run(command, b"").succeeded()
    }
}

/// A decoded picture.
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    pixels: Vec<u8>,
    channels: usize,
}

impl Picture {
    fn load(file: &Path) -> Result<Self, png::DecodingError> {
        let mut decoder = png::Decoder::new(BufReader::new(File::open(file)?));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().unwrap_or_default()];
        let frame = reader.next_frame(&mut pixels)?;
        Ok(Self {
            width: frame.width,
            height: frame.height,
            pixels,
            channels: frame.color_type.samples(),
        })
    }

    /// The share of the pixels that have this colour, 0 to 1.
    pub fn share_of(&self, colour: [u8; 3]) -> f64 {
        let all = self.pixels.chunks_exact(self.channels);
        let total = all.len();
        let matching = all.filter(|pixel| pixel.starts_with(&colour)).count();
        f64::from(u32::try_from(matching).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(total).unwrap_or(u32::MAX))
    }
}
