//! `gatehouse client`: clients that an operator adds, and those that registered themselves.

use anyhow::bail;
use clap::Subcommand;

use super::arguments::TenantOption;
use super::exit::Usage;
use super::{find_tenant, open, terminal};
use crate::app::{Gateway, NewClient};
use crate::config::Config;
use crate::model::{
    ClientId, GrantType, RedirectUri, RefusalDialect, Scope, ScopeSet, Secret, TenantSlug,
    TokenEndpointAuthMethod,
};

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
    match command {
        ClientCommand::Add {
            tenant,
            name,
            redirect_uri,
            public,
            scope,
            identity_assertions,
        } => {
            check_name(&name)?;
            let redirect_uris = read_redirect_uris(&redirect_uri)?;
            let scopes = read_scopes(config, &scope)?;
            if redirect_uris.is_empty() && scopes.is_none() && !identity_assertions {
                let rule = "a client that acts for itself needs at least one --scope";
                return Err(Usage(rule.to_owned()).into());
            }
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            let auth_method = if public {
                TokenEndpointAuthMethod::None
            } else {
                TokenEndpointAuthMethod::ClientSecretBasic
            };
            let mut grant_types = grant_types(&redirect_uris, public, scopes.is_some());
            if identity_assertions {
                grant_types.push(GrantType::JwtBearer);
            }
            let client = NewClient {
                name,
                grant_types,
                redirect_uris,
                auth_method,
                secret: auth_method.has_secret().then(|| gateway.generate_secret()),
                scopes,
            };
            add(&gateway, &tenant.slug, client).await
        }
        ClientCommand::List { tenant } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            list(&gateway, &tenant.slug).await
        }
        ClientCommand::Set {
            tenant,
            id,
            refusals,
        } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            let dialect = RefusalDialect::from_name(&refusals);
            let client = ClientId::new(&id);
            let (store, change) = (gateway.store(), gateway.change(&tenant.slug));
            if !store.set_refusals(&change, &client, dialect).await? {
                bail!(
                    "there is no client {id:?}: one that is known by a URL is set in the configuration"
                );
            }
            terminal::say(&format!("{id} is refused by: {refusals}"))?;
            Ok(())
        }
        ClientCommand::Remove { tenant, id } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            let client = ClientId::new(&id);
            if !gateway.remove_client(&tenant.slug, &client).await? {
                bail!("there is no client {id:?}");
            }
            terminal::say(&format!("removed {id}"))?;
            Ok(())
        }
    }
}

async fn add(gateway: &Gateway, tenant: &TenantSlug, client: NewClient) -> anyhow::Result<()> {
    let secret = client.secret.clone();
    let id = gateway.add_client(tenant, client).await?;
    match secret.as_ref().map(Secret::expose) {
        Some(secret) => terminal::print(&format!("{id}\t{secret}"))?,
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

fn grant_types(redirect_uris: &[RedirectUri], public: bool, has_scopes: bool) -> Vec<GrantType> {
    let mut grants = Vec::new();
    if !redirect_uris.is_empty() {
        grants.extend([GrantType::AuthorizationCode, GrantType::RefreshToken]);
    }
    if !public && has_scopes {
        grants.push(GrantType::ClientCredentials);
    }
    grants
}

fn check_name(name: &str) -> Result<(), Usage> {
    let printable = |c: char| !c.is_control();
    if !name.trim().is_empty() && name.len() <= 200 && name.chars().all(printable) {
        return Ok(());
    }
    let rule = "a name has 1 to 200 bytes, without control characters";
    Err(Usage(rule.to_owned()))
}

fn read_redirect_uris(uris: &[String]) -> Result<Vec<RedirectUri>, Usage> {
    uris.iter()
        .map(|uri| RedirectUri::parse(uri).map_err(|error| Usage(format!("{uri:?}: {error}"))))
        .collect()
}

fn read_scopes(config: &Config, names: &[String]) -> Result<Option<ScopeSet>, Usage> {
    let known = |name: &String| {
        let scope = name.parse::<Scope>().ok();
        scope
            .filter(|scope| config.scopes.catalogue.get(scope).is_some())
            .ok_or_else(|| Usage(format!("there is no scope {name:?}")))
    };
    let scopes: ScopeSet = names.iter().map(known).collect::<Result<_, _>>()?;
    Ok((!scopes.is_empty()).then_some(scopes))
}
