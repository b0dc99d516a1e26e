//! The audit log in SQLite.

use std::sync::LazyLock;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection};

use super::{SqliteStore, begin};
use crate::model::{AuditEntry, ChainHead, ChainedEntry, Change, Event, TenantSlug};
use crate::store::StoreError;
use crate::store::audit::{
    AUDIT_BATCH, AuditChain, AuditQuery, AuditStore, COLUMNS, ChainedRow, Checkpoint,
    CheckpointKey, CheckpointKeyRow, CheckpointRow, HeadRow, Insertion, PendingRow, ROWS,
};

/// Parameters without a number: one that has it is looked for by its name, among all eight hundred.
static INSERTION: LazyLock<Insertion> = LazyLock::new(|| Insertion::new(|_| "?".to_owned()));

/// Writes what `change` does into the audit log, in the transaction that does it.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    change: &Change,
    event: Event<'_>,
) -> Result<(), StoreError> {
    let entry = event.entry(change);
    let sql = format!(
        "INSERT INTO audit_pending (id, {COLUMNS})
         VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM audit_pending WHERE tenant = $1), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    // The names are this program's own.
    bound(sqlx::query(AssertSqlSafe(sql)), &entry)
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn list_pending_audit(&self) -> Result<Vec<TenantSlug>, StoreError> {
        let slugs: Vec<String> = sqlx::query_scalar("SELECT DISTINCT tenant FROM audit_pending")
            .fetch_all(&self.readers)
            .await?;
        // A name that is none can only have been written by someone else; it stays where it is.
        Ok(slugs.iter().filter_map(|slug| slug.parse().ok()).collect())
    }

    async fn chain_audit(
        &self,
        tenant: &TenantSlug,
        entries: &[AuditEntry],
    ) -> Result<ChainHead, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let head = lock_head(&mut transaction, tenant).await?;
        let (ids, pending) = pending(&mut transaction, tenant).await?;
        let entries: Vec<&AuditEntry> = pending.iter().chain(entries).collect();
        if entries.is_empty() {
            return Ok(head);
        }
        let head = append(&mut transaction, head, &entries).await?;
        // They came in the order of their numbers, and nobody else writes meanwhile.
        sqlx::query(
            "UPDATE audit_heads SET sequence = $2, hash = $3 WHERE tenant = $1;
             DELETE FROM audit_pending WHERE tenant = $1 AND id <= $4",
        )
        .bind(tenant.as_str())
        .bind(head.sequence)
        .bind(head.hash.as_bytes().as_slice())
        .bind(ids.last().copied())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(head)
    }

    async fn audit_chain(&self, tenant: &TenantSlug) -> Result<AuditChain, StoreError> {
        sqlx::query_as::<_, HeadRow>(
            "SELECT sequence, hash, trimmed FROM audit_heads WHERE tenant = $1",
        )
        .bind(tenant.as_str())
        .fetch_optional(&self.readers)
        .await?
        .map_or(Ok(AuditChain::EMPTY), AuditChain::try_from)
    }

    async fn read_audit(
        &self,
        tenant: &TenantSlug,
        query: &AuditQuery,
    ) -> Result<Vec<ChainedEntry>, StoreError> {
        let mut sql = selection(tenant, query);
        let rows = sql.build_query_as::<ChainedRow>().fetch_all(&self.readers);
        rows.await?.into_iter().map(TryInto::try_into).collect()
    }

    async fn add_checkpoint(
        &self,
        tenant: &TenantSlug,
        checkpoint: &Checkpoint,
        key: &CheckpointKey,
    ) -> Result<(), StoreError> {
        let mut transaction = begin(&self.writer).await?;
        sqlx::query(
            "INSERT INTO audit_keys (tenant, id, jwk, seal) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, id) DO UPDATE SET jwk = excluded.jwk, seal = excluded.seal",
        )
        .bind(tenant.as_str())
        .bind(&key.id)
        .bind(&key.jwk)
        .bind(&key.seal)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO audit_checkpoints (tenant, sequence, statement) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, sequence) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(checkpoint.sequence)
        .bind(&checkpoint.statement)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn list_checkpoints(
        &self,
        tenant: &TenantSlug,
        after: i64,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let rows = sqlx::query_as::<_, CheckpointRow>(
            "SELECT sequence, statement FROM audit_checkpoints
             WHERE tenant = $1 AND sequence > $2
             ORDER BY sequence
             LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(after)
        .bind(AUDIT_BATCH)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Checkpoint::from).collect())
    }

    async fn last_checkpoint(
        &self,
        tenant: &TenantSlug,
        before_ms: Option<i64>,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let row = sqlx::query_as::<_, CheckpointRow>(
            "SELECT c.sequence, c.statement FROM audit_checkpoints AS c
             WHERE c.tenant = $1
               AND ($2 IS NULL
                    OR EXISTS (SELECT 1 FROM audit_log AS l
                               WHERE l.tenant = c.tenant AND l.sequence = c.sequence
                                 AND l.at_ms < $2))
             ORDER BY c.sequence DESC
             LIMIT 1",
        )
        .bind(tenant.as_str())
        .bind(before_ms)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Checkpoint::from))
    }

    async fn list_checkpoint_keys(
        &self,
        tenant: &TenantSlug,
    ) -> Result<Vec<CheckpointKey>, StoreError> {
        let rows = sqlx::query_as::<_, CheckpointKeyRow>(
            "SELECT id, jwk, seal FROM audit_keys WHERE tenant = $1",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(CheckpointKey::from).collect())
    }

    async fn trim_audit(
        &self,
        change: &Change,
        checkpoint: &ChainHead,
    ) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let done = sqlx::query(
            "UPDATE audit_heads SET trimmed = $2
             WHERE tenant = $1 AND trimmed < $2 AND sequence >= $2",
        )
        .bind(change.tenant.as_str())
        .bind(checkpoint.sequence)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM audit_log WHERE tenant = $1 AND sequence <= $2")
            .bind(change.tenant.as_str())
            .bind(checkpoint.sequence)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM audit_checkpoints WHERE tenant = $1 AND sequence < $2")
            .bind(change.tenant.as_str())
            .bind(checkpoint.sequence)
            .execute(&mut *transaction)
            .await?;
        let hash = checkpoint.hash.to_hex();
        let event = Event::AuditTrimmed(checkpoint.sequence, &hash);
        note(&mut transaction, change, event).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// The end of the chain, which is ours alone until the transaction ends.
