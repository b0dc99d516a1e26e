//! `gatehouse audit`: reads, exports and verifies the audit log.

use std::io::{IsTerminal as _, stderr};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::arguments::TenantOption;
use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::TenantSlug;
use crate::store::AuditQuery;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Print the newest entries: number, time, event, outcome, who, and on what, a tab apart.
    #[command(after_help = "\
Example:
  gatehouse audit list --event token --limit 20")]
    List {
        #[command(flatten)]
        which: Which,
        /// How many entries, the newest last.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Print all entries as JSON, one on each line, with what is needed to verify their chain.
    #[command(after_help = "\
Example:
  gatehouse audit export --since 2026-01-01T00:00:00Z > audit.jsonl")]
    Export {
        #[command(flatten)]
        which: Which,
    },
    /// Look for entries that were edited, removed or moved; ends with 1 if there are any.
    #[command(after_help = "\
Example:
  gatehouse audit verify --tenant acme")]
    Verify {
        #[command(flatten)]
        tenant: TenantOption,
    },
}

/// Which entries.
#[derive(Debug, Args)]
pub(super) struct Which {
    #[command(flatten)]
    tenant: TenantOption,
    /// An event, or a group of them: token.issued, token.
    #[arg(long)]
    event: Option<String>,
    /// success, refused, failed or cancelled.
    #[arg(long)]
    outcome: Option<String>,
    /// The identifier of whoever did it, or an operator's name.
    #[arg(long)]
    actor: Option<String>,
    /// The identifier of the person whom it concerns.
    #[arg(long)]
    user: Option<String>,
    /// The client that it concerns.
    #[arg(long)]
    client: Option<String>,
    /// The grant that it concerns.
    #[arg(long)]
    grant: Option<String>,
    /// The request's identifier, as in X-Request-Id.
    #[arg(long)]
    request: Option<String>,
    /// From this moment on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
    /// Until this moment (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
}

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: AuditCommand) -> anyhow::Result<()> {
    let gateway = open(config).await?;
    match command {
        AuditCommand::List { which, limit } => {
            let tenant = find_tenant(&gateway, &which.tenant).await?;
            list(&gateway, &tenant.slug, which.query(), limit).await
        }
        AuditCommand::Export { which } => {
            let tenant = find_tenant(&gateway, &which.tenant).await?;
            export(&gateway, &tenant.slug, which.query()).await
        }
        AuditCommand::Verify { tenant } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            verify(&gateway, &tenant.slug).await
        }
    }
}

async fn list(
    gateway: &Gateway,
    tenant: &TenantSlug,
    query: AuditQuery,
    limit: i64,
) -> anyhow::Result<()> {
    let query = AuditQuery {
        newest_first: true,
        limit: Some(limit),
        ..query
    };
    let records = gateway.operations().read_audit(tenant, &query).await;
    for record in records.map_err(refused)?.iter().rev() {
        let actor = record.actor.name.as_deref().unwrap_or("-");
        let target = record.target.as_deref().unwrap_or("-");
        let line = format!(
            "{}\t{}\t{}\t{}\t{} {}\t{}",
            record.sequence,
            record.time,
            record.event,
            record.outcome,
            record.actor.kind,
            plain(actor),
            plain(target),
        );
        terminal::print(&line)?;
    }
    Ok(())
}

async fn export(gateway: &Gateway, tenant: &TenantSlug, query: AuditQuery) -> anyhow::Result<()> {
    let mut query = query;
    loop {
        let page = gateway.operations().read_audit(tenant, &query).await;
        let page = page.map_err(refused)?;
        for record in &page {
            terminal::print(&serde_json::to_string(record)?)?;
        }
        let Some(last) = page.last() else {
            return Ok(());
        };
        query.after = Some(last.sequence);
    }
}

async fn verify(gateway: &Gateway, tenant: &TenantSlug) -> anyhow::Result<()> {
    let shows = stderr().is_terminal();
    let mut told = 0;
    let mut progress = |done: i64, all: i64| {
        if shows && done.saturating_sub(told) >= 10_000 {
            told = done;
            // Where it can't be shown, the outcome is still said.
            let _ = terminal::overwrite(&bar(done, all));
        }
    };
    let verified = gateway
        .operations()
        .verify_audit(tenant, &mut progress)
        .await
        .map_err(refused)?;
    if shows && told > 0 {
        terminal::overwrite("")?;
    }
    for fault in &verified.faults {
        terminal::print(&fault.to_string())?;
    }
    if !verified.faults.is_empty() {
        bail!("the audit log of {tenant} was changed");
    }
    terminal::say(&format!(
        "the audit log of {tenant} is whole: {} entries, {} checkpoints",
        verified.entries, verified.checkpoints
    ))?;
    Ok(())
}

fn bar(done: i64, all: i64) -> String {
    let filled = usize::try_from(done.saturating_mul(30) / all.max(1))
        .unwrap_or(0)
        .min(30);
    format!("[{:<30}] {done} of {all}", "#".repeat(filled))
}

/// What others wrote, without what would move a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn moment(text: &str) -> anyhow::Result<i64> {
    let time: jiff::Timestamp = text.parse().context("expected a time as in RFC 3339")?;
    Ok(time.as_millisecond())
}

impl Which {
    fn query(self) -> AuditQuery {
        AuditQuery {
            since_ms: self.since,
            until_ms: self.until,
            event: self.event,
            outcome: self.outcome,
            actor: self.actor,
            user: self.user,
            client: self.client,
            grant: self.grant,
            request: self.request,
            ..AuditQuery::default()
        }
    }
}
