//! `gatehouse client`: clients that an operator adds, and those that registered themselves.

use clap::Subcommand;

use super::arguments::TenantOption;
use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::{ClientId, GrantType, RefusalDialect, TenantSlug};
use crate::operations::{By, NewClient};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Add a client; prints its identifier and, unless it is public, its secret, a tab apart.
    #[command(after_help = "\
Examples:
  gatehouse client add --name \"Our app\" --redirect-uri https://app.example.com/callback
  gatehouse client add --name Nightly --scope mcp:tools

Without a redirect URI the client acts for itself, by the client_credentials grant, and needs scopes.
The secret can't be shown again.")]
    Add {
        #[command(flatten)]
        tenant: TenantOption,
        /// What people read on the consent page.
        #[arg(long)]
        name: String,
        /// Where people may be sent back to; may be repeated.
        #[arg(long, value_name = "URI")]
        redirect_uri: Vec<String>,
        /// A client that can't keep a secret: a program on people's own computers.
        #[arg(long, requires = "redirect_uri")]
        public: bool,
        /// The most that the client may ever have; may be repeated.
        #[arg(long)]
        scope: Vec<String>,
        /// Let it exchange assertions of the tenant's identity providers (ID-JAG).
        #[arg(long, conflicts_with = "public")]
        identity_assertions: bool,
    },
    /// Print the clients: identifier, name, how it authenticates, its grants and when it was added,
    /// a tab apart.
    #[command(after_help = "\
Example:
  gatehouse client list | cut -f1,2")]
    List {
        #[command(flatten)]
        tenant: TenantOption,
    },
    /// Change what an operator decides about a client. Tokens that it has stay as they are.
    #[command(after_help = "\
Example:
  gatehouse client set --id 5f0c1c3e-8a0d-4a35-9d40-4f9a3a1c7a11 --refusals tool_result")]
    Set {
        #[command(flatten)]
        tenant: TenantOption,
        /// The client's identifier.
        #[arg(long)]
        id: String,
        /// How it is told that a token lacks scopes: `http` (status 403), `tool_result` (in the
        /// result of the tool call, as ChatGPT reads it), or `default`, as [clients.refusals] says.
        #[arg(long, value_parser = ["http", "tool_result", "default"])]
        refusals: String,
    },
    /// Remove a client with everything that people allowed it to do.
    #[command(after_help = "\
Example:
  gatehouse client remove --id 5f0c1c3e-8a0d-4a35-9d40-4f9a3a1c7a11")]
    Remove {
        #[command(flatten)]
        tenant: TenantOption,
        /// The client's identifier.
        #[arg(long)]
        id: String,
    },
}

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: ClientCommand) -> anyhow::Result<()> {
    let gateway = open(config).await?;
    match command {
        ClientCommand::Add {
            tenant,
            name,
            redirect_uri,
            public,
            scope,
            identity_assertions,
        } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            let client = NewClient {
                name,
                redirect_uris: redirect_uri,
                public,
                scopes: scope,
                identity_assertions,
            };
            add(&gateway, &tenant.slug, &client).await
        }
        ClientCommand::List { tenant } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            list(&gateway, &tenant.slug).await
        }
        ClientCommand::Set {
            tenant,
            id,
            refusals,
        } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            let dialect = RefusalDialect::from_name(&refusals);
            let client = ClientId::new(&id);
            let operations = gateway.operations();
            let set = operations.set_refusals(&By::CommandLine, &tenant.slug, &client, dialect);
            set.await.map_err(refused)?;
            terminal::say(&format!("{id} is refused by: {refusals}"))?;
            Ok(())
        }
        ClientCommand::Remove { tenant, id } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            let client = ClientId::new(&id);
            let operations = gateway.operations();
            let removed = operations.remove_client(&By::CommandLine, &tenant.slug, &client);
            removed.await.map_err(refused)?;
            terminal::say(&format!("removed {id}"))?;
            Ok(())
        }
    }
}

async fn add(gateway: &Gateway, tenant: &TenantSlug, client: &NewClient) -> anyhow::Result<()> {
    let operations = gateway.operations();
    let added = operations.add_client(&By::CommandLine, tenant, client);
    let added = added.await.map_err(refused)?;
    let id = &added.client.id;
    match &added.secret {
        Some(secret) => terminal::print(&format!("{id}\t{}", secret.expose()))?,
        None => terminal::print(id.as_str())?,
    }
    Ok(())
}

async fn list(gateway: &Gateway, tenant: &TenantSlug) -> anyhow::Result<()> {
    for client in gateway.store().list_clients(tenant).await? {
        let grants = client.grant_types.iter().copied().map(GrantType::as_str);
        let grants: Vec<&str> = grants.collect();
        terminal::print(&format!(
            "{}\t{}\t{}\t{}\t{}",
            client.id,
            client.name.as_deref().unwrap_or("-"),
            client.auth_method.as_str(),
            grants.join(","),
            terminal::date(client.created_at),
        ))?;
    }
    Ok(())
}
