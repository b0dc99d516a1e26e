//! A file of SQLite belongs to one process, which keeps its limits by itself.

use std::time::Duration;

use async_trait::async_trait;

use super::SqliteStore;
use crate::store::StoreError;
use crate::store::rates::{RateStore, Use};

#[async_trait]
impl RateStore for SqliteStore {
    async fn add_uses(&self, _: &[Use]) -> Result<Option<Vec<Duration>>, StoreError> {
        Ok(None)
    }
}
