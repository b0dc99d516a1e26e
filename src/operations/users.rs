//! Accounts of people.

use std::collections::BTreeSet;

use super::{By, OperationError, Operations};
use crate::identity;
use crate::model::{Secret, Tenant, TenantSlug, User, UserId, new_identifier};
use crate::store::{Page, SignedOut, StoreError};

/// An account as an operator describes it.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What the person types to sign in.
    pub username: String,
    /// The names of their roles.
    pub roles: BTreeSet<String>,
}

impl NewUser {
    /// Refuses what can't be an account of the tenant.
    pub fn check(&self, tenant: &Tenant) -> Result<(), OperationError> {
        let username = &self.username;
        let printable = |c: char| !c.is_control() && !c.is_whitespace();
        if username.is_empty() || username.len() > 128 || !username.chars().all(printable) {
            let rule = "a user name has 1 to 128 bytes, without spaces and control characters";
            return Err(OperationError::invalid("username", rule));
        }
        check_roles(tenant, &self.roles)
    }
}

impl Operations {
    /// Accounts by user name.
    pub async fn page_users(
        &self,
        tenant: &TenantSlug,
        page: Page<'_>,
    ) -> Result<Vec<User>, OperationError> {
        Ok(self.store.page_users(tenant, page).await?)
    }

    /// The account of that identifier.
    pub async fn find_user(
        &self,
        tenant: &TenantSlug,
        id: &UserId,
    ) -> Result<User, OperationError> {
        let found = self.store.find_user(tenant, id).await?;
        found.ok_or_else(|| OperationError::missing("account", id))
    }

    /// The account of that user name.
    pub async fn find_user_by_name(
        &self,
        tenant: &TenantSlug,
        username: &str,
    ) -> Result<User, OperationError> {
        let found = self.store.find_user_by_name(tenant, username).await?;
        found.ok_or_else(|| OperationError::missing("account", username))
    }

    /// Adds an account with a password.
    pub async fn add_user(
        &self,
        by: &By,
        tenant: &Tenant,
        user: NewUser,
        password: &Secret,
    ) -> Result<User, OperationError> {
        user.check(tenant)?;
        let (secret, random) = (password.clone(), self.random.clone());
        let hash = tokio::task::spawn_blocking(move || identity::hash_password(&secret, &*random));
        let hash = hash.await.map_err(|_| identity::PasswordError::Hash)??;
        let id = UserId::new(new_identifier(&*self.random));
        let NewUser { username, roles } = user;
        let change = self.change(by, &tenant.slug);
        let user = User::local(id, &username, roles, hash, self.clock.now());
        match self.store.add_user(&change, &user).await {
            Err(StoreError::Conflict) => {
                let text = format!("there is an account {username:?} already");
                return Err(OperationError::Taken(text));
            }
            added => added?,
        }
        tracing::info!(%by, tenant = %tenant.slug, user.id = %user.id, "added an account");
        Ok(user)
    }

    /// Keeps a person out, or lets them in again.
    pub async fn set_user_disabled(
        &self,
        by: &By,
        tenant: &TenantSlug,
        user: &User,
        disabled: bool,
    ) -> Result<(), OperationError> {
        let (change, username) = (self.change(by, tenant), &user.username);
        let done = self.store.set_user_disabled(&change, username, disabled);
        if !done.await? {
            return Err(OperationError::missing("account", username));
        }
        tracing::info!(%by, %tenant, user.id = %user.id, disabled, "changed an account");
        Ok(())
    }

    /// Gives a person other roles.
    pub async fn set_user_roles(
        &self,
        by: &By,
        tenant: &Tenant,
        user: &User,
        roles: &BTreeSet<String>,
    ) -> Result<(), OperationError> {
        check_roles(tenant, roles)?;
        let change = self.change(by, &tenant.slug);
        let done = self.store.set_user_roles(&change, user, roles);
        if !done.await? {
            return Err(OperationError::missing("account", user.username.as_str()));
        }
        tracing::info!(%by, tenant = %tenant.slug, user.id = %user.id, "changed roles");
        Ok(())
    }

    /// Removes an account with its sign-ins and with everything that it allowed clients to do.
    pub async fn remove_user(
        &self,
        by: &By,
        tenant: &TenantSlug,
        user: &User,
    ) -> Result<(), OperationError> {
        let change = self.change(by, tenant);
        if !self.store.remove_user(&change, &user.username).await? {
            return Err(OperationError::missing("account", user.username.as_str()));
        }
        tracing::info!(%by, %tenant, user.id = %user.id, "removed an account");
        Ok(())
    }

    /// Ends a person's sign-ins, and everything that they allowed clients to do; returns how many.
    pub async fn sign_out_user(
        &self,
        by: &By,
        tenant: &TenantSlug,
        user: &User,
    ) -> Result<SignedOut, OperationError> {
        let change = self.change(by, tenant);
        let ended = self.store.sign_out_everywhere(&change, &user.id).await?;
        tracing::info!(%by, %tenant, user.id = %user.id, "signed someone out everywhere");
        Ok(ended)
    }
}

fn check_roles(tenant: &Tenant, roles: &BTreeSet<String>) -> Result<(), OperationError> {
    let known: Vec<&str> = tenant.roles.keys().map(String::as_str).collect();
    let known = known.join(", ");
    if roles.is_empty() {
        let rule = format!("an account has at least one role; the tenant has: {known}");
        return Err(OperationError::invalid("roles", rule));
    }
    match roles.iter().find(|role| !tenant.roles.contains_key(*role)) {
        Some(role) => Err(OperationError::invalid(
            "roles",
            format!("there is no role {role:?}; the tenant has: {known}"),
        )),
        None => Ok(()),
    }
}
