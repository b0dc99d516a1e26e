//! People who sign in at an identity provider, in Postgres.

use async_trait::async_trait;

use super::PostgresStore;
use crate::model::{TenantSlug, User};
use crate::store::users::{UserRow, user_columns};
use crate::store::{FederationStore, StoreError};

#[async_trait]
impl FederationStore for PostgresStore {
    async fn find_user_by_identity(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<User>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query_as::<_, UserRow>(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE tenant = $1 AND issuer = $2 AND subject = $3"
        ))
        .bind(tenant.as_str())
        .bind(issuer)
        .bind(subject)
        .fetch_optional(&mut *transaction)
        .await?
        .map(User::try_from)
        .transpose()
    }
}
