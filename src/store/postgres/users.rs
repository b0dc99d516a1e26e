//! People in Postgres.

use super::audit;
use super::pool::Pool;
use crate::model::{Change, Event, PasswordHash, TenantSlug, User, UserId};
use crate::store::StoreError;
use crate::store::row::write_list;
use crate::store::users::{UserRow, user_columns};

pub(super) async fn add(pool: &Pool, change: &Change, user: &User) -> Result<(), StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    let identity = user.identity.as_ref();
    let groups = user.groups.as_ref();
    sqlx::query(concat!(
        "INSERT INTO users (tenant, ",
        user_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    ))
    .bind(change.tenant.as_str())
    .bind(user.id.as_str())
    .bind(&user.username)
    .bind(write_list(user.roles.iter().map(String::as_str)))
    .bind(user.password.as_ref().map(PasswordHash::expose))
    .bind(identity.map(|identity| &identity.provider))
    .bind(identity.map(|identity| &identity.issuer))
    .bind(identity.map(|identity| &identity.subject))
    .bind(&user.email)
    .bind(&user.display_name)
    .bind(groups.map(|groups| write_list(groups.groups.iter().map(String::as_str))))
    .bind(groups.map(|groups| groups.taken_at.seconds()))
    .bind(user.disabled)
    .bind(user.created_at.seconds())
    .execute(&mut *transaction)
    .await?;
    let event = Event::UserAdded(&user.id, &user.username);
    audit::note(&mut transaction, change, event).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find_by_name(
    pool: &Pool,
    tenant: &TenantSlug,
    username: &str,
) -> Result<Option<User>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, UserRow>(concat!(
        "SELECT ",
        user_columns!(),
        " FROM users WHERE tenant = $1 AND username = $2"
    ))
    .bind(tenant.as_str())
    .bind(username)
    .fetch_optional(&mut *transaction)
    .await?
    .map(User::try_from)
    .transpose()
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    id: &UserId,
) -> Result<Option<User>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, UserRow>(concat!(
        "SELECT ",
        user_columns!(),
        " FROM users WHERE tenant = $1 AND id = $2"
    ))
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(&mut *transaction)
    .await?
    .map(User::try_from)
    .transpose()
}

pub(super) async fn list(pool: &Pool, tenant: &TenantSlug) -> Result<Vec<User>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let rows = sqlx::query_as::<_, UserRow>(concat!(
        "SELECT ",
        user_columns!(),
        " FROM users WHERE tenant = $1 ORDER BY username COLLATE \"C\""
    ))
    .bind(tenant.as_str())
    .fetch_all(&mut *transaction)
    .await?;
    rows.into_iter().map(User::try_from).collect()
}

pub(super) async fn set_disabled(
    pool: &Pool,
    change: &Change,
    username: &str,
    disabled: bool,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    let id: Option<String> = sqlx::query_scalar(
        "UPDATE users SET disabled = $3 WHERE tenant = $1 AND username = $2 RETURNING id",
    )
    .bind(change.tenant.as_str())
    .bind(username)
    .bind(disabled)
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(user) = id.map(UserId::new) else {
        return Ok(false);
    };
    let event = if disabled {
        Event::UserDisabled(&user, username)
    } else {
        Event::UserEnabled(&user, username)
    };
    audit::note(&mut transaction, change, event).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Login sessions and grants go with the account, codes and refresh tokens with the grants: the
/// foreign keys see to it.
pub(super) async fn remove(
    pool: &Pool,
    change: &Change,
    username: &str,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    let id: Option<String> =
        sqlx::query_scalar("DELETE FROM users WHERE tenant = $1 AND username = $2 RETURNING id")
            .bind(change.tenant.as_str())
            .bind(username)
            .fetch_optional(&mut *transaction)
            .await?;
    let Some(user) = id.map(UserId::new) else {
        return Ok(false);
    };
    audit::note(
        &mut transaction,
        change,
        Event::UserRemoved(&user, username),
    )
    .await?;
    transaction.commit().await?;
    Ok(true)
}
