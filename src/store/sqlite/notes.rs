//! Notes between requests in SQLite, which has one process and so nobody to wake.

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{SqliteStore, begin};
use crate::model::{Digest, TenantSlug, Timestamp};
use crate::store::StoreError;
use crate::store::notes::{Heard, Note, NoteStore};
use crate::store::row::parse_digest;

#[async_trait]
impl NoteStore for SqliteStore {
    async fn leave_note(
        &self,
        tenant: &TenantSlug,
        note: &Note,
        limit: u32,
    ) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let done = sqlx::query(
            "INSERT INTO notes (tenant, topic, body, ends_session, noted_at, expires_at)
             SELECT $1, $2, $3, $4, $5, $6
             WHERE (SELECT count(*) FROM notes WHERE tenant = $1 AND topic = $2) < $7",
        )
        .bind(tenant.as_str())
        .bind(note.topic.as_bytes().as_slice())
        .bind(&note.body)
        .bind(note.ends_session)
        .bind(note.noted_at.seconds())
        .bind(note.expires_at.seconds())
        .bind(i64::from(limit))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    async fn read_notes(
        &self,
        tenant: &TenantSlug,
        topic: &Digest,
    ) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT body FROM notes WHERE tenant = $1 AND topic = $2 ORDER BY id",
        );
        let query = query
            .bind(tenant.as_str())
            .bind(topic.as_bytes().as_slice());
        Ok(query.fetch_all(&self.readers).await?)
    }

    async fn wake(&self, _: &Digest) -> Result<(), StoreError> {
        Ok(())
    }

    async fn listen(&self) -> Result<Option<mpsc::Receiver<Heard>>, StoreError> {
        Ok(None)
    }

    async fn list_ended_sessions(&self, since: Timestamp) -> Result<Vec<Digest>, StoreError> {
        let query =
            sqlx::query_scalar("SELECT topic FROM notes WHERE ends_session AND noted_at >= $1");
        let topics: Vec<Vec<u8>> = query.bind(since.seconds()).fetch_all(&self.readers).await?;
        topics.iter().map(|topic| parse_digest(topic)).collect()
    }
}
