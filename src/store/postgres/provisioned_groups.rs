//! Groups that an identity provider keeps here, in Postgres.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::audit;
use super::provisioned_users::assign_roles;
use crate::model::{Change, Event, ProvisionedGroup, ProvisioningSettings, TenantSlug, UserId};
use crate::store::StoreError;
use crate::store::scim::{GroupChanges, ScimGroupRow, ScimQuery, key};

pub(super) async fn add(
    connection: &mut PgConnection,
    change: &Change,
    group: &ProvisionedGroup,
    settings: &ProvisioningSettings,
) -> Result<ProvisionedGroup, StoreError> {
    let tenant = &change.tenant;
    sqlx::query(
        "INSERT INTO scim_groups (tenant, id, display_name, display_name_key, external_id,
                                  created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant.as_str())
    .bind(&group.id)
    .bind(&group.display_name)
    .bind(key(&group.display_name))
    .bind(&group.external_id)
    .bind(group.created_at.seconds())
    .bind(group.changed_at.seconds())
    .execute(&mut *connection)
    .await?;
    let event = Event::GroupAdded(&group.id, &group.display_name);
    audit::note(connection, change, event).await?;
    for user in &group.members {
        add_member(connection, change, &group.id, user).await?;
    }
    let mut stored = group.clone();
    stored.members = members(connection, tenant, &group.id).await?;
    for user in &stored.members {
        assign_roles(connection, change, user, settings).await?;
    }
    Ok(stored)
}

pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    id: &str,
) -> Result<Option<ProvisionedGroup>, StoreError> {
    let row = sqlx::query_as::<_, ScimGroupRow>(
        "SELECT id, display_name, external_id, created_at, changed_at
         FROM scim_groups
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let members = members(connection, tenant, id).await?;
    Ok(Some(row.with(members)))
}

async fn members(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    group: &str,
) -> Result<BTreeSet<UserId>, StoreError> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT user_id FROM scim_members WHERE tenant = $1 AND group_id = $2")
            .bind(tenant.as_str())
            .bind(group)
            .fetch_all(connection)
            .await?;
    Ok(ids.into_iter().map(UserId::new).collect())
}

pub(super) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    query: &ScimQuery,
) -> Result<(i64, Vec<ProvisionedGroup>), StoreError> {
    let name = query.name.as_deref().map(key);
    let total: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM scim_groups
         WHERE tenant = $1 AND (CAST($2 AS TEXT) IS NULL OR display_name_key = $2)
           AND (CAST($3 AS TEXT) IS NULL OR external_id = $3)",
    )
    .bind(tenant.as_str())
    .bind(&name)
    .bind(&query.external_id)
    .fetch_one(&mut *connection)
    .await?;
    let rows = sqlx::query_as::<_, ScimGroupRow>(
        "SELECT id, display_name, external_id, created_at, changed_at
         FROM scim_groups
         WHERE tenant = $1 AND (CAST($2 AS TEXT) IS NULL OR display_name_key = $2)
           AND (CAST($3 AS TEXT) IS NULL OR external_id = $3)
         ORDER BY created_at, id LIMIT $4 OFFSET $5",
    )
    .bind(tenant.as_str())
    .bind(&name)
    .bind(&query.external_id)
    .bind(query.limit)
    .bind(query.offset)
    .fetch_all(&mut *connection)
    .await?;
    let mut groups = Vec::with_capacity(rows.len());
    for row in rows {
        let members = members(connection, tenant, &row.id).await?;
        groups.push(row.with(members));
    }
    Ok((total, groups))
}

/// The group is locked first, so that of two changes of its members neither undoes the other.
pub(super) async fn change(
    connection: &mut PgConnection,
    change: &Change,
    id: &str,
    asked: GroupChanges<'_>,
) -> Result<Option<ProvisionedGroup>, StoreError> {
    let tenant = &change.tenant;
    sqlx::query("SELECT id FROM scim_groups WHERE tenant = $1 AND id = $2 FOR UPDATE")
        .bind(tenant.as_str())
        .bind(id)
        .execute(&mut *connection)
        .await?;
    let Some(before) = find(connection, tenant, id).await? else {
        return Ok(None);
    };
    let mut group = before.clone();
    for one in asked.changes {
        group.apply(one);
    }
    group.changed_at = change.at();
    update(connection, tenant, &group).await?;
    let event = Event::GroupChanged(id, &group.display_name);
    audit::note(connection, change, event).await?;
    for user in group.members.difference(&before.members) {
        add_member(connection, change, id, user).await?;
    }
    for user in before.members.difference(&group.members) {
        remove_member(connection, change, id, user).await?;
    }
    group.members = members(connection, tenant, id).await?;
    // Another name may mean another role for everyone.
    let renamed = group.display_name != before.display_name;
    let touched: Vec<&UserId> = if renamed {
        group.members.union(&before.members).collect()
    } else {
        let differing = group.members.symmetric_difference(&before.members);
        differing.collect()
    };
    for user in touched {
        assign_roles(connection, change, user, asked.settings).await?;
    }
    Ok(Some(group))
}

async fn update(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    group: &ProvisionedGroup,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE scim_groups
         SET display_name = $3, display_name_key = $4, external_id = $5, changed_at = $6
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(&group.id)
    .bind(&group.display_name)
    .bind(key(&group.display_name))
    .bind(&group.external_id)
    .bind(group.changed_at.seconds())
    .execute(connection)
    .await?;
    Ok(())
}

/// Whom the provider doesn't keep here can't be in a group.
async fn add_member(
    connection: &mut PgConnection,
    change: &Change,
    group: &str,
    user: &UserId,
) -> Result<(), StoreError> {
    let done = sqlx::query(
        "INSERT INTO scim_members (tenant, group_id, user_id)
         SELECT $1, $2, user_id FROM scim_users WHERE tenant = $1 AND user_id = $3
         ON CONFLICT (tenant, group_id, user_id) DO NOTHING",
    )
    .bind(change.tenant.as_str())
    .bind(group)
    .bind(user.as_str())
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 {
        audit::note(connection, change, Event::MemberAdded(user, group)).await?;
    }
    Ok(())
}

async fn remove_member(
    connection: &mut PgConnection,
    change: &Change,
    group: &str,
    user: &UserId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM scim_members WHERE tenant = $1 AND group_id = $2 AND user_id = $3")
        .bind(change.tenant.as_str())
        .bind(group)
        .bind(user.as_str())
        .execute(&mut *connection)
        .await?;
    audit::note(connection, change, Event::MemberRemoved(user, group)).await
}

pub(super) async fn remove(
    connection: &mut PgConnection,
    change: &Change,
    id: &str,
    settings: &ProvisioningSettings,
) -> Result<bool, StoreError> {
    let tenant = &change.tenant;
    let Some(group) = find(connection, tenant, id).await? else {
        return Ok(false);
    };
    sqlx::query("DELETE FROM scim_groups WHERE tenant = $1 AND id = $2")
        .bind(tenant.as_str())
        .bind(id)
        .execute(&mut *connection)
        .await?;
    let event = Event::GroupRemoved(id, &group.display_name);
    audit::note(connection, change, event).await?;
    for user in &group.members {
        assign_roles(connection, change, user, settings).await?;
    }
    Ok(true)
}
