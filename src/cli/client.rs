//! `gatehouse client`: clients that an operator adds, and those that registered themselves.

use super::arguments::ClientCommand;
use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::{ClientId, GrantType, RefusalDialect, TenantSlug};
use crate::operations::{By, NewClient};

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
        } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            let client = NewClient {
                name,
                redirect_uris: redirect_uri,
                public,
                scopes: scope,
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
