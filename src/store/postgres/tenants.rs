//! Tenants in Postgres.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection};

use super::pool::turn_to;
use super::{PostgresStore, audit};
use crate::model::{Change, Event, ListedTenant, SealedSigningKey, StoredTenant, TenantSlug};
use crate::store::StoreError;
use crate::store::tenants::{
    Application, Existing, LAST, ListedTenantRow, OWNED, Step, TenantKeyRow, TenantRow,
    TenantStore, deactivated, plan,
};

#[async_trait]
impl TenantStore for PostgresStore {
    async fn add_tenant(&self, change: &Change, tenant: &StoredTenant) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin(&tenant.slug).await?;
        let version = next_version(&mut transaction).await?;
        remove_rows(&mut transaction, &tenant.slug).await?;
        insert(&mut transaction, tenant, version).await?;
        turn_to(&mut transaction, &change.tenant).await?;
        audit::note(&mut transaction, change, Event::TenantAdded(&tenant.slug)).await?;
        Ok(transaction.commit().await?)
    }

    async fn apply_tenants(
        &self,
        change: &Change,
        tenants: &[StoredTenant],
    ) -> Result<Application, StoreError> {
        let mut transaction = self.pool.begin(&change.tenant).await?;
        // The replicas that start at once come one after the other.
        sqlx::query("SELECT version FROM tenants_version FOR UPDATE")
            .execute(&mut *transaction)
            .await?;
        let existing = existing(&mut transaction).await?;
        let steps = match plan(&existing, tenants) {
            Ok(steps) => steps,
            Err(clashes) => return Ok(Application::Taken(clashes)),
        };
        if !steps.is_empty() {
            let version = next_version(&mut transaction).await?;
            for step in &steps {
                let event = take(&mut transaction, step, version).await?;
                audit::note(&mut transaction, change, event).await?;
            }
            transaction.commit().await?;
        }
        let deactivated = deactivated(&steps);
        Ok(Application::Applied { deactivated })
    }

    async fn find_tenant(
        &self,
        slug: &TenantSlug,
    ) -> Result<Option<(StoredTenant, i64)>, StoreError> {
        sqlx::query_as::<_, TenantRow>(
            "SELECT slug, public_url, settings, origin, active, version
             FROM tenants
             WHERE slug = $1 AND active",
        )
        .bind(slug.as_str())
        .fetch_optional(&mut *self.pool.connection().await?)
        .await?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn list_tenants(&self) -> Result<Vec<ListedTenant>, StoreError> {
        sqlx::query_as::<_, ListedTenantRow>(
            "SELECT slug, public_url, origin, active, version, changed_at
             FROM tenants
             ORDER BY slug",
        )
        .fetch_all(&mut *self.pool.connection().await?)
        .await?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    async fn tenants_version(&self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("SELECT version FROM tenants_version")
            .fetch_one(&mut *self.pool.connection().await?)
            .await?;
        Ok(version)
    }

    async fn remove_tenant(&self, change: &Change, slug: &TenantSlug) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(slug).await?;
        next_version(&mut transaction).await?;
        let done = sqlx::query("DELETE FROM tenants WHERE slug = $1")
            .bind(slug.as_str())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        remove_rows(&mut transaction, slug).await?;
        turn_to(&mut transaction, &change.tenant).await?;
        audit::note(&mut transaction, change, Event::TenantRemoved(slug)).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn list_signing_keys_of(
        &self,
        tenants: &[TenantSlug],
    ) -> Result<Vec<(TenantSlug, SealedSigningKey)>, StoreError> {
        let mut transaction = self.pool.begin_upkeep().await?;
        let slugs: Vec<&str> = tenants.iter().map(TenantSlug::as_str).collect();
        sqlx::query_as::<_, TenantKeyRow>(
            "SELECT tenant, id, algorithm, sealed_key, created_at, signs_from
             FROM signing_keys
             WHERE tenant = ANY($1)
             ORDER BY tenant, signs_from DESC, id",
        )
        .bind(slugs)
        .fetch_all(&mut *transaction)
        .await?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }
}

/// Counts a change, and lets no other one be made until this one is whole.
pub(super) async fn next_version(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let sql = "UPDATE tenants_version SET version = version + 1 RETURNING version";
    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
}

/// All tenants; the settings of an operator's tenants are none of the file's business.
async fn existing(connection: &mut PgConnection) -> Result<Vec<Existing>, StoreError> {
    sqlx::query_as::<_, TenantRow>(
        "SELECT slug, public_url, CASE origin WHEN 'file' THEN settings ELSE '' END AS settings,
                origin, active, version
         FROM tenants",
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

async fn take<'a>(
    connection: &mut PgConnection,
    step: &Step<'a>,
    version: i64,
) -> Result<Event<'a>, StoreError> {
    match *step {
        Step::Deactivate(slug) => {
            deactivate(connection, slug, version).await?;
            Ok(Event::TenantDeactivated(slug))
        }
        Step::Write(tenant) if write(connection, tenant, version).await? => {
            Ok(Event::TenantChanged(&tenant.slug))
        }
        Step::Write(tenant) => Ok(Event::TenantAdded(&tenant.slug)),
    }
}

async fn deactivate(
    connection: &mut PgConnection,
    slug: &TenantSlug,
    version: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tenants SET active = FALSE, version = $2, changed_at = EXTRACT(EPOCH FROM now())::BIGINT
         WHERE slug = $1",
    )
    .bind(slug.as_str())
    .bind(version)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert(
    connection: &mut PgConnection,
    tenant: &StoredTenant,
    version: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tenants (slug, public_url, settings, origin, active, version, changed_at)
         VALUES ($1, $2, $3, $4, TRUE, $5, EXTRACT(EPOCH FROM now())::BIGINT)",
    )
    .bind(tenant.slug.as_str())
    .bind(tenant.public_url.as_str())
    .bind(&tenant.settings)
    .bind(tenant.origin.as_str())
    .bind(version)
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores a tenant that may be there already; true when it was.
async fn write(
    connection: &mut PgConnection,
    tenant: &StoredTenant,
    version: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM tenants WHERE slug = $1")
        .bind(tenant.slug.as_str())
        .execute(&mut *connection)
        .await?;
    insert(connection, tenant, version).await?;
    Ok(done.rows_affected() > 0)
}

async fn remove_rows(connection: &mut PgConnection, slug: &TenantSlug) -> Result<(), StoreError> {
    for table in OWNED.into_iter().chain(LAST) {
        // The names are this program's own.
        let sql = AssertSqlSafe(format!("DELETE FROM {table} WHERE tenant = $1"));
        sqlx::query(sql)
            .bind(slug.as_str())
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("DELETE FROM operators WHERE restricted_to = $1")
        .bind(slug.as_str())
        .execute(&mut *connection)
        .await?;
    Ok(())
}
