//! What the store does for operators: who they are, by token or by the cookie of their browser.

use async_trait::async_trait;
use sqlx::FromRow;

use crate::model::{
    Change, Digest, Operator, OperatorName, OperatorRole, OperatorSession, Timestamp,
};
use crate::store::StoreError;
use crate::store::row::invalid;

/// The operators of this gateway.
#[async_trait]
pub trait OperatorStore: Send + Sync {
    /// Adds an operator with the digest of their token; [`StoreError::Conflict`] when the name is
    /// taken.
    async fn add_operator(
        &self,
        change: &Change,
        operator: &Operator,
        token: &Digest,
    ) -> Result<(), StoreError>;

    /// All operators by name, those whose token has ended as well.
    async fn list_operators(&self) -> Result<Vec<Operator>, StoreError>;

    /// Removes an operator with their sessions; false when there is none.
    async fn remove_operator(
        &self,
        change: &Change,
        name: &OperatorName,
    ) -> Result<bool, StoreError>;

    /// The operator of that token, unless it has ended by `now`.
    async fn find_operator(
        &self,
        token: &Digest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError>;

    /// Stores a session of the console.
    async fn start_operator_session(&self, session: &OperatorSession) -> Result<(), StoreError>;

    /// The operator of that cookie, unless the session or their token has ended by `now`.
    async fn find_operator_session(
        &self,
        cookie: &Digest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError>;

    /// Ends a session of the console.
    async fn end_operator_session(&self, cookie: &Digest) -> Result<(), StoreError>;
}

#[derive(FromRow)]
pub(in crate::store) struct OperatorRow {
    name: String,
    role: String,
    restricted_to: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
}

impl TryFrom<OperatorRow> for Operator {
    type Error = StoreError;

    fn try_from(row: OperatorRow) -> Result<Self, StoreError> {
        let tenant = row.restricted_to.map(|slug| slug.parse()).transpose();
        Ok(Self {
            name: row.name.parse().map_err(|_| invalid("operator's name"))?,
            role: OperatorRole::from_name(&row.role).ok_or_else(|| invalid("operator's role"))?,
            tenant: tenant.map_err(|_| invalid("operator's tenant"))?,
            created_at: Timestamp::from_seconds(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_seconds),
        })
    }
}
