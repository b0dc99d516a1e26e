//! The hosts: where each keeps its list of servers, and what an entry of it looks like.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use super::edit::{Entry, Format};
use crate::config::Environment;

/// A program that speaks to MCP servers on its user's behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Host {
    /// Claude Desktop.
    ClaudeDesktop,
    /// Claude Code; its user's list.
    ClaudeCode,
    /// Cursor; its user's list.
    Cursor,
    /// Visual Studio Code; its user's list.
    #[value(name = "vscode")]
    VsCode,
    /// Codex; its user's list.
    Codex,
}

/// Where this user's files are.
#[derive(Debug)]
pub(super) struct Places<'a> {
    system: &'a str,
    environment: &'a Environment,
}

impl<'a> Places<'a> {
    /// Those of the system of that name (`std::env::consts::OS`).
    pub(super) fn new(system: &'a str, environment: &'a Environment) -> Self {
        Self {
            system,
            environment,
        }
    }

    fn variable(&self, name: &str) -> Option<&'a Path> {
        let value = self.environment.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty()).map(Path::new)
    }

    fn home(&self) -> Option<&'a Path> {
        let name = if self.system == "windows" {
            "USERPROFILE"
        } else {
            "HOME"
        };
        self.variable(name)
    }

    /// Where desktop programs keep what belongs to a user.
    fn application_data(&self) -> Option<PathBuf> {
        match self.system {
            "macos" => Some(self.home()?.join("Library/Application Support")),
            "windows" => self.variable("APPDATA").map(Path::to_path_buf),
            _ => match self.variable("XDG_CONFIG_HOME") {
                Some(folder) => Some(folder.to_path_buf()),
                None => Some(self.home()?.join(".config")),
            },
        }
    }
}

impl Host {
    /// The host's file, where its makers say where it is.
    pub(super) fn file(self, places: &Places<'_>) -> Option<PathBuf> {
        match self {
            // modelcontextprotocol.io/docs/develop/connect-local-servers: macOS and Windows.
            Self::ClaudeDesktop if matches!(places.system, "macos" | "windows") => {
                let folder = places.application_data()?.join("Claude");
                Some(folder.join("claude_desktop_config.json"))
            }
            Self::ClaudeDesktop => None,
            // code.claude.com/docs/en/mcp, "MCP installation scopes", and …/settings,
            // "Environment variables".
            Self::ClaudeCode => {
                let folder = places.variable("CLAUDE_CONFIG_DIR");
                Some(folder.or_else(|| places.home())?.join(".claude.json"))
            }
            // cursor.com/docs/mcp, "Configuration locations".
            Self::Cursor => Some(places.home()?.join(".cursor/mcp.json")),
            // code.visualstudio.com/docs/agents/reference/mcp-configuration: in the user profile;
            // …/docs/configure/settings, "Settings file locations": where that is.
            Self::VsCode => Some(places.application_data()?.join("Code/User/mcp.json")),
            // developers.openai.com/codex/mcp and …/codex/config-advanced, "CODEX_HOME".
            Self::Codex => match places.variable("CODEX_HOME") {
                Some(folder) => Some(folder.join("config.toml")),
                None => Some(places.home()?.join(".codex/config.toml")),
            },
        }
    }

    /// How the file is written, and under which key the servers are.
    pub(super) fn format(self) -> Format {
        match self {
            Self::ClaudeDesktop | Self::ClaudeCode | Self::Cursor => Format::Json("mcpServers"),
            Self::VsCode => Format::Json("servers"),
            Self::Codex => Format::Toml("mcp_servers"),
        }
    }

    /// An entry that has the host start `program`.
    pub(super) fn local(self, program: String, words: Vec<String>) -> Entry {
        let mut entry = Entry::new();
        if matches!(self, Self::ClaudeCode | Self::VsCode) {
            entry.insert("type".to_owned(), json!("stdio"));
        }
        entry.insert("command".to_owned(), program.into());
        entry.insert("args".to_owned(), words.into());
        entry
    }

    /// An entry that has the host go to `address`, if such an entry can stand in its file.
    pub(super) fn remote(self, address: String) -> Option<Entry> {
        let mut entry = Entry::new();
        match self {
            Self::ClaudeDesktop => return None,
            Self::ClaudeCode | Self::VsCode => {
                entry.insert("type".to_owned(), json!("http"));
            }
            Self::Cursor | Self::Codex => {}
        }
        entry.insert("url".to_owned(), address.into());
        Some(entry)
    }

    /// What the user has to do before the host knows.
    pub(super) const fn afterwards(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Quit Claude Desktop and start it again.",
            Self::ClaudeCode => "Start Claude Code again; /mcp shows its servers.",
            Self::Cursor => "Cursor shows it in its settings, under MCP.",
            Self::VsCode => "VS Code shows it with the command \"MCP: List Servers\".",
            Self::Codex => "Start Codex again; /mcp shows its servers.",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Host, Places};
    use crate::config::Environment;

    fn file(host: Host, system: &str, variables: &[(&str, &str)]) -> Option<PathBuf> {
        let environment: Environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        host.file(&Places::new(system, &environment))
    }

    #[test]
    fn each_host_has_its_file_where_its_makers_say() {
        let home = [("HOME", "/home/ada")];
        for (host, system, expected) in [
            (
                Host::ClaudeDesktop,
                "macos",
                "/home/ada/Library/Application Support/Claude/claude_desktop_config.json",
            ),
            (Host::ClaudeCode, "linux", "/home/ada/.claude.json"),
            (Host::Cursor, "macos", "/home/ada/.cursor/mcp.json"),
            (
                Host::VsCode,
                "linux",
                "/home/ada/.config/Code/User/mcp.json",
            ),
            (
                Host::VsCode,
                "macos",
                "/home/ada/Library/Application Support/Code/User/mcp.json",
            ),
            (Host::Codex, "linux", "/home/ada/.codex/config.toml"),
        ] {
            assert_eq!(file(host, system, &home), Some(expected.into()), "{host:?}");
        }
    }

    #[test]
    fn the_variables_of_hosts_and_systems_have_their_say() {
        for (host, system, variable, expected) in [
            (
                Host::ClaudeDesktop,
                "windows",
                "APPDATA",
                "/there/Claude/claude_desktop_config.json",
            ),
            (
                Host::VsCode,
                "linux",
                "XDG_CONFIG_HOME",
                "/there/Code/User/mcp.json",
            ),
            (
                Host::ClaudeCode,
                "linux",
                "CLAUDE_CONFIG_DIR",
                "/there/.claude.json",
            ),
            (Host::Codex, "linux", "CODEX_HOME", "/there/config.toml"),
        ] {
            let variables = [("HOME", "/home/ada"), (variable, "/there")];
            let found = file(host, system, &variables);
            assert_eq!(found, Some(expected.into()), "{host:?}");
        }
    }

    #[test]
    fn a_file_without_a_documented_place_is_not_guessed() {
        assert_eq!(file(Host::ClaudeDesktop, "linux", &[("HOME", "/h")]), None);
        assert_eq!(file(Host::Cursor, "linux", &[]), None);
    }
}
