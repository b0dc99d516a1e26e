//! Rows of people as both databases give them.

use std::collections::BTreeSet;

use sqlx::FromRow;

use super::StoreError;
use super::row::{invalid, parse_list};
use crate::model::{ExternalIdentity, GroupSnapshot, PasswordHash, Timestamp, User, UserId};

/// The columns of [`UserRow`]; where they are in several tables, after the name of this one with its dot.
macro_rules! user_columns {
    () => {
        user_columns!("")
    };
    ($of:literal) => {
        concat!(
            $of,
            "id, ",
            $of,
            "username, ",
            $of,
            "roles, ",
            $of,
            "password, ",
            $of,
            "provider, ",
            $of,
            "issuer, ",
            $of,
            "subject, ",
            $of,
            "email, ",
            $of,
            "display_name, ",
            $of,
            "idp_groups, ",
            $of,
            "idp_groups_at, ",
            $of,
            "disabled, ",
            $of,
            "created_at",
        )
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

/// What a person gave, and the person.
#[derive(FromRow)]
pub(super) struct GivenRow<Given> {
    #[sqlx(flatten)]
    given: Given,
    #[sqlx(flatten)]
    user: UserRow,
}

impl<Given> GivenRow<Given> {
    pub(super) fn read<T: TryFrom<Given, Error = StoreError>>(
        self,
    ) -> Result<(T, User), StoreError> {
        Ok((self.given.try_into()?, self.user.try_into()?))
    }
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
