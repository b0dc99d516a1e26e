//! Undone is as if it had never been done.

use std::fs;

use crate::{Host, URL};

/// Files as people have them: comments, missing line ends, odd spaces, entries of the same name.
const FILES: [(&str, &str); 9] = [
    ("vscode", "{\n\t\"servers\": {} // none\n}"),
    ("vscode", "// nothing yet\n"),
    ("vscode", ""),
    ("cursor", "{\"mcpServers\":{\"a\":{\"url\":\"https://a\"}}}"),
    (
        "cursor",
        "{\"mcpServers\": {\"gatehouse\": {\"command\": \"mine\", \"env\": {\"A\": \"1\"}}}}",
    ),
    ("claude-desktop", "{\r\n  \"a\": 1\r\n}\r\n"),
    ("codex", "model = \"some\" # fast"),
    (
        "codex",
        "[mcp_servers.gatehouse]\ncommand = 'mine' # old\n\n[a]\nb = 1\n",
    ),
    ("codex", "[mcp_servers]\na = { command = \"a\" }\n"),
];

#[test]
fn the_file_is_what_it_was() {
    for (name, text) in FILES {
        let host = Host::with(name, text);
        host.install(&[]);
        assert_ne!(host.text(), text);
        host.install(&["--undo"]);
        assert_eq!(host.text(), text, "{name}");
        assert!(!host.backup().exists());
    }
}

#[test]
fn a_file_that_was_not_there_is_gone() {
    for name in ["vscode", "codex"] {
        let host = Host::new(name);
        host.install(&["--url", URL]);
        host.install(&["--undo"]);
        assert!(!host.file().exists());
    }
}

#[test]
fn several_installations_are_undone_at_once() {
    for (name, text) in FILES {
        let host = Host::with(name, text);
        host.install(&[]);
        if name != "claude-desktop" {
            host.install(&["--url", URL]);
        }
        host.install(&["--undo"]);
        assert_eq!(host.text(), text, "{name}");
    }
}

#[test]
fn what_changed_since_is_kept() {
    let host = Host::with("cursor", "{ \"mcpServers\": {} }");
    host.install(&[]);
    let changed = host.text().replacen('{', "{ \"new\": true,", 1);
    fs::write(host.file(), changed).unwrap();
    host.install(&["--undo"]);
    let left: serde_json::Value = serde_json::from_str(&host.text()).unwrap();
    assert_eq!(left, serde_json::json!({ "new": true, "mcpServers": {} }));
}

#[test]
fn an_entry_of_the_same_name_comes_back_beside_what_changed_since() {
    let host = Host::with(
        "codex",
        "[mcp_servers.gatehouse]\ncommand = \"mine\"\nenv = { A = \"1\" }\n",
    );
    host.install(&["--url", URL]);
    let changed = format!("model = \"new\"\n{}", host.text());
    fs::write(host.file(), changed).unwrap();
    host.install(&["--undo"]);
    let left: toml::Value = toml::from_str(&host.text()).unwrap();
    assert_eq!(left["model"].as_str(), Some("new"));
    let entry = &left["mcp_servers"]["gatehouse"];
    assert_eq!(entry["command"].as_str(), Some("mine"));
    assert_eq!(entry["env"]["A"].as_str(), Some("1"));
    assert!(entry.get("url").is_none());
}

#[test]
fn without_an_entry_there_is_nothing_to_undo() {
    let host = Host::with("cursor", "{}");
    let output = host.run(&["--undo"]);
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(host.text(), "{}");
}
