//! `gatehouse server`: the tools of mounted servers, what was approved of them and what changed.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::arguments::TenantOption;
use super::exit::{Usage, refused};
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::{Digest, Tenant, ToolState};
use crate::operations::{By, ListedTool, ToolLock};

#[derive(Debug, Subcommand)]
pub(super) enum ServerCommand {
    /// Print the tools on record: server, tool, state and digest, a tab apart; under each one that is
    /// not what was approved, what is different.
    #[command(after_help = "\
Examples:
  gatehouse server tools
  gatehouse server tools docs --waiting

A tool is on record once a gateway has listed its server. It is approved, changed or new (an operator
decides), refused (it hides text, nobody can approve it) or missing (the server does not list it).")]
    Tools {
        #[command(flatten)]
        tenant: TenantOption,
        /// The server's name; all of them without it.
        server: Option<String>,
        /// Only those that wait for a decision.
        #[arg(long)]
        waiting: bool,
    },
    /// Approve what a server offers as a tool; running gateways follow within seconds.
    #[command(after_help = "\
Example:
  gatehouse server approve docs search 3f2a9c0d41be

The digest is what `gatehouse server tools` prints, 12 digits of it at least: what you approve is what
you have seen.")]
    Approve {
        #[command(flatten)]
        tenant: TenantOption,
        /// The server's name.
        server: String,
        /// The tool's name at the server, without prefix.
        tool: String,
        /// The digest of what is approved.
        digest: String,
    },
    /// Keep approvals in a file.
    Lock {
        #[command(subcommand)]
        command: LockCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum LockCommand {
    /// Print the approved tools as a lock file.
    #[command(after_help = "\
Examples:
  gatehouse server lock export > tools.lock.json
  gatehouse server lock export --offered docs > tools.lock.json    to review it, and apply it then")]
    Export {
        #[command(flatten)]
        tenant: TenantOption,
        /// The server's name; all of them without it.
        server: Option<String>,
        /// What is offered in the place of what is approved, where an operator has to decide.
        #[arg(long)]
        offered: bool,
    },
    /// Approve the tools of a lock file, and no others of its servers.
    #[command(after_help = "\
Example:
  gatehouse server lock apply tools.lock.json

It may be applied before a server was ever seen: then nothing of it is approved by being there.")]
    Apply {
        #[command(flatten)]
        tenant: TenantOption,
        /// The file; - is standard input.
        file: PathBuf,
    },
}

/// How many digits of a digest have to be named.
const SHORTEST: usize = 12;

/// How large a lock file may be.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: ServerCommand) -> anyhow::Result<()> {
    let gateway = open(config).await?;
    match command {
        ServerCommand::Tools {
            tenant,
            server,
            waiting,
        } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            let operations = gateway.operations();
            let listed = operations.list_tools(&tenant, server.as_deref()).await;
            for tool in listed.map_err(refused)? {
                if !waiting || tool.waits() || tool.record.state() == ToolState::Refused {
                    print(&tool)?;
                }
            }
            Ok(())
        }
        ServerCommand::Approve {
            tenant,
            server,
            tool,
            digest,
        } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            approve(&gateway, &tenant, (&server, &tool), &digest).await
        }
        ServerCommand::Lock { command } => lock(&gateway, command).await,
    }
}

fn print(tool: &ListedTool) -> anyhow::Result<()> {
    let state = tool.record.state().as_str();
    let digest = tool.digest().map(|digest| digest.to_hex());
    let digest = digest.as_deref().unwrap_or("-");
    terminal::print(&format!(
        "{}\t{}\t{state}\t{digest}",
        tool.server,
        tool.record.name.escape_debug()
    ))?;
    for difference in tool.differences() {
        terminal::print(&format!("\t{difference}"))?;
    }
    Ok(())
}

async fn approve(
    gateway: &Gateway,
    tenant: &Tenant,
    (server, name): (&str, &str),
    digest: &str,
) -> anyhow::Result<()> {
    let operations = gateway.operations();
    let listed = operations.list_tools(tenant, Some(server)).await;
    let listed = listed.map_err(refused)?;
    let tool = listed.iter().find(|tool| tool.record.name == name);
    let tool = tool.ok_or_else(|| Usage(format!("nothing is on record of {server}/{name}")))?;
    if digest.len() < SHORTEST {
        let text = format!("the digest has {SHORTEST} digits at least");
        return Err(Usage(text).into());
    }
    let shown: Option<Digest> = tool.digest();
    let shown = shown.filter(|shown| shown.to_hex().starts_with(&digest.to_ascii_lowercase()));
    let shown = shown.ok_or_else(|| {
        Usage("that is not the digest of what is offered: look at it again".to_owned())
    })?;
    let approved = operations.approve_tool(&By::CommandLine, tenant, (server, name), &shown);
    approved.await.map_err(refused)?;
    terminal::say(&format!("approved {server}/{name}"))?;
    Ok(())
}

async fn lock(gateway: &Gateway, command: LockCommand) -> anyhow::Result<()> {
    let operations = gateway.operations();
    match command {
        LockCommand::Export {
            tenant,
            server,
            offered,
        } => {
            let tenant = find_tenant(gateway, &tenant).await?;
            let lock = operations.export_tool_lock(&tenant, server.as_deref(), offered);
            terminal::print(&lock.await.map_err(refused)?.to_text())?;
        }
        LockCommand::Apply { tenant, file } => {
            let tenant = find_tenant(gateway, &tenant).await?;
            let lock = ToolLock::read(&read(&file)?).map_err(refused)?;
            let applied = operations.apply_tool_lock(&By::CommandLine, &tenant, &lock);
            let decisions = applied.await.map_err(refused)?;
            terminal::say(&format!("applied: {decisions} approvals changed"))?;
        }
    }
    Ok(())
}

fn read(file: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        let read = std::io::stdin().take(LARGEST).read_to_end(&mut bytes);
        read.context("no lock came on standard input")?;
    } else {
        let open = std::fs::File::open(file);
        let open = open.with_context(|| format!("can't read {}", file.display()))?;
        open.take(LARGEST).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
