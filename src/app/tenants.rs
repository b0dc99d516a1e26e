//! The tenants of the configuration file and of operators, side by side in the database.

use super::kept::Kept;
use crate::audit;
use crate::config::FileTenant;
use crate::model::{Actor, StoredTenant, TenantOrigin, TenantSlug};
use crate::store::{Application, Clash};

/// The configuration file has tenants whose names or addresses are taken.
#[derive(Debug, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct TenantsTaken(Vec<Clash>);

impl Kept {
    /// Makes the tenants of the configuration those of the database that come from it, all or none.
    pub(super) async fn apply_tenants(&self, tenants: &[FileTenant]) -> anyhow::Result<()> {
        let stored: Vec<StoredTenant> = tenants.iter().map(|one| self.stored(one)).collect();
        let default = TenantSlug::default();
        let change = audit::change(&default, Actor::System, &*self.ground.clock);
        match self.ground.store.apply_tenants(&change, &stored).await? {
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
        self.ground.tenants.refresh().await?;
        Ok(())
    }

    fn stored(&self, tenant: &FileTenant) -> StoredTenant {
        let public_url = tenant.public_url.as_ref();
        StoredTenant {
            slug: tenant.slug.clone(),
            public_url: public_url.unwrap_or(&self.public_url).clone(),
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
