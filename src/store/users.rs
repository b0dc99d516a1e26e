//! Rows of people as both databases give them.

use std::collections::BTreeSet;

use sqlx::FromRow;

use super::StoreError;
use super::row::{invalid, parse_list};
use crate::model::{ExternalIdentity, GroupSnapshot, PasswordHash, Timestamp, User, UserId};

/// The columns of [`UserRow`].
macro_rules! user_columns {
    () => {
        "id, username, roles, password, provider, issuer, subject, email, display_name, idp_groups,
         idp_groups_at, disabled, created_at"
    };
}
pub(super) use user_columns;

#[derive(FromRow)]
pub(super) struct UserRow {
    id: String,
    username: String,
    roles: String,
    password: Option<String>,
    provider: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    email: Option<String>,
    display_name: Option<String>,
    idp_groups: Option<String>,
    idp_groups_at: Option<i64>,
    disabled: bool,
    created_at: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let identity = match (row.provider, row.issuer, row.subject) {
            (Some(provider), Some(issuer), Some(subject)) => Some(ExternalIdentity {
                provider,
                issuer,
                subject,
            }),
            (None, None, None) => None,
            _ => return Err(invalid("identity of a person")),
        };
        let groups = match (row.idp_groups, row.idp_groups_at) {
            (Some(groups), Some(taken_at)) => Some(GroupSnapshot {
                groups: parse_set(&groups, "groups")?,
                taken_at: Timestamp::from_seconds(taken_at),
            }),
            _ => None,
        };
        Ok(Self {
            id: UserId::new(row.id),
            username: row.username,
            roles: parse_set(&row.roles, "roles")?,
            password: row.password.map(PasswordHash::new),
            identity,
            email: row.email,
            display_name: row.display_name,
            groups,
            disabled: row.disabled,
            created_at: Timestamp::from_seconds(row.created_at),
        })
    }
}

fn parse_set(json: &str, what: &'static str) -> Result<BTreeSet<String>, StoreError> {
    Ok(parse_list::<String>(json, what)?.into_iter().collect())
}
