//! The tools of mounted servers in Postgres.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{PostgresStore, audit};
use crate::model::{Change, Event, TenantSlug, Timestamp, ToolDefinition, ToolRecord};
use crate::store::StoreError;
use crate::store::row::invalid;
use crate::store::tool_plan::Plan;
use crate::store::tools::{ToolDeed, ToolMark, ToolMarkRow, ToolOutcome, ToolRow, ToolStore};

const RECORDS: &str =
    "SELECT name, approved, approved_at, approved_by, offered, offered_at, refusal, missing_since
     FROM server_tools WHERE tenant = $1 AND server = $2 ORDER BY name";

#[async_trait]
impl ToolStore for PostgresStore {
    async fn tool_marks(
        &self,
        tenant: &TenantSlug,
        server: &str,
    ) -> Result<Vec<ToolMark>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query_as::<_, ToolMarkRow>(
            "SELECT name, approved_digest, offered_digest, missing_since
             FROM server_tools WHERE tenant = $1 AND server = $2",
        )
        .bind(tenant.as_str())
        .bind(server)
        .fetch_all(&mut *transaction)
        .await?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    async fn list_tools(
        &self,
        tenant: &TenantSlug,
        server: &str,
    ) -> Result<Vec<ToolRecord>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query_as::<_, ToolRow>(RECORDS)
            .bind(tenant.as_str())
            .bind(server)
            .fetch_all(&mut *transaction)
            .await?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    async fn list_tool_servers(&self, tenant: &TenantSlug) -> Result<Vec<String>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        let sql = "SELECT server FROM tool_servers WHERE tenant = $1 AND seen ORDER BY server";
        let servers = sqlx::query_scalar(sql).bind(tenant.as_str());
        Ok(servers.fetch_all(&mut *transaction).await?)
    }

    async fn change_tools(
        &self,
        change: &Change,
        server: &str,
        deed: &ToolDeed<'_>,
    ) -> Result<ToolOutcome, StoreError> {
        let tenant = &change.tenant;
        let mut transaction = self.pool.begin(tenant).await?;
        // Whoever changes something of the same server waits here.
        let seen: bool = sqlx::query_scalar(
            "INSERT INTO tool_servers (tenant, server, seen, decided)
             VALUES ($1, $2, FALSE, 0)
             ON CONFLICT (tenant, server) DO UPDATE SET server = excluded.server
             RETURNING seen",
        )
        .bind(tenant.as_str())
        .bind(server)
        .fetch_one(&mut *transaction)
        .await?;
        let known: Result<Vec<ToolRecord>, StoreError> = sqlx::query_as::<_, ToolRow>(RECORDS)
            .bind(tenant.as_str())
            .bind(server)
            .fetch_all(&mut *transaction)
            .await?
            .into_iter()
            .map(TryInto::try_into)
            .collect();
        let plan = match deed.plan(server, (known?, seen), change) {
            Ok(plan) => plan,
            Err(outcome) => return Ok(outcome),
        };
        carry_out(&mut transaction, (tenant, server), &plan).await?;
        for news in &plan.news {
            audit::note(&mut transaction, change, Event::Tool(news)).await?;
        }
        transaction.commit().await?;
        Ok(ToolOutcome::Done(plan.news))
    }

    async fn tool_decisions(&self) -> Result<i64, StoreError> {
        let sql = "SELECT number FROM tool_decisions";
        Ok(sqlx::query_scalar(sql)
            .fetch_one(self.pool.shared())
            .await?)
    }

    async fn tools_decided_after(
        &self,
        number: i64,
    ) -> Result<Vec<(TenantSlug, String)>, StoreError> {
        let mut transaction = self.pool.begin_upkeep().await?;
        let sql = "SELECT tenant, server FROM tool_servers WHERE decided > $1";
        let rows: Vec<(String, String)> = sqlx::query_as(sql)
            .bind(number)
            .fetch_all(&mut *transaction)
            .await?;
        let read = |(tenant, server): (String, String)| {
            let tenant = tenant.parse().map_err(|_| invalid("tenant"))?;
            Ok((tenant, server))
        };
        rows.into_iter().map(read).collect()
    }
}

async fn carry_out(
    connection: &mut PgConnection,
    (tenant, server): (&TenantSlug, &str),
    plan: &Plan,
) -> Result<(), StoreError> {
    for record in &plan.write {
        write(connection, (tenant, server), record).await?;
    }
    for name in &plan.remove {
        sqlx::query("DELETE FROM server_tools WHERE tenant = $1 AND server = $2 AND name = $3")
            .bind(tenant.as_str())
            .bind(server)
            .bind(name)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("UPDATE tool_servers SET seen = $3 WHERE tenant = $1 AND server = $2")
        .bind(tenant.as_str())
        .bind(server)
        .bind(plan.seen)
        .execute(&mut *connection)
        .await?;
    if plan.decided {
        let sql = "UPDATE tool_decisions SET number = number + 1 RETURNING number";
        let number: i64 = sqlx::query_scalar(sql).fetch_one(&mut *connection).await?;
        sqlx::query("UPDATE tool_servers SET decided = $3 WHERE tenant = $1 AND server = $2")
            .bind(tenant.as_str())
            .bind(server)
            .bind(number)
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn write(
    connection: &mut PgConnection,
    (tenant, server): (&TenantSlug, &str),
    record: &ToolRecord,
) -> Result<(), StoreError> {
    let text =
        |definition: &Option<ToolDefinition>| definition.as_ref().map(ToolDefinition::to_text);
    let digest = |definition: &Option<ToolDefinition>| {
        let digest = definition.as_ref().map(ToolDefinition::digest);
        digest.map(|digest| digest.as_bytes().to_vec())
    };
    sqlx::query(
        "INSERT INTO server_tools (tenant, server, name, approved, approved_digest, approved_at,
                                   approved_by, offered, offered_digest, offered_at, refusal,
                                   missing_since)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (tenant, server, name) DO UPDATE SET
             approved = excluded.approved, approved_digest = excluded.approved_digest,
             approved_at = excluded.approved_at, approved_by = excluded.approved_by,
             offered = excluded.offered, offered_digest = excluded.offered_digest,
             offered_at = excluded.offered_at, refusal = excluded.refusal,
             missing_since = excluded.missing_since",
    )
    .bind(tenant.as_str())
    .bind(server)
    .bind(&record.name)
    .bind(text(&record.approved))
    .bind(digest(&record.approved))
    .bind(record.approved_at.map(Timestamp::seconds))
    .bind(&record.approved_by)
    .bind(text(&record.offered))
    .bind(digest(&record.offered))
    .bind(record.offered_at.map(Timestamp::seconds))
    .bind(&record.refusal)
    .bind(record.missing_since.map(Timestamp::seconds))
    .execute(connection)
    .await?;
    Ok(())
}
