//! The entries themselves, host by host.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{Host, URL, gatehouse};

const HOSTS: [(&str, &str); 4] = [
    ("claude-desktop", "mcpServers"),
    ("claude-code", "mcpServers"),
    ("cursor", "mcpServers"),
    ("vscode", "servers"),
];

/// The entry in the host's file.
fn entry(host: &Host, list: &str) -> Value {
    if host.name == "codex" {
        let document: toml::Value = toml::from_str(&host.text()).unwrap();
        return serde_json::to_value(&document[list]["gatehouse"]).unwrap();
    }
    let document: Value = serde_json::from_str(&host.text()).unwrap();
    document[list]["gatehouse"].clone()
}

/// Starts what the entry says, as a host does: anywhere, without a shell.
fn initialize(entry: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let words = entry["args"].as_array().unwrap();
    let mut child = Command::new(entry["command"].as_str().unwrap())
        .args(words.iter().map(|word| word.as_str().unwrap()))
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    }});
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{hello}").unwrap();
    drop(input);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a host's folder is no place for a database"
    );
    serde_json::from_str(&line).unwrap()
}

#[test]
fn what_a_host_is_told_to_start_is_a_server() {
    for (name, list) in HOSTS.into_iter().chain([("codex", "mcp_servers")]) {
        let host = Host::new(name);
        host.install(&[]);
        let entry = entry(&host, list);
        assert_eq!(entry["args"], json!(["stdio"]));
        let answer = initialize(&entry);
        assert_eq!(
            answer["result"]["serverInfo"]["name"], "gatehouse",
            "{name}"
        );
    }
}

#[test]
fn a_server_is_started_with_the_configuration_that_was_named() {
    let host = Host::new("cursor");
    let config = host.folder.path().join("mine.toml");
    fs::write(&config, "[weather]\ncontact = \"ops@example.com\"\n").unwrap();
    host.install(&["--config", "mine.toml"]);
    let entry = entry(&host, "mcpServers");
    let config = config.canonicalize().unwrap();
    let words = json!(["--config", config.to_str().unwrap(), "stdio"]);
    assert_eq!(entry["args"], words);
    assert_eq!(
        initialize(&entry)["result"]["protocolVersion"],
        "2025-11-25"
    );
}

#[test]
fn an_address_is_written_as_each_host_wants_it() {
    for (name, list, expected) in [
        (
            "claude-code",
            "mcpServers",
            json!({ "type": "http", "url": URL }),
        ),
        ("cursor", "mcpServers", json!({ "url": URL })),
        ("vscode", "servers", json!({ "type": "http", "url": URL })),
        ("codex", "mcp_servers", json!({ "url": URL })),
    ] {
        let host = Host::new(name);
        host.install(&["--url", URL]);
        assert_eq!(entry(&host, list), expected, "{name}");
    }
}

#[test]
fn claude_desktop_takes_no_address_in_its_file() {
    let host = Host::new("claude-desktop");
    let output = host.run(&["--url", URL]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Settings, Connectors"));
    assert!(!host.file().exists());
}

#[test]
fn an_address_in_the_clear_is_refused_beyond_this_machine() {
    let host = Host::new("cursor");
    let output = host.run(&["--url", "http://mcp.example.com/mcp"]);
    assert_eq!(output.status.code(), Some(64));
    host.install(&["--url", "http://127.0.0.1:8080/mcp"]);
}

#[test]
fn the_usual_file_is_in_the_home_of_the_user() {
    let home = tempfile::tempdir().unwrap();
    let status = gatehouse(home.path())
        .env("HOME", home.path())
        .args(["install", "codex", "--url", URL])
        .status();
    assert!(status.unwrap().success());
    let text = fs::read_to_string(home.path().join(".codex/config.toml")).unwrap();
    assert_eq!(text, format!("[mcp_servers.gatehouse]\nurl = \"{URL}\"\n"));
}

#[test]
fn an_entry_that_is_printed_is_written_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let output = gatehouse(home.path())
        .env("HOME", home.path())
        .args(["install", "vscode", "--url", URL, "--print"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({ "servers": { "gatehouse": { "type": "http", "url": URL } } });
    assert_eq!(printed, expected);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
