//! `gatehouse keys`, and what opens the keys (H05).

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::ENCRYPTION_KEY;

/// Runs `gatehouse keys …` in `folder`, with this encryption key.
fn keys(folder: &TempDir, command: &str, key: Option<&str>) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    process
        .env_clear()
        .current_dir(folder.path())
        .args(["keys", command])
        .stdin(Stdio::null());
    if let Some(key) = key {
        process
            .env("GATEHOUSE__KEYS__ENCRYPTION_KEY__ENV", "KEY")
            .env("KEY", key);
    }
    process.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn keys_rotate_publishes_one_key_that_signs_later() {
    let folder = TempDir::new().unwrap();
    let begun = said(&keys(&folder, "rotate", None));
    assert!(begun.contains("is published and signs from 20"), "{begun}");
    let again = said(&keys(&folder, "rotate", None));
    assert!(again.contains("is published already"), "{again}");
    let list = String::from_utf8(keys(&folder, "list", None).stdout).unwrap();
    let states: Vec<_> = list.lines().map(|line| line.split('\t').nth(3)).collect();
    assert_eq!(states, [Some("next"), Some("active")]);
}

#[test]
fn h05_a_wrong_or_lost_encryption_key_ends_with_78() {
    let folder = TempDir::new().unwrap();
    let first = keys(&folder, "list", Some(ENCRYPTION_KEY));
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let another = ENCRYPTION_KEY.replacen('q', "r", 1);
    let output = keys(&folder, "list", Some(&another));
    assert_eq!(output.status.code(), Some(78));
    let text = said(&output);
    assert!(text.contains("encrypted with another key"), "{text}");
    // The key was in the environment, never in a file beside the database.
    let output = keys(&folder, "list", None);
    assert_eq!(output.status.code(), Some(78));
    assert!(said(&output).contains("gatehouse.db.key"));
    assert!(!folder.path().join("gatehouse.db.key").exists());
}
