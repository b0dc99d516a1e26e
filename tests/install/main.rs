//! `gatehouse install`: what it writes for each host, what it leaves alone, and how it is undone.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test support: a surprise ends the test"
)]

mod entries;
mod neighbours;
mod undo;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const URL: &str = "https://mcp.example.com/mcp";

/// A folder with a host's file.
struct Host {
    name: &'static str,
    folder: TempDir,
}

impl Host {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The same with a file that is there already.
    fn with(name: &'static str, text: &str) -> Self {
        let host = Self::new(name);
        fs::write(host.file(), text).unwrap();
        host
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("list")
    }

    fn backup(&self) -> PathBuf {
        self.folder.path().join("list.before-gatehouse")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        gatehouse(self.folder.path())
            .args(["install", self.name, "--file"])
            .arg(self.file())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs the command, which has to work.
    fn install(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// The program, in a folder and with nothing in its environment.
fn gatehouse(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}
