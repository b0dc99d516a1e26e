//! Operators in Postgres.

use async_trait::async_trait;

use super::{PostgresStore, audit};
use crate::model::{
    Change, Digest, Event, Operator, OperatorName, OperatorSession, TenantSlug, Timestamp,
};
use crate::store::StoreError;
use crate::store::administration::{OperatorRow, OperatorStore};

#[async_trait]
impl OperatorStore for PostgresStore {
    async fn add_operator(
        &self,
        change: &Change,
        operator: &Operator,
        token: &Digest,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin(&change.tenant).await?;
        sqlx::query(
            "INSERT INTO operators (name, role, restricted_to, token, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(operator.name.as_str())
        .bind(operator.role.as_str())
        .bind(operator.tenant.as_ref().map(TenantSlug::as_str))
        .bind(token.as_bytes().as_slice())
        .bind(operator.created_at.seconds())
        .bind(operator.expires_at.map(Timestamp::seconds))
        .execute(&mut *transaction)
        .await?;
        let event = Event::OperatorAdded(operator.name.as_str());
        audit::note(&mut transaction, change, event).await?;
        Ok(transaction.commit().await?)
    }

    async fn list_operators(&self) -> Result<Vec<Operator>, StoreError> {
        sqlx::query_as::<_, OperatorRow>(
            "SELECT name, role, restricted_to, created_at, expires_at
             FROM operators
             ORDER BY name",
        )
        .fetch_all(&mut *self.pool.connection().await?)
        .await?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    async fn remove_operator(
        &self,
        change: &Change,
        name: &OperatorName,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(&change.tenant).await?;
        let done = sqlx::query("DELETE FROM operators WHERE name = $1")
            .bind(name.as_str())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let event = Event::OperatorRemoved(name.as_str());
        audit::note(&mut transaction, change, event).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn find_operator(
        &self,
        token: &Digest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError> {
        sqlx::query_as::<_, OperatorRow>(
            "SELECT name, role, restricted_to, created_at, expires_at
             FROM operators
             WHERE token = $1 AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(token.as_bytes().as_slice())
        .bind(now.seconds())
        .fetch_optional(&mut *self.pool.connection().await?)
        .await?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn start_operator_session(&self, session: &OperatorSession) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO operator_sessions (digest, operator, started_at, expires_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(session.digest.as_bytes().as_slice())
        .bind(session.operator.as_str())
        .bind(session.started_at.seconds())
        .bind(session.expires_at.seconds())
        .execute(&mut *self.pool.connection().await?)
        .await?;
        Ok(())
    }

    async fn find_operator_session(
        &self,
        cookie: &Digest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError> {
        sqlx::query_as::<_, OperatorRow>(
            "SELECT o.name, o.role, o.restricted_to, o.created_at, o.expires_at
             FROM operator_sessions AS s
             JOIN operators AS o ON o.name = s.operator
             WHERE s.digest = $1 AND s.expires_at > $2
               AND (o.expires_at IS NULL OR o.expires_at > $2)",
        )
        .bind(cookie.as_bytes().as_slice())
        .bind(now.seconds())
        .fetch_optional(&mut *self.pool.connection().await?)
        .await?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn end_operator_session(&self, cookie: &Digest) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM operator_sessions WHERE digest = $1")
            .bind(cookie.as_bytes().as_slice())
            .execute(&mut *self.pool.connection().await?)
            .await?;
        Ok(())
    }
}
