//! People whom an identity provider keeps here, in SQLite.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::audit;
use crate::model::{
    Change, Event, ExternalIdentity, ProvisionedUser, ProvisioningSettings, TenantSlug, UserId,
};
use crate::store::StoreError;
use crate::store::row::{parse_list, write_list};
use crate::store::scim::{ScimQuery, ScimUserRow, UserChanges, key, scim_user_columns};

pub(super) async fn add(
    connection: &mut SqliteConnection,
    change: &Change,
    user: &ProvisionedUser,
    settings: &ProvisioningSettings,
) -> Result<ProvisionedUser, StoreError> {
    let tenant = &change.tenant;
    let mut user = user.clone();
    let identity = settings.identity_of(&user);
    // Whoever signed in before they were provisioned has an account already: the same identity is
    // the same person, and nothing else is.
    match find_account(connection, tenant, identity.as_ref()).await? {
        Some(id) => user.id = id,
        None => insert_account(connection, tenant, &user, identity.as_ref()).await?,
    }
    let event = Event::UserAdded(&user.id, &user.user_name);
    audit::note(connection, change, event).await?;
    sqlx::query(
        "INSERT INTO scim_users (tenant, user_id, user_name, user_name_key, external_id,
                                 formatted_name, given_name, family_name, display_name, email,
                                 created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(tenant.as_str())
    .bind(user.id.as_str())
    .bind(&user.user_name)
    .bind(key(&user.user_name))
    .bind(&user.external_id)
    .bind(&user.formatted_name)
    .bind(&user.given_name)
    .bind(&user.family_name)
    .bind(&user.display_name)
    .bind(&user.email)
    .bind(user.created_at.seconds())
    .bind(user.changed_at.seconds())
    .execute(&mut *connection)
    .await?;
    set_active(connection, change, &user).await?;
    assign_roles(connection, change, &user.id, settings).await?;
    Ok(user)
}

async fn find_account(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    identity: Option<&ExternalIdentity>,
) -> Result<Option<UserId>, StoreError> {
    let Some(identity) = identity else {
        return Ok(None);
    };
    let id: Option<String> = sqlx::query_scalar(
        "SELECT id FROM users WHERE tenant = $1 AND issuer = $2 AND subject = $3",
    )
    .bind(tenant.as_str())
    .bind(&identity.issuer)
    .bind(&identity.subject)
    .fetch_optional(connection)
    .await?;
    Ok(id.map(UserId::new))
}

async fn insert_account(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    user: &ProvisionedUser,
    identity: Option<&ExternalIdentity>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO users (tenant, id, username, roles, provider, issuer, subject, display_name,
                            disabled, created_at)
         VALUES ($1, $2, $3, '[]', $4, $5, $6, $7, FALSE, $8)",
    )
    .bind(tenant.as_str())
    .bind(user.id.as_str())
    .bind(&user.user_name)
    .bind(identity.map(|identity| &identity.provider))
    .bind(identity.map(|identity| &identity.issuer))
    .bind(identity.map(|identity| &identity.subject))
    .bind(user.called())
    .bind(user.created_at.seconds())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    id: &UserId,
) -> Result<Option<ProvisionedUser>, StoreError> {
    let row = sqlx::query_as::<_, ScimUserRow>(concat!(
        "SELECT ",
        scim_user_columns!(),
        " AND s.user_id = $2"
    ))
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    query: &ScimQuery,
) -> Result<(i64, Vec<ProvisionedUser>), StoreError> {
    let name = query.name.as_deref().map(key);
    let total: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM scim_users
         WHERE tenant = $1 AND (CAST($2 AS TEXT) IS NULL OR user_name_key = $2)
           AND (CAST($3 AS TEXT) IS NULL OR external_id = $3)",
    )
    .bind(tenant.as_str())
    .bind(&name)
    .bind(&query.external_id)
    .fetch_one(&mut *connection)
    .await?;
    let rows = sqlx::query_as::<_, ScimUserRow>(concat!(
        "SELECT ",
        scim_user_columns!(),
        " AND (CAST($2 AS TEXT) IS NULL OR s.user_name_key = $2)
          AND (CAST($3 AS TEXT) IS NULL OR s.external_id = $3)
          ORDER BY s.created_at, s.user_id LIMIT $4 OFFSET $5"
    ))
    .bind(tenant.as_str())
    .bind(&name)
    .bind(&query.external_id)
    .bind(query.limit)
    .bind(query.offset)
    .fetch_all(connection)
    .await?;
    Ok((total, rows.into_iter().map(Into::into).collect()))
}

pub(super) async fn change(
    connection: &mut SqliteConnection,
    change: &Change,
    id: &UserId,
    asked: UserChanges<'_>,
) -> Result<Option<ProvisionedUser>, StoreError> {
    let tenant = &change.tenant;
    let Some(before) = find(connection, tenant, id).await? else {
        return Ok(None);
    };
    let mut user = before.clone();
    for one in asked.changes {
        user.apply(one);
    }
    user.changed_at = change.at();
    update(connection, tenant, &user).await?;
    update_account(connection, tenant, (&before, &user), asked.settings).await?;
    let event = Event::UserChanged(&user.id, &user.user_name);
    audit::note(connection, change, event).await?;
    set_active(connection, change, &user).await?;
    Ok(Some(user))
}

