//! What else is in a host's file stays as it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::{Host, URL};

const JSON: &str = r#"{
  // What the editor may start.
  "inputs": [],
  "servers": {
    "other": { "command": "other", "args": [ "--fast" ] }, // by hand
  },
  "zebra": 1e3
}
"#;

const TOML: &str = r#"# mine
model = "some"   # the fast one

[mcp_servers.other]
command = "other"  # by hand
args = ["--fast"]

[profiles.work]
model = "more"
"#;

#[test]
fn comments_and_order_of_a_json_file_stay() {
    let host = Host::with("vscode", JSON);
    host.install(&["--url", URL]);
    let entry = r#" // by hand
    "gatehouse": {
      "type": "http",
      "url": "https://mcp.example.com/mcp",
    },
"#;
    assert_eq!(host.text(), JSON.replace(" // by hand\n", entry));
}

#[test]
fn comments_and_order_of_a_toml_file_stay() {
    let host = Host::with("codex", TOML);
    host.install(&["--url", URL]);
    let entry = format!("\n[mcp_servers.gatehouse]\nurl = \"{URL}\"\n");
    let text = host.text();
    assert!(text.contains(&entry), "{text}");
    assert_eq!(text.replace(&entry, ""), TOML);
}

#[test]
fn a_second_time_changes_nothing() {
    for (name, text) in [("vscode", JSON), ("codex", TOML)] {
        let host = Host::with(name, text);
        host.install(&["--url", URL]);
        let once = host.text();
        let written = fs::metadata(host.file()).unwrap().modified().unwrap();
        host.install(&["--url", URL]);
        assert_eq!(host.text(), once);
        let now = fs::metadata(host.file()).unwrap().modified().unwrap();
        assert_eq!(now, written);
    }
}

#[test]
fn the_file_and_its_backup_keep_their_permissions() {
    let host = Host::with("claude-code", r#"{ "secret": "of the user" }"#);
    fs::set_permissions(host.file(), Permissions::from_mode(0o600)).unwrap();
    host.install(&[]);
    for path in [host.file(), host.backup()] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn a_file_that_is_a_link_stays_one() {
    let host = Host::new("cursor");
    let real = host.folder.path().join("real");
    fs::write(&real, "{}").unwrap();
    symlink(&real, host.file()).unwrap();
    host.install(&[]);
    assert!(fs::symlink_metadata(host.file()).unwrap().is_symlink());
    assert!(fs::read_to_string(real).unwrap().contains("gatehouse"));
}

#[test]
fn a_file_that_cannot_be_understood_is_left_alone() {
    for (name, text) in [
        ("cursor", "{ \"mcpServers\": "),
        ("cursor", "{ \"mcpServers\": [] }"),
        ("cursor", "[]"),
        ("codex", "mcp_servers = "),
        ("codex", "mcp_servers = 1\n"),
    ] {
        let host = Host::with(name, text);
        let output = host.run(&[]);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert_eq!(host.text(), text);
        assert!(!host.backup().exists());
    }
}
