//! The end of a wait for the database: where packets get lost without a word, nothing else ends it for
//! a quarter of an hour.

use std::time::Duration;

use super::StoreError;

/// The database did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer from the database within {} s", .0.as_secs())]
struct NoAnswer(Duration);

/// Gives up an operation after `deadline`. Its connection is closed then, so that the next one has
/// another. Whether the operation has happened is not known.
pub async fn within<T, E: From<StoreError>>(
    deadline: Duration,
    operation: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(deadline, operation)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable(Box::new(NoAnswer(deadline))).into()))
}