async fn update(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    user: &ProvisionedUser,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE scim_users
         SET user_name = $3, user_name_key = $4, external_id = $5, formatted_name = $6,
             given_name = $7, family_name = $8, display_name = $9, email = $10, changed_at = $11
         WHERE tenant = $1 AND user_id = $2",
    )
    .bind(tenant.as_str())
    .bind(user.id.as_str())
    .bind(&user.user_name)
    .bind(key(&user.user_name))
    .bind(&user.external_id)
    .bind(&user.formatted_name)
    .bind(&user.given_name)
    .bind(&user.family_name)
    .bind(&user.display_name)
    .bind(&user.email)
    .bind(user.changed_at.seconds())
    .execute(connection)
    .await?;
    Ok(())
}

/// An account that was called as the provider called its person stays so.
async fn update_account(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    (before, user): (&ProvisionedUser, &ProvisionedUser),
    settings: &ProvisioningSettings,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE users SET display_name = $3, username = CASE username WHEN $4 THEN $5 ELSE username END
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(user.id.as_str())
    .bind(user.called())
    .bind(&before.user_name)
    .bind(&user.user_name)
    .execute(&mut *connection)
    .await?;
    let identity = settings.identity_of(user);
    if identity.is_none() || identity == settings.identity_of(before) {
        return Ok(());
    }
    sqlx::query(
        "UPDATE users SET provider = $3, issuer = $4, subject = $5 WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(user.id.as_str())
    .bind(identity.as_ref().map(|identity| &identity.provider))
    .bind(identity.as_ref().map(|identity| &identity.issuer))
    .bind(identity.as_ref().map(|identity| &identity.subject))
    .execute(connection)
    .await?;
    Ok(())
}

/// Whoever is disabled is signed out, and their grants end with them.
async fn set_active(
    connection: &mut SqliteConnection,
    change: &Change,
    user: &ProvisionedUser,
) -> Result<(), StoreError> {
    let (tenant, id) = (&change.tenant, &user.id);
    let done = sqlx::query(
        "UPDATE users SET disabled = $3 WHERE tenant = $1 AND id = $2 AND disabled <> $3",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .bind(!user.active)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(());
    }
    if user.active {
        let event = Event::UserEnabled(id, &user.user_name);
        return audit::note(connection, change, event).await;
    }
    audit::note(connection, change, Event::UserDisabled(id, &user.user_name)).await?;
    sqlx::query("DELETE FROM login_sessions WHERE tenant = $1 AND user_id = $2")
        .bind(tenant.as_str())
        .bind(user.id.as_str())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE grants SET revoked_at = $3
         WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL",
    )
    .bind(tenant.as_str())
    .bind(user.id.as_str())
    .bind(change.at().seconds())
    .execute(connection)
    .await?;
    Ok(())
}

/// Sessions, grants and memberships go with the account: the foreign keys see to it.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    change: &Change,
    id: &UserId,
) -> Result<bool, StoreError> {
    let tenant = &change.tenant;
    let Some(user) = find(connection, tenant, id).await? else {
        return Ok(false);
    };
    sqlx::query("DELETE FROM users WHERE tenant = $1 AND id = $2")
        .bind(tenant.as_str())
        .bind(id.as_str())
        .execute(&mut *connection)
        .await?;
    audit::note(connection, change, Event::UserRemoved(id, &user.user_name)).await?;
    Ok(true)
}

/// Gives a person the roles of their groups. Access tokens with a role that they lose end at once;
/// the refresh token gets others.
pub(super) async fn assign_roles(
    connection: &mut SqliteConnection,
    change: &Change,
    user: &UserId,
    settings: &ProvisioningSettings,
) -> Result<(), StoreError> {
    let tenant = &change.tenant;
    if !settings.decides_on_roles() {
        return Ok(());
    }
    let groups: Vec<String> = sqlx::query_scalar(
        "SELECT g.display_name FROM scim_members AS m
         JOIN scim_groups AS g ON g.tenant = m.tenant AND g.id = m.group_id
         WHERE m.tenant = $1 AND m.user_id = $2",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let roles = settings.roles_of(&groups);
    let before: String =
        sqlx::query_scalar("SELECT roles FROM users WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .fetch_one(&mut *connection)
            .await?;
    let before: BTreeSet<String> = parse_list(&before, "roles")?.into_iter().collect();
    if before == roles {
        return Ok(());
    }
    let list = write_list(roles.iter().map(String::as_str));
    sqlx::query("UPDATE users SET roles = $3 WHERE tenant = $1 AND id = $2")
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(&list)
        .execute(&mut *connection)
        .await?;
    audit::note(connection, change, Event::RolesAssigned(user, &list)).await?;
    if before.is_subset(&roles) {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO revocations (tenant, kind, id, revoked_at)
         VALUES ($1, 'user', $2, unixepoch())
         ON CONFLICT (tenant, kind, id) DO UPDATE SET revoked_at = excluded.revoked_at",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .execute(connection)
    .await?;
    Ok(())
}
