//! Clients: those that registered themselves, and those that operators add.

use super::{By, OperationError, Operations};
use crate::model::{
    Client, ClientId, GrantType, RedirectUri, RefusalDialect, Scope, ScopeSet, Secret, TenantSlug,
    TokenEndpointAuthMethod, new_identifier,
};
use crate::store::Page;

/// A client as an operator describes it. Without a redirect URI it acts for itself.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// What people read on the consent page.
    pub name: String,
    /// Where its users may be sent back to.
    pub redirect_uris: Vec<String>,
    /// True for one that can't keep a secret.
    pub public: bool,
    /// The most that it may ever have; everything where there are none.
    pub scopes: Vec<String>,
    /// True for one that exchanges assertions of the tenant's identity providers (ID-JAG).
    pub identity_assertions: bool,
}

/// A client that was just added.
#[derive(Debug)]
pub struct AddedClient {
    /// The client.
    pub client: Client,
    /// Its secret, which nobody can see again; none where it is public.
    pub secret: Option<Secret>,
}

impl Operations {
    /// Clients by identifier.
    pub async fn page_clients(
        &self,
        tenant: &TenantSlug,
        page: Page<'_>,
    ) -> Result<Vec<Client>, OperationError> {
        Ok(self.store.page_clients(tenant, page).await?)
    }

    /// The client of that identifier.
    pub async fn find_client(
        &self,
        tenant: &TenantSlug,
        id: &ClientId,
    ) -> Result<Client, OperationError> {
        let found = self.store.find_client(tenant, id).await?;
        found.ok_or_else(|| OperationError::missing("client", id))
    }

    /// Adds a client that acts for people, or for itself where it has no redirect URI.
    pub async fn add_client(
        &self,
        by: &By,
        tenant: &TenantSlug,
        new: &NewClient,
    ) -> Result<AddedClient, OperationError> {
        let mut client = self.describe(new)?;
        let has_secret = client.auth_method.has_secret();
        let secret = has_secret.then(|| Secret::generate(&*self.random));
        client.secret = secret.as_ref().map(Secret::digest);
        let change = self.change(by, tenant);
        self.store.register_client(&change, &client).await?;
        tracing::info!(%by, %tenant, client.id = %client.id, "added a client");
        Ok(AddedClient { client, secret })
    }

    /// Has a registered client refused in a dialect of its own, or as everyone is.
    pub async fn set_refusals(
        &self,
        by: &By,
        tenant: &TenantSlug,
        id: &ClientId,
        dialect: Option<RefusalDialect>,
    ) -> Result<(), OperationError> {
        let change = self.change(by, tenant);
        if !self.store.set_refusals(&change, id, dialect).await? {
            return Err(OperationError::missing("registered client", id));
        }
        tracing::info!(%by, %tenant, client.id = %id, "changed how a client is refused");
        Ok(())
    }

    /// Removes a client with everything that people allowed it to do.
    pub async fn remove_client(
        &self,
        by: &By,
        tenant: &TenantSlug,
        id: &ClientId,
    ) -> Result<(), OperationError> {
        let change = self.change(by, tenant);
        if !self.store.remove_client(&change, id).await? {
            return Err(OperationError::missing("client", id));
        }
        tracing::info!(%by, %tenant, client.id = %id, "removed a client");
        Ok(())
    }

    fn describe(&self, new: &NewClient) -> Result<Client, OperationError> {
        check_name(&new.name)?;
        let redirect_uris = read_redirect_uris(&new.redirect_uris)?;
        let scopes = self.read_scopes(&new.scopes)?;
        if redirect_uris.is_empty() && scopes.is_none() && !new.identity_assertions {
            let rule = "a client that acts for itself needs at least one scope";
            return Err(OperationError::invalid("scopes", rule));
        }
        if redirect_uris.is_empty() && new.public {
            let rule = "a client that can't keep a secret needs a redirect URI";
            return Err(OperationError::invalid("public", rule));
        }
        if new.identity_assertions && new.public {
            let rule = "a client that can't keep a secret can't exchange assertions";
            return Err(OperationError::invalid("identity_assertions", rule));
        }
        let auth_method = if new.public {
            TokenEndpointAuthMethod::None
        } else {
            TokenEndpointAuthMethod::ClientSecretBasic
        };
        Ok(Client {
            id: ClientId::new(new_identifier(&*self.random)),
            name: Some(new.name.clone()),
            uri: None,
            grant_types: grant_types(new, scopes.is_some()),
            redirect_uris,
            auth_method,
            secret: None,
            keys: None,
            scopes,
            refusals: None,
            created_at: self.clock.now(),
        })
    }

    fn read_scopes(&self, names: &[String]) -> Result<Option<ScopeSet>, OperationError> {
        let known = |name: &String| {
            let scope = name.parse::<Scope>().ok();
            scope
                .filter(|scope| self.catalogue.get(scope).is_some())
                .ok_or_else(|| {
                    OperationError::invalid("scopes", format!("there is no scope {name:?}"))
                })
        };
        let scopes: ScopeSet = names.iter().map(known).collect::<Result<_, _>>()?;
        Ok((!scopes.is_empty()).then_some(scopes))
    }
}

fn grant_types(new: &NewClient, has_scopes: bool) -> Vec<GrantType> {
    let mut grants = Vec::new();
    if !new.redirect_uris.is_empty() {
        grants.extend([GrantType::AuthorizationCode, GrantType::RefreshToken]);
    }
    if !new.public && has_scopes {
        grants.push(GrantType::ClientCredentials);
    }
    if new.identity_assertions {
        grants.push(GrantType::JwtBearer);
    }
    grants
}

fn check_name(name: &str) -> Result<(), OperationError> {
    let printable = |c: char| !c.is_control();
    if !name.trim().is_empty() && name.len() <= 200 && name.chars().all(printable) {
        return Ok(());
    }
    let rule = "a name has 1 to 200 bytes, without control characters";
    Err(OperationError::invalid("name", rule))
}

fn read_redirect_uris(uris: &[String]) -> Result<Vec<RedirectUri>, OperationError> {
    let read = |uri: &String| {
        RedirectUri::parse(uri)
            .map_err(|error| OperationError::invalid("redirect_uris", format!("{uri:?}: {error}")))
    };
    uris.iter().map(read).collect()
}
