//! `gatehouse client`: clients that an operator adds, and those that registered themselves.

use anyhow::bail;

use super::arguments::ClientCommand;
use super::exit::Usage;
use super::{find_tenant, open, terminal};
use crate::app::{Gateway, NewClient};
use crate::config::Config;
use crate::model::{
    ClientId, GrantType, RedirectUri, RefusalDialect, Scope, ScopeSet, Secret, TenantSlug,
    TokenEndpointAuthMethod,
};

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
            let store = gateway.store();
            if !store.set_refusals(&tenant.slug, &client, dialect).await? {
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
