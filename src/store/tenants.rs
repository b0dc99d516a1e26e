//! What the store does across tenants: the tenants themselves, and what replicas look for.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::row::{SigningKeyRow, invalid};
use crate::model::{
    Change, ListedTenant, PublicUrl, SealedSigningKey, StoredTenant, TenantOrigin, TenantSlug,
    Timestamp,
};

/// The tenants of this gateway. That they change is written into the log of the default one.
#[async_trait]
pub trait TenantStore: Send + Sync {
    /// Adds a tenant, with nothing left of one of the same name; [`StoreError::Conflict`] when
    /// its name or its address is taken.
    async fn add_tenant(&self, change: &Change, tenant: &StoredTenant) -> Result<(), StoreError>;

    /// Makes the tenants of the configuration file those that are stored as coming from it. One
    /// that is no longer among them becomes inactive; those that an operator added stay as they
    /// are. Of several replicas that start at once, each finds the work done or does it.
    async fn apply_tenants(
        &self,
        change: &Change,
        tenants: &[StoredTenant],
    ) -> Result<Application, StoreError>;

    /// The active tenant of that name, with the version of its row.
    async fn find_tenant(
        &self,
        slug: &TenantSlug,
    ) -> Result<Option<(StoredTenant, i64)>, StoreError>;

    /// All tenants by name, the inactive ones as well.
    async fn list_tenants(&self) -> Result<Vec<ListedTenant>, StoreError>;

    /// A number that is higher after every change of any tenant.
    async fn tenants_version(&self) -> Result<i64, StoreError>;

    /// Removes a tenant with everything that it has; false when there is none.
    async fn remove_tenant(&self, change: &Change, slug: &TenantSlug) -> Result<bool, StoreError>;

    /// The signing keys of all these tenants, each tenant's newest first.
    async fn list_signing_keys_of(
        &self,
        tenants: &[TenantSlug],
    ) -> Result<Vec<(TenantSlug, SealedSigningKey)>, StoreError>;
}

/// What came of applying a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Application {
    /// The file's tenants are stored.
    Applied {
        /// Those that were active until now and are no longer in the file.
        deactivated: Vec<TenantSlug>,
    },
    /// Nothing was done: an operator's tenants have names or addresses of the file's.
    Taken(Vec<Clash>),
}

/// Two tenants that can't both be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The one in the configuration file.
    pub wanted: TenantSlug,
    /// The one that an operator added.
    pub existing: TenantSlug,
}

/// The tables with a column `tenant` but for [`LAST`], those that refer to others first.
pub(super) const OWNED: [&str; 28] = [
    "audit_heads",
    "audit_checkpoints",
    "audit_keys",
    "audit_log",
    "audit_pending",
    "authorization_codes",
    "refresh_tokens",
    "grants",
    "consents",
    "login_sessions",
    "linked_accounts",
    "upstream_clients",
    "provider_tokens",
    "sign_in_attempts",
    "scim_members",
    "scim_groups",
    "scim_users",
    "scim_tokens",
    "users",
    "client_registrations",
    "clients",
    "pushed_requests",
    "remote_documents",
    "spent_identifiers",
    "notes",
    "tasks",
    "server_tools",
    "tool_servers",
];

/// What is left when the others are empty: to remove accounts and clients writes revocations.
pub(super) const LAST: [&str; 2] = ["signing_keys", "revocations"];

/// One write on the way to what the configuration file says.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Deactivate(&'a TenantSlug),
    Write(&'a StoredTenant),
}

#[derive(FromRow)]
pub(super) struct TenantRow {
    slug: String,
    public_url: String,
    settings: String,
    origin: String,
    active: bool,
    version: i64,
}

#[derive(FromRow)]
pub(super) struct ListedTenantRow {
    slug: String,
    public_url: String,
    origin: String,
    active: bool,
    version: i64,
    changed_at: i64,
}

#[derive(FromRow)]
pub(super) struct TenantKeyRow {
    tenant: String,
    #[sqlx(flatten)]
    key: SigningKeyRow,
}

/// A tenant as applying the file looks at it.
pub(super) struct Existing {
    tenant: StoredTenant,
    active: bool,
}

