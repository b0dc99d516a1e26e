//! The tenants of the configuration file and of operators, side by side in the database.

use std::sync::Arc;

use anyhow::bail;

use super::Gateway;
use crate::audit;
use crate::config::FileTenant;
use crate::model::{Actor, ListedTenant, StoredTenant, Tenant, TenantOrigin, TenantSlug};
use crate::store::{Application, Clash};

/// The configuration file has tenants whose names or addresses are taken.
#[derive(Debug, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct TenantsTaken(Vec<Clash>);

impl Gateway {
    /// Makes the tenants of the configuration those of the database that come from it, and loads
    /// the default one.
    pub async fn apply_tenants(&self) -> anyhow::Result<()> {
        let stored: Vec<StoredTenant> = self
            .file_tenants
            .iter()
            .map(|one| self.stored(one))
            .collect();
        let default = TenantSlug::default();
        let change = audit::change(&default, Actor::System, &*self.clock);
        match self.store.apply_tenants(&change, &stored).await? {
            Application::Taken(clashes) => return Err(TenantsTaken(clashes).into()),
            Application::Applied { deactivated } => {
                for tenant in deactivated {
                    tracing::warn!(
                        %tenant,
                        "a tenant is no longer in the configuration file: it is not served, and \
                         keeps its data"
                    );
                }
            }
        }
        self.tenants.refresh().await?;
        self.tenants.load(&self.tenant.slug).await?;
        Ok(())
    }

    /// The tenant of that name: as the configuration has it, or else as it is stored.
    pub async fn find_tenant(&self, slug: &TenantSlug) -> anyhow::Result<Option<Arc<Tenant>>> {
        if let Some(tenant) = self.file_tenant(slug) {
            return Ok(Some(Arc::new(tenant.at(&self.tenant.public_url))));
        }
        let Some((stored, _)) = self.store.find_tenant(slug).await? else {
            return Ok(None);
        };
        Ok(Some(Arc::new(self.rules.restore(&stored)?)))
    }

    /// The tenant of that name in the configuration.
    #[must_use]
    pub fn file_tenant(&self, slug: &TenantSlug) -> Option<&FileTenant> {
        self.file_tenants.iter().find(|tenant| tenant.slug == *slug)
    }

    /// All stored tenants by name, and those of the configuration that wait for the next start.
    pub async fn list_tenants(&self) -> anyhow::Result<(Vec<ListedTenant>, Vec<Tenant>)> {
        let stored = self.store.list_tenants().await?;
        let waiting = self
            .file_tenants
            .iter()
            .filter(|tenant| {
                !stored
                    .iter()
                    .any(|one| one.active && one.slug == tenant.slug)
            })
            .map(|tenant| tenant.at(&self.tenant.public_url))
            .collect();
        Ok((stored, waiting))
    }

    /// Adds a tenant; `settings` is its checked document.
    pub async fn add_tenant(&self, tenant: &Tenant, settings: &str) -> anyhow::Result<()> {
        let (listed, waiting) = self.list_tenants().await?;
        let listed = listed.iter().map(|one| (&one.slug, &one.public_url));
        let waiting = waiting.iter().map(|one| (&one.slug, &one.public_url));
        for (slug, public_url) in listed.chain(waiting) {
            if *slug == tenant.slug {
                bail!("there is a tenant {slug} already, at {public_url}");
            }
            if *public_url == tenant.public_url {
                bail!("the tenant {slug} is at {public_url} already");
            }
        }
        let stored = StoredTenant {
            slug: tenant.slug.clone(),
            public_url: tenant.public_url.clone(),
            settings: settings.to_owned(),
            origin: TenantOrigin::Operator,
        };
        let change = self.change(&TenantSlug::default());
        Ok(self.store.add_tenant(&change, &stored).await?)
    }

    /// Removes a tenant with everything that it has; false when there is none.
    pub async fn remove_tenant(&self, slug: &TenantSlug) -> anyhow::Result<bool> {
        let change = self.change(&TenantSlug::default());
        Ok(self.store.remove_tenant(&change, slug).await?)
    }

    fn stored(&self, tenant: &FileTenant) -> StoredTenant {
        let public_url = tenant.public_url.as_ref();
        StoredTenant {
            slug: tenant.slug.clone(),
            public_url: public_url.unwrap_or(&self.tenant.public_url).clone(),
            settings: tenant.settings.as_json().to_owned(),
            origin: TenantOrigin::File,
        }
    }
}

fn lines(clashes: &[Clash]) -> String {
    let lines: Vec<String> = clashes
        .iter()
        .map(|Clash { wanted, existing }| {
            format!(
                "the tenant {wanted} of the configuration file has the name or the address of the \
                 tenant {existing}, which an operator added: change the file, or run gatehouse \
                 tenant remove {existing}"
            )
        })
        .collect();
    lines.join("\n")
}
