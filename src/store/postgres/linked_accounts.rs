//! Accounts at mounted servers that people have linked, in Postgres.

use async_trait::async_trait;

use super::{PostgresStore, audit};
use crate::model::{Change, Event, TenantSlug, Timestamp, UserId};
use crate::store::{
    LinkedAccount, LinkedAccountStore, ProviderLease, ProviderTokenOutcome, StoreError,
};

#[async_trait]
impl LinkedAccountStore for PostgresStore {
    async fn link_account(
        &self,
        change: &Change,
        (user, server): (&UserId, &str),
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin(&change.tenant).await?;
        sqlx::query(
            "INSERT INTO linked_accounts (tenant, user_id, server, sealed, leased_until, linked_at)
             VALUES ($1, $2, $3, $4, 0, $5)
             ON CONFLICT (tenant, user_id, server) DO UPDATE
             SET sealed = excluded.sealed, leased_until = 0, linked_at = excluded.linked_at",
        )
        .bind(change.tenant.as_str())
        .bind(user.as_str())
        .bind(server)
        .bind(sealed)
        .bind(change.at().seconds())
        .execute(&mut *transaction)
        .await?;
        audit::note(&mut transaction, change, Event::AccountLinked(user, server)).await?;
        Ok(transaction.commit().await?)
    }

    async fn unlink_account(
        &self,
        change: &Change,
        user: &UserId,
        server: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(&change.tenant).await?;
        let removed = sqlx::query(
            "DELETE FROM linked_accounts WHERE tenant = $1 AND user_id = $2 AND server = $3",
        )
        .bind(change.tenant.as_str())
        .bind(user.as_str())
        .bind(server)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if removed > 0 {
            audit::note(
                &mut transaction,
                change,
                Event::AccountUnlinked(user, server),
            )
            .await?;
        }
        transaction.commit().await?;
        Ok(removed > 0)
    }

    async fn list_linked_accounts(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
    ) -> Result<Vec<LinkedAccount>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        let rows: Vec<(String, i64, bool)> = sqlx::query_as(
            "SELECT server, linked_at, sealed IS NULL FROM linked_accounts
             WHERE tenant = $1 AND user_id = $2
             ORDER BY server",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .fetch_all(&mut *transaction)
        .await?;
        let accounts = rows
            .into_iter()
            .map(|(server, linked_at, has_ended)| LinkedAccount {
                server,
                linked_at: Timestamp::from_seconds(linked_at),
                has_ended,
            });
        Ok(accounts.collect())
    }

    async fn find_linked_account(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        server: &str,
    ) -> Result<ProviderLease, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        let found: Option<Option<Vec<u8>>> = sqlx::query_scalar(
            "SELECT sealed FROM linked_accounts
             WHERE tenant = $1 AND user_id = $2 AND server = $3",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(server)
        .fetch_optional(&mut *transaction)
        .await?;
        Ok(match found {
            None => ProviderLease::None,
            Some(None) => ProviderLease::Ended,
            Some(Some(sealed)) => ProviderLease::Leased(sealed),
        })
    }

    async fn lease_linked_account(
        &self,
        tenant: &TenantSlug,
        (user, server): (&UserId, &str),
        (now, until): (Timestamp, Timestamp),
    ) -> Result<ProviderLease, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        // The statement that looks is the one that takes, so of any number of replicas one has it.
        let leased: Option<Vec<u8>> = sqlx::query_scalar(
            "UPDATE linked_accounts SET leased_until = $5
             WHERE tenant = $1 AND user_id = $2 AND server = $3
               AND leased_until <= $4 AND sealed IS NOT NULL
             RETURNING sealed",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(server)
        .bind(now.seconds())
        .bind(until.seconds())
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        if let Some(sealed) = leased {
            return Ok(ProviderLease::Leased(sealed));
        }
        Ok(
            match self.find_linked_account(tenant, user, server).await? {
                ProviderLease::Leased(_) => ProviderLease::Busy,
                other @ (ProviderLease::None | ProviderLease::Ended | ProviderLease::Busy) => other,
            },
        )
    }

    async fn return_linked_account(
        &self,
        tenant: &TenantSlug,
        (user, server): (&UserId, &str),
        until: Timestamp,
        outcome: ProviderTokenOutcome<'_>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        let query = match outcome {
            ProviderTokenOutcome::Kept => sqlx::query(
                "UPDATE linked_accounts SET leased_until = 0
                 WHERE tenant = $1 AND user_id = $2 AND server = $3 AND leased_until = $4",
            ),
            ProviderTokenOutcome::Renewed(_) | ProviderTokenOutcome::Refused => sqlx::query(
                "UPDATE linked_accounts SET sealed = $5, leased_until = 0
                 WHERE tenant = $1 AND user_id = $2 AND server = $3 AND leased_until = $4",
            ),
        };
        let query = query
            .bind(tenant.as_str())
            .bind(user.as_str())
            .bind(server)
            .bind(until.seconds());
        let query = match outcome {
            ProviderTokenOutcome::Kept => query,
            ProviderTokenOutcome::Renewed(sealed) => query.bind(Some(sealed)),
            ProviderTokenOutcome::Refused => query.bind(None::<&[u8]>),
        };
        query.execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn find_upstream_client(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        let found = sqlx::query_scalar(
            "SELECT sealed FROM upstream_clients WHERE tenant = $1 AND issuer = $2",
        )
        .bind(tenant.as_str())
        .bind(issuer)
        .fetch_optional(&mut *transaction)
        .await?;
        Ok(found)
    }

    async fn keep_upstream_client(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        (known, sealed): (Option<&[u8]>, &[u8]),
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query(
            "INSERT INTO upstream_clients (tenant, issuer, sealed) VALUES ($1, $2, $4)
             ON CONFLICT (tenant, issuer) DO UPDATE SET sealed = excluded.sealed
             WHERE upstream_clients.sealed = $3",
        )
        .bind(tenant.as_str())
        .bind(issuer)
        .bind(known)
        .bind(sealed)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn forget_upstream_client(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        known: &[u8],
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query(
            "DELETE FROM upstream_clients WHERE tenant = $1 AND issuer = $2 AND sealed = $3",
        )
        .bind(tenant.as_str())
        .bind(issuer)
        .bind(known)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}
