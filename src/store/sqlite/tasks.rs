//! Tasks in SQLite.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::{SqliteStore, begin};
use crate::model::{Digest, TenantSlug, Timestamp};
use crate::store::StoreError;
use crate::store::tasks::{StoredTask, TaskChange, TaskRow, TaskStore, write_object};

#[async_trait]
impl TaskStore for SqliteStore {
    async fn add_task(
        &self,
        tenant: &TenantSlug,
        task: &StoredTask,
        limit: u32,
    ) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let going_on: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM tasks
             WHERE tenant = $1 AND user_id = $2 AND client_id = $3
               AND status IN ('working', 'input_required') AND alive_until > $4",
        )
        .bind(tenant.as_str())
        .bind(task.user.as_str())
        .bind(task.client.as_str())
        .bind(task.created_at.seconds())
        .fetch_one(&mut *transaction)
        .await?;
        if going_on >= i64::from(limit) {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO tasks (tenant, id, user_id, client_id, status, requests, answers,
                                created_at, updated_at, alive_until, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(tenant.as_str())
        .bind(task.id.as_bytes().as_slice())
        .bind(task.user.as_str())
        .bind(task.client.as_str())
        .bind(task.status.name())
        .bind(write_object(&task.requests)?)
        .bind(write_object(&task.answers)?)
        .bind(task.created_at.seconds())
        .bind(task.updated_at.seconds())
        .bind(task.alive_until.seconds())
        .bind(task.expires_at.seconds())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn find_task(
        &self,
        tenant: &TenantSlug,
        id: &Digest,
    ) -> Result<Option<StoredTask>, StoreError> {
        sqlx::query_as::<_, TaskRow>(
            "SELECT id, user_id, client_id, status, message, requests, answers, outcome,
                    created_at, updated_at, alive_until, expires_at
             FROM tasks WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(&self.readers)
        .await?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn change_task(
        &self,
        tenant: &TenantSlug,
        id: &Digest,
        change: TaskChange,
        now: Timestamp,
    ) -> Result<Option<StoredTask>, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let row = sqlx::query_as::<_, TaskRow>(
            "SELECT id, user_id, client_id, status, message, requests, answers, outcome,
                    created_at, updated_at, alive_until, expires_at
             FROM tasks WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let mut task = StoredTask::try_from(row)?;
        task.apply(change, now);
        write(&mut transaction, tenant, &task).await?;
        transaction.commit().await?;
        Ok(Some(task))
    }
}

async fn write(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    task: &StoredTask,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tasks
         SET status = $3, message = $4, requests = $5, answers = $6, outcome = $7,
             updated_at = $8, alive_until = $9
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(task.id.as_bytes().as_slice())
    .bind(task.status.name())
    .bind(&task.message)
    .bind(write_object(&task.requests)?)
    .bind(write_object(&task.answers)?)
    .bind(task.outcome.as_ref().map(ToString::to_string))
    .bind(task.updated_at.seconds())
    .bind(task.alive_until.seconds())
    .execute(connection)
    .await?;
    Ok(())
}