/// What to write so that `existing` becomes what the file wants. What is given up comes first, so
/// that an address can go from one tenant to another.
pub(super) fn plan<'a>(
    existing: &'a [Existing],
    wanted: &'a [StoredTenant],
) -> Result<Vec<Step<'a>>, Vec<Clash>> {
    let clashes: Vec<Clash> = wanted
        .iter()
        .flat_map(|wanted| clashes(existing, wanted))
        .collect();
    if !clashes.is_empty() {
        return Err(clashes);
    }
    let of_file = || {
        existing
            .iter()
            .filter(|row| row.tenant.origin == TenantOrigin::File)
    };
    let kept: BTreeSet<(&TenantSlug, &str)> = wanted
        .iter()
        .map(|tenant| (&tenant.slug, tenant.public_url.as_str()))
        .collect();
    let moves_or_ends = |row: &&Existing| {
        row.active && !kept.contains(&(&row.tenant.slug, row.tenant.public_url.as_str()))
    };
    let changed =
        |wanted: &&StoredTenant| !of_file().any(|row| row.active && row.tenant == **wanted);
    let first = of_file().filter(moves_or_ends);
    let first = first.map(|row| Step::Deactivate(&row.tenant.slug));
    let then = wanted.iter().filter(changed).map(Step::Write);
    Ok(first.chain(then).collect())
}

/// Those of the deactivated tenants that stay so.
pub(super) fn deactivated(steps: &[Step<'_>]) -> Vec<TenantSlug> {
    let written: BTreeSet<&TenantSlug> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Write(tenant) => Some(&tenant.slug),
            Step::Deactivate(_) => None,
        })
        .collect();
    steps
        .iter()
        .filter_map(|step| match step {
            Step::Deactivate(slug) if !written.contains(slug) => Some((*slug).clone()),
            Step::Deactivate(_) | Step::Write(_) => None,
        })
        .collect()
}

fn clashes<'a>(
    existing: &'a [Existing],
    wanted: &'a StoredTenant,
) -> impl Iterator<Item = Clash> + 'a {
    existing
        .iter()
        .map(|row| &row.tenant)
        .filter(|tenant| tenant.origin == TenantOrigin::Operator)
        .filter(|tenant| tenant.slug == wanted.slug || tenant.public_url == wanted.public_url)
        .map(|tenant| Clash {
            wanted: wanted.slug.clone(),
            existing: tenant.slug.clone(),
        })
}

impl TryFrom<TenantRow> for (StoredTenant, i64) {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> Result<Self, StoreError> {
        let version = row.version;
        Ok((Existing::try_from(row)?.tenant, version))
    }
}

impl TryFrom<TenantRow> for Existing {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> Result<Self, StoreError> {
        let tenant = StoredTenant {
            slug: parse_slug(&row.slug)?,
            public_url: parse_url(&row.public_url)?,
            settings: row.settings,
            origin: parse_origin(&row.origin)?,
        };
        Ok(Self {
            tenant,
            active: row.active,
        })
    }
}

impl TryFrom<ListedTenantRow> for ListedTenant {
    type Error = StoreError;

    fn try_from(row: ListedTenantRow) -> Result<Self, StoreError> {
        Ok(Self {
            slug: parse_slug(&row.slug)?,
            public_url: parse_url(&row.public_url)?,
            origin: parse_origin(&row.origin)?,
            active: row.active,
            version: row.version,
            changed_at: Timestamp::from_seconds(row.changed_at),
        })
    }
}

impl TryFrom<TenantKeyRow> for (TenantSlug, SealedSigningKey) {
    type Error = StoreError;

    fn try_from(row: TenantKeyRow) -> Result<Self, StoreError> {
        Ok((parse_slug(&row.tenant)?, row.key.try_into()?))
    }
}

fn parse_slug(text: &str) -> Result<TenantSlug, StoreError> {
    text.parse().map_err(|_| invalid("tenant's name"))
}

fn parse_url(text: &str) -> Result<PublicUrl, StoreError> {
    text.parse().map_err(|_| invalid("public URL"))
}

fn parse_origin(name: &str) -> Result<TenantOrigin, StoreError> {
    TenantOrigin::from_name(name).ok_or_else(|| invalid("origin of a tenant"))
}
