//! `gatehouse install`: an entry for this gateway in a desktop host's list of MCP servers.
//!
//! The file belongs to the host and its user: everything else in it stays as it is, comments and
//! order too.

mod arguments;
mod edit;
mod file;
mod host;
mod json;
mod toml;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::exit::Usage;
use super::terminal;
use crate::config::{DEFAULT_FILE, Environment};

pub(super) use arguments::InstallArguments;

use edit::{Entry, Format};
use file::Outcome;
use host::Places;

/// Runs the command; `config` is the file that the host is to start the gateway with.
pub(super) fn run(
    arguments: &InstallArguments,
    config: Option<&Path>,
    environment: &Environment,
) -> anyhow::Result<()> {
    let host = arguments.host;
    let format = host.format();
    let name = &arguments.name;
    if arguments.undo {
        return undo(&file_of(arguments, environment)?, format, name);
    }
    let entry = entry(arguments, config)?;
    if arguments.print {
        let text = format.put("", name, &entry)?;
        terminal::print(text.trim_end())?;
        return Ok(());
    }
    let path = file_of(arguments, environment)?;
    let outcome = file::install(&path, format, name, &entry)
        .with_context(|| format!("could not change {}", path.display()))?;
    let shown = path.display();
    match outcome {
        Outcome::Unchanged => terminal::say(&format!("{shown} has the entry {name:?} already"))?,
        Outcome::Created => terminal::say(&format!("wrote {shown} with the entry {name:?}"))?,
        Outcome::Changed { backup } => terminal::say(&format!(
            "put the entry {name:?} into {shown}; {} is what it was",
            backup.display()
        ))?,
    }
    terminal::say(host.afterwards())?;
    Ok(())
}

fn undo(path: &Path, format: Format, name: &str) -> anyhow::Result<()> {
    let undone = file::undo(path, format, name)
        .with_context(|| format!("could not change {}", path.display()))?;
    if !undone {
        let reason = format!("{} has no entry {name:?}", path.display());
        return Err(Usage(reason).into());
    }
    terminal::say(&format!(
        "took the entry {name:?} back in {}",
        path.display()
    ))?;
    Ok(())
}

fn file_of(arguments: &InstallArguments, environment: &Environment) -> anyhow::Result<PathBuf> {
    if let Some(file) = &arguments.file {
        return Ok(file.clone());
    }
    let places = Places::new(std::env::consts::OS, environment);
    let found = arguments.host.file(&places);
    found.ok_or_else(|| {
        let reason = "this host's file has no documented place on this system: name it with --file";
        Usage(reason.to_owned()).into()
    })
}

/// What the host is to know: an address, or how to start this very program.
fn entry(arguments: &InstallArguments, config: Option<&Path>) -> anyhow::Result<Entry> {
    let host = arguments.host;
    if let Some(url) = &arguments.url {
        let address = url.as_str().to_owned();
        return host.remote(address).ok_or_else(|| {
            let reason = "Claude Desktop takes remote servers in Settings, Connectors, and not in \
                          its file";
            Usage(reason.to_owned()).into()
        });
    }
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let mut words = Vec::new();
    let default = Path::new(DEFAULT_FILE);
    // A host starts its servers in a folder of its own choice.
    if let Some(config) = config.or_else(|| default.exists().then_some(default)) {
        let config = std::path::absolute(config)?;
        words.extend(["--config".to_owned(), text(&config)?]);
    }
    words.push("stdio".to_owned());
    Ok(host.local(text(&program)?, words))
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().map(ToOwned::to_owned);
    text.with_context(|| format!("{} can't be written down", path.display()))
}