async fn lock_head(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
) -> Result<ChainHead, StoreError> {
    let row = sqlx::query_as::<_, HeadRow>(
        "INSERT INTO audit_heads (tenant, sequence, hash, trimmed) VALUES ($1, 0, $2, 0)
         ON CONFLICT (tenant) DO NOTHING;
         SELECT sequence, hash, trimmed FROM audit_heads WHERE tenant = $1",
    )
    .bind(tenant.as_str())
    .bind(ChainHead::EMPTY.hash.as_bytes().as_slice())
    .fetch_one(connection)
    .await?;
    Ok(AuditChain::try_from(row)?.head)
}

async fn pending(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
) -> Result<(Vec<i64>, Vec<AuditEntry>), StoreError> {
    let sql =
        format!("SELECT id, {COLUMNS} FROM audit_pending WHERE tenant = $1 ORDER BY id LIMIT $2");
    // The names are this program's own.
    let rows = sqlx::query_as::<_, PendingRow>(AssertSqlSafe(sql))
        .bind(tenant.as_str())
        .bind(AUDIT_BATCH)
        .fetch_all(connection)
        .await?;
    PendingRow::read(rows)
}

/// The statement with an entry as the values of its [`COLUMNS`].
fn bound<'q>(
    statement: Query<'q, Sqlite, SqliteArguments>,
    entry: &'q AuditEntry,
) -> Query<'q, Sqlite, SqliteArguments> {
    statement
        .bind(entry.tenant.as_str())
        .bind(entry.at_ms)
        .bind(&entry.event)
        .bind(&entry.outcome)
        .bind(&entry.actor_kind)
        .bind(&entry.actor)
        .bind(&entry.user)
        .bind(&entry.client)
        .bind(&entry.grant)
        .bind(&entry.target)
        .bind(&entry.request)
        .bind(&entry.address)
        .bind(entry.duration_us)
        .bind(&entry.detail)
}

/// Continues the chain, some entries at a time: each is hashed on the way, and nobody waits long for the processor.
async fn append(
    connection: &mut SqliteConnection,
    mut head: ChainHead,
    entries: &[&AuditEntry],
) -> Result<ChainHead, StoreError> {
    for some in entries.chunks(ROWS) {
        // The names are this program's own.
        let mut insertion = sqlx::query(AssertSqlSafe(INSERTION.of(some.len())));
        for entry in some {
            head = head.after(entry);
            let placed = insertion
                .bind(head.sequence)
                .bind(head.hash.as_bytes().as_slice());
            insertion = bound(placed, entry);
        }
        insertion.execute(&mut *connection).await?;
        // A database that answers at once must not keep the runtime from its sockets: it looks at them when
        // there is nothing else to do.
        tokio::task::yield_now().await;
    }
    Ok(head)
}

fn selection(tenant: &TenantSlug, query: &AuditQuery) -> QueryBuilder<Sqlite> {
    let begin = format!("SELECT sequence, hash, {COLUMNS} FROM audit_log WHERE tenant = ");
    let mut sql = QueryBuilder::new(begin);
    sql.push_bind(tenant.as_str().to_owned());
    if let Some(after) = query.after {
        let order = if query.newest_first { " < " } else { " > " };
        sql.push(" AND sequence").push(order).push_bind(after);
    }
    if let Some(since) = query.since_ms {
        sql.push(" AND at_ms >= ").push_bind(since);
    }
    if let Some(until) = query.until_ms {
        sql.push(" AND at_ms < ").push_bind(until);
    }
    if let Some(event) = &query.event {
        sql.push(" AND (event = ").push_bind(event.clone());
        // A group is what stands before the dot.
        sql.push(" OR substr(event, 1, length(")
            .push_bind(event.clone());
        sql.push(") + 1) = ")
            .push_bind(format!("{event}."))
            .push(")");
    }
    for (column, value) in query.equalities() {
        sql.push(" AND ")
            .push(column)
            .push(" = ")
            .push_bind(value.to_owned());
    }
    let order = if query.newest_first { " DESC" } else { "" };
    sql.push(" ORDER BY sequence").push(order);
    sql.push(" LIMIT ").push_bind(query.limit());
    sql
}
