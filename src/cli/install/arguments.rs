//! The arguments of `gatehouse install`.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::host::Host;

/// Which host is told what.
#[derive(Debug, Args)]
pub(in crate::cli) struct InstallArguments {
    /// The host.
    pub(super) host: Host,
    /// The address of a gateway's MCP endpoint; without it, the host starts this program.
    #[arg(long, value_parser = address)]
    pub(super) url: Option<Url>,
    /// What the host calls the server.
    #[arg(long, default_value = "gatehouse", value_parser = name)]
    pub(super) name: String,
    /// The host's file, where it is not the usual one.
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Print the entry and change nothing.
    #[arg(long, conflicts_with_all = ["undo", "file"])]
    pub(super) print: bool,
    /// Take back what this command did.
    #[arg(long, conflicts_with = "url")]
    pub(super) undo: bool,
}

/// A token goes there, so only this machine is spoken to in the clear (RFC 9700 §2.6).
fn address(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|_| "not a URL".to_owned())?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        return Ok(url);
    }
    Err("a gateway is reached by https, or by http on this machine".to_owned())
}

/// What every host takes as a name.
fn name(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err("a name has up to 64 letters, digits, - and _".to_owned())
}
