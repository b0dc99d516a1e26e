//! Notes between replicas in Postgres, with `LISTEN` and `NOTIFY`.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sqlx::postgres::{PgListener, PgNotification};
use tokio::sync::mpsc;

use super::PostgresStore;
use crate::model::{Digest, TenantSlug, Timestamp};
use crate::store::StoreError;
use crate::store::notes::{Heard, Note, NoteStore};
use crate::store::row::parse_digest;

const CHANNEL: &str = "gatehouse_notes";

/// After what silence the database is asked whether it is still there, and for how long it may take.
const SILENCE: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(5);

/// Between two attempts to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// How much may be heard and not yet looked at.
const WAITING: usize = 1024;

#[async_trait]
impl NoteStore for PostgresStore {
    async fn leave_note(
        &self,
        tenant: &TenantSlug,
        note: &Note,
        limit: u32,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
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
        let left = done.rows_affected() == 1;
        if left {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(CHANNEL)
                .bind(written(&note.topic))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(left)
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
        let mut transaction = self.pool.begin(tenant).await?;
        Ok(query.fetch_all(&mut *transaction).await?)
    }

    async fn wake(&self, topic: &Digest) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(written(topic))
            .execute(&mut *self.pool.connection().await?)
            .await?;
        Ok(())
    }

    async fn listen(&self) -> Result<Option<mpsc::Receiver<Heard>>, StoreError> {
        let mut listener = PgListener::connect_with(self.pool.shared()).await?;
        listener.listen(CHANNEL).await?;
        let (heard, receiver) = mpsc::channel(WAITING);
        tokio::spawn(hear(listener, heard));
        Ok(Some(receiver))
    }

    async fn list_ended_sessions(&self, since: Timestamp) -> Result<Vec<Digest>, StoreError> {
        let query =
            sqlx::query_scalar("SELECT topic FROM notes WHERE ends_session AND noted_at >= $1");
        let mut transaction = self.pool.begin_upkeep().await?;
        let topics: Vec<Vec<u8>> = query
            .bind(since.seconds())
            .fetch_all(&mut *transaction)
            .await?;
        topics.iter().map(|topic| parse_digest(topic)).collect()
    }
}

/// Listens until nobody wants to know any more, or the connection is dead; one that was closed is
/// opened again.
async fn hear(mut listener: PgListener, heard: mpsc::Sender<Heard>) {
    while !heard.is_closed() {
        let item = match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => read(&notification),
            Ok(Ok(None)) => Some(Heard::Anything),
            Ok(Err(error)) => {
                tracing::warn!(%error, "could not listen to other replicas");
                tokio::time::sleep(PAUSE).await;
                Some(Heard::Anything)
            }
            Err(_) if answers(&mut listener).await => None,
            Err(_) => {
                tracing::warn!("could not listen to other replicas: the database is silent");
                return;
            }
        };
        if let Some(item) = item
            && heard.send(item).await.is_err()
        {
            return;
        }
    }
}

/// Whether somebody is at the other end: a connection on which nothing is sent never ends by itself.
async fn answers(listener: &mut PgListener) -> bool {
    let asked = sqlx::query("SELECT 1").execute(listener);
    matches!(tokio::time::timeout(ANSWER, asked).await, Ok(Ok(_)))
}

fn read(notification: &PgNotification) -> Option<Heard> {
    let bytes = STANDARD_NO_PAD.decode(notification.payload()).ok()?;
    Digest::from_bytes(&bytes).map(Heard::Topic)
}

fn written(topic: &Digest) -> String {
    STANDARD_NO_PAD.encode(topic.as_bytes())
}
