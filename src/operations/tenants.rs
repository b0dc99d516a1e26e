//! Tenants: those of the configuration file and those of operators, side by side in the database.

use std::sync::Arc;

use serde_json::Value;

use super::{By, OperationError, Operations};
use crate::config::{FileTenant, TenantSettings, reserved_segment};
use crate::model::{
    ListedTenant, PublicUrl, StoredTenant, Tenant, TenantOrigin, TenantSlug, Timestamp,
};
use crate::store::Census;

/// A tenant in a list of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantOverview {
    /// Its short name.
    pub slug: TenantSlug,
    /// Its address.
    pub public_url: PublicUrl,
    /// Who added it.
    pub origin: TenantOrigin,
    /// Whether it is served.
    pub state: TenantState,
    /// When it was last changed; none before it is stored.
    pub changed_at: Option<Timestamp>,
}

/// Whether a tenant is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// It is.
    Active,
    /// It is no longer in the configuration file.
    Inactive,
    /// It is new in the configuration file: it is served from the next start on.
    Waiting,
}

impl TenantState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Waiting => "waiting",
        }
    }
}

impl Operations {
    /// All tenants by name, then those of the configuration that wait for the next start.
    pub async fn list_tenants(&self) -> Result<Vec<TenantOverview>, OperationError> {
        let stored = self.store.list_tenants().await?;
        let is_active =
            |slug: &TenantSlug| stored.iter().any(|one| one.active && one.slug == *slug);
        let waiting = self
            .file_tenants
            .iter()
            .filter(|tenant| !is_active(&tenant.slug))
            .map(|tenant| self.waiting(tenant));
        let listed = stored.iter().cloned().map(TenantOverview::from);
        Ok(listed.chain(waiting).collect())
    }

    /// The tenant of that name: as the configuration has it, or else as it is stored.
    pub async fn find_tenant(&self, slug: &TenantSlug) -> Result<Arc<Tenant>, OperationError> {
        if let Some(tenant) = self.file_tenant(slug) {
            return Ok(Arc::new(tenant.at(&self.default_url)));
        }
        let found = self.store.find_tenant(slug).await?;
        let (stored, _) = found.ok_or_else(|| OperationError::missing("tenant", slug))?;
        Ok(Arc::new(self.rules.restore(&stored)?))
    }

    /// The tenant of that name in the configuration.
    #[must_use]
    pub fn file_tenant(&self, slug: &TenantSlug) -> Option<&FileTenant> {
        self.file_tenants.iter().find(|tenant| tenant.slug == *slug)
    }

    /// What is said about the tenant, as a document; it names secrets and holds none.
    pub async fn tenant_settings(&self, slug: &TenantSlug) -> Result<Value, OperationError> {
        let text = if let Some(tenant) = self.file_tenant(slug) {
            tenant.settings.as_json().to_owned()
        } else {
            let found = self.store.find_tenant(slug).await?;
            let (stored, _) = found.ok_or_else(|| OperationError::missing("tenant", slug))?;
            stored.settings
        };
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// How much the tenant has.
    pub async fn tenant_census(&self, slug: &TenantSlug) -> Result<Census, OperationError> {
        Ok(self.store.take_census(slug).await?)
    }

    /// Reads what an operator wants to say about a tenant, as it came over the network.
    pub fn read_settings(
        &self,
        document: Value,
        (slug, public_url): (&TenantSlug, &PublicUrl),
    ) -> Result<TenantSettings, OperationError> {
        Ok(self.rules.read_value(document, (slug, public_url))?)
    }

    /// Adds a tenant.
    pub async fn add_tenant(
        &self,
        by: &By,
        (slug, public_url): (&TenantSlug, &PublicUrl),
        settings: &TenantSettings,
    ) -> Result<Tenant, OperationError> {
        check_address(public_url)?;
        for TenantOverview {
            slug: other,
            public_url: address,
            ..
        } in self.list_tenants().await?
        {
            if other == *slug {
                let text = format!("there is a tenant {slug} already, at {address}");
                return Err(OperationError::Taken(text));
            }
            if address == *public_url {
                let text = format!("the tenant {other} is at {public_url} already");
                return Err(OperationError::Taken(text));
            }
        }
        let tenant = settings.tenant(slug.clone(), public_url.clone());
        let stored = operators_own(&tenant, settings);
        let change = self.change(by, &TenantSlug::default());
        self.store.add_tenant(&change, &stored).await?;
        tracing::info!(%by, tenant = %slug, "added a tenant");
        Ok(tenant)
    }

    /// Says something else about an operator's tenant. Its name and address stay.
    pub async fn replace_tenant(
        &self,
        by: &By,
        tenant: &Tenant,
        settings: &TenantSettings,
    ) -> Result<Tenant, OperationError> {
        self.check_changeable(&tenant.slug)?;
        let replaced = settings.tenant(tenant.slug.clone(), tenant.public_url.clone());
        let stored = operators_own(&replaced, settings);
        let change = self.change(by, &TenantSlug::default());
        if !self.store.replace_tenant_settings(&change, &stored).await? {
            return Err(OperationError::missing("tenant", &tenant.slug));
        }
        tracing::info!(%by, tenant = %tenant.slug, "changed a tenant");
        Ok(replaced)
    }

    /// Removes a tenant with everything that it has.
    pub async fn remove_tenant(&self, by: &By, slug: &TenantSlug) -> Result<(), OperationError> {
        self.check_changeable(slug)?;
        let change = self.change(by, &TenantSlug::default());
        if !self.store.remove_tenant(&change, slug).await? {
            return Err(OperationError::missing("tenant", slug));
        }
        tracing::info!(%by, tenant = %slug, "removed a tenant");
        Ok(())
    }

    /// Refuses what only the configuration file may change.
    pub fn check_changeable(&self, slug: &TenantSlug) -> Result<(), OperationError> {
        let reason = if *slug == TenantSlug::default() {
            "the default tenant is always there and can't be removed; the configuration file says \
             what it is"
                .to_owned()
        } else if self.file_tenant(slug).is_some() {
            format!("{slug} is in the configuration file: change it there, or take it out first")
        } else {
            return Ok(());
        };
        Err(OperationError::Protected(reason))
    }

    fn waiting(&self, tenant: &FileTenant) -> TenantOverview {
        let public_url = tenant.public_url.as_ref();
        TenantOverview {
            slug: tenant.slug.clone(),
            public_url: public_url.unwrap_or(&self.default_url).clone(),
            origin: TenantOrigin::File,
            state: TenantState::Waiting,
            changed_at: None,
        }
    }
}

impl From<ListedTenant> for TenantOverview {
    fn from(listed: ListedTenant) -> Self {
        Self {
            slug: listed.slug,
            public_url: listed.public_url,
            origin: listed.origin,
            state: if listed.active {
                TenantState::Active
            } else {
                TenantState::Inactive
            },
            changed_at: Some(listed.changed_at),
        }
    }
}

fn check_address(public_url: &PublicUrl) -> Result<(), OperationError> {
    let Some(segment) = reserved_segment(public_url) else {
        return Ok(());
    };
    let rule = format!(
        "{public_url} can't be a tenant's address: {segment:?} in it is one of Gatehouse's own \
         addresses"
    );
    Err(OperationError::invalid("public_url", rule))
}

fn operators_own(tenant: &Tenant, settings: &TenantSettings) -> StoredTenant {
    StoredTenant {
        slug: tenant.slug.clone(),
        public_url: tenant.public_url.clone(),
        settings: settings.as_json().to_owned(),
        origin: TenantOrigin::Operator,
    }
}
