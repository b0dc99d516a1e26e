//! People who sign in, in SQLite.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::{SqliteStore, audit, begin};
use crate::model::{Change, Digest, Event, GrantId, TenantSlug, Timestamp, User, UserId};
use crate::store::row::write_list;
use crate::store::users::{UserRow, user_columns};
use crate::store::{
    AttemptBound, EndedElsewhere, FederationStore, ProviderLease, ProviderTokenOutcome, SignedOut,
    StoreError,
};

#[async_trait]
impl FederationStore for SqliteStore {
    async fn find_user_by_identity(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<User>, StoreError> {
        sqlx::query_as::<_, UserRow>(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE tenant = $1 AND issuer = $2 AND subject = $3"
        ))
        .bind(tenant.as_str())
        .bind(issuer)
        .bind(subject)
        .fetch_optional(&self.readers)
        .await?
        .map(User::try_from)
        .transpose()
    }

    async fn update_person(&self, tenant: &TenantSlug, user: &User) -> Result<(), StoreError> {
        let identity = user.identity.as_ref();
        let groups = user.groups.as_ref();
        sqlx::query(
            "UPDATE users SET roles = $3, provider = $4, email = $5, display_name = $6,
                              idp_groups = $7, idp_groups_at = $8
             WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(user.id.as_str())
        .bind(write_list(user.roles.iter().map(String::as_str)))
        .bind(identity.map(|identity| &identity.provider))
        .bind(&user.email)
        .bind(&user.display_name)
        .bind(groups.map(|groups| write_list(groups.groups.iter().map(String::as_str))))
        .bind(groups.map(|groups| groups.taken_at.seconds()))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn keep_provider_token(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        sealed: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let query = match sealed {
            Some(sealed) => sqlx::query(
                "INSERT INTO provider_tokens (tenant, user_id, sealed, leased_until)
                 VALUES ($1, $2, $3, 0)
                 ON CONFLICT (tenant, user_id) DO UPDATE
                 SET sealed = excluded.sealed, leased_until = 0",
            )
            .bind(tenant.as_str())
            .bind(user.as_str())
            .bind(sealed),
            None => sqlx::query("DELETE FROM provider_tokens WHERE tenant = $1 AND user_id = $2")
                .bind(tenant.as_str())
                .bind(user.as_str()),
        };
        query.execute(&self.writer).await?;
        Ok(())
    }

    async fn lease_provider_token(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<ProviderLease, StoreError> {
        // The statement that looks is the one that takes, so of any number of replicas one has it.
        let leased: Option<Vec<u8>> = sqlx::query_scalar(
            "UPDATE provider_tokens SET leased_until = $4
             WHERE tenant = $1 AND user_id = $2 AND leased_until <= $3 AND sealed IS NOT NULL
             RETURNING sealed",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(now.seconds())
        .bind(until.seconds())
        .fetch_optional(&self.writer)
        .await?;
        if let Some(sealed) = leased {
            return Ok(ProviderLease::Leased(sealed));
        }
        let found: Option<bool> = sqlx::query_scalar(
            "SELECT sealed IS NOT NULL FROM provider_tokens WHERE tenant = $1 AND user_id = $2",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(match found {
            None => ProviderLease::None,
            Some(false) => ProviderLease::Ended,
            Some(true) => ProviderLease::Busy,
        })
    }

    async fn return_provider_token(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        outcome: ProviderTokenOutcome<'_>,
    ) -> Result<(), StoreError> {
        let query = match outcome {
            ProviderTokenOutcome::Kept => sqlx::query(
                "UPDATE provider_tokens SET leased_until = 0 WHERE tenant = $1 AND user_id = $2",
            )
            .bind(tenant.as_str())
            .bind(user.as_str()),
            ProviderTokenOutcome::Renewed(sealed) => sqlx::query(
                "UPDATE provider_tokens SET sealed = $3, leased_until = 0
                 WHERE tenant = $1 AND user_id = $2",
            )
            .bind(tenant.as_str())
            .bind(user.as_str())
            .bind(sealed),
            ProviderTokenOutcome::Refused => sqlx::query(
                "UPDATE provider_tokens SET sealed = NULL, leased_until = 0
                 WHERE tenant = $1 AND user_id = $2",
            )
            .bind(tenant.as_str())
            .bind(user.as_str()),
        };
        query.execute(&self.writer).await?;
        Ok(())
    }

    async fn end_provider_sessions(
        &self,
        change: &Change,
        ended: &EndedElsewhere<'_>,
    ) -> Result<SignedOut, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let of_session: Option<String> = sqlx::query_scalar(
            "SELECT user_id FROM login_sessions
             WHERE tenant = $1 AND issuer = $2 AND provider_session = $3
             LIMIT 1",
        )
        .bind(change.tenant.as_str())
        .bind(ended.issuer)
        .bind(ended.session)
        .fetch_optional(&mut *transaction)
        .await?;
        let of_subject: Option<String> = sqlx::query_scalar(
            "SELECT id FROM users WHERE tenant = $1 AND issuer = $2 AND subject = $3",
        )
        .bind(change.tenant.as_str())
        .bind(ended.issuer)
        .bind(ended.subject)
        .fetch_optional(&mut *transaction)
        .await?;
        // With a session named, the person's others stay (Back-Channel Logout §2.4).
        let sessions = sqlx::query(
            "DELETE FROM login_sessions
             WHERE tenant = $1 AND issuer = $2
               AND ((CAST($3 AS TEXT) IS NOT NULL AND provider_session = $3)
                 OR (CAST($3 AS TEXT) IS NULL AND user_id = $4))",
        )
        .bind(change.tenant.as_str())
        .bind(ended.issuer)
        .bind(ended.session)
        .bind(&of_subject)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        let mut grants = 0;
        if let Some(user) = of_subject.or(of_session).map(UserId::new) {
            if sessions > 0 {
                audit::note(&mut transaction, change, Event::SignedOut(&user)).await?;
            }
            if ended.grants {
                grants = revoke_all(&mut transaction, change, &user).await?;
            }
        }
        transaction.commit().await?;
        Ok(SignedOut { sessions, grants })
    }

    async fn sign_out_everywhere(
        &self,
        change: &Change,
        user: &UserId,
    ) -> Result<SignedOut, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let sessions = sqlx::query("DELETE FROM login_sessions WHERE tenant = $1 AND user_id = $2")
            .bind(change.tenant.as_str())
            .bind(user.as_str())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        sqlx::query("DELETE FROM provider_tokens WHERE tenant = $1 AND user_id = $2")
            .bind(change.tenant.as_str())
            .bind(user.as_str())
            .execute(&mut *transaction)
            .await?;
        if sessions > 0 {
            audit::note(&mut transaction, change, Event::SignedOut(user)).await?;
        }
        let grants = revoke_all(&mut transaction, change, user).await?;
        transaction.commit().await?;
        Ok(SignedOut { sessions, grants })
    }

    async fn admit_sign_in(
        &self,
        tenant: &TenantSlug,
        account: &Digest,
        bound: AttemptBound,
    ) -> Result<Option<Timestamp>, StoreError> {
        let began: (i64, i64) = sqlx::query_as(
            "INSERT INTO sign_in_attempts (tenant, digest, attempts, since, expires_at)
             VALUES ($1, $2, 1, $3, $5)
             ON CONFLICT (tenant, digest) DO UPDATE SET
                 attempts = CASE WHEN sign_in_attempts.since <= $4 THEN 1
                                 ELSE sign_in_attempts.attempts + 1 END,
                 since = CASE WHEN sign_in_attempts.since <= $4 THEN $3
                              ELSE sign_in_attempts.since END,
                 expires_at = $5
             RETURNING attempts, since",
        )
        .bind(tenant.as_str())
        .bind(account.as_bytes().as_slice())
        .bind(bound.now.seconds())
        .bind(bound.now.before(bound.window).seconds())
        .bind(bound.now.after(bound.window).seconds())
        .fetch_one(&self.writer)
        .await?;
        Ok(bound.judge(began))
    }

    async fn forget_sign_ins(
        &self,
        tenant: &TenantSlug,
        account: &Digest,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sign_in_attempts WHERE tenant = $1 AND digest = $2")
            .bind(tenant.as_str())
            .bind(account.as_bytes().as_slice())
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

async fn revoke_all(
    connection: &mut SqliteConnection,
    change: &Change,
    user: &UserId,
) -> Result<u64, StoreError> {
    let revoked: Vec<String> = sqlx::query_scalar(
        "UPDATE grants SET revoked_at = $3
         WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL
         RETURNING id",
    )
    .bind(change.tenant.as_str())
    .bind(user.as_str())
    .bind(change.at().seconds())
    .fetch_all(&mut *connection)
    .await?;
    let mut count = 0;
    for id in revoked {
        let grant = GrantId::new(id);
        audit::note(connection, change, Event::GrantRevoked(&grant)).await?;
        count += 1;
    }
    Ok(count)
}
