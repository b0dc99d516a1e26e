//! What a tenant has, in pages: accounts, clients, grants and keys, each with what can be done to it.

use std::sync::Arc;

use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use http::StatusCode;

use super::pages::{self, Action, Badge, Cell, ListPage, Row, STYLE, Trouble};
use super::session::Visitor;
use crate::admin::Context;
use crate::admin::api::{ApiError, Wanted};
use crate::admin::seat::visible_tenant;
use crate::model::{Client, ClientId, GrantType, OperatorRole, Tenant, User, UserId};
use crate::operations::ListedKey;
use crate::store::{GrantFilter, LiveGrant};
use crate::web::{Parameters, rfc3339};

/// The rows of one page, and the cursor of the next one.
pub(super) type Part = (Vec<Row>, Option<String>);

/// What a list shows.
pub(super) struct Kind {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) columns: &'static [&'static str],
    /// The role that acting on a row needs.
    pub(super) role: OperatorRole,
    /// What can be done to the whole of it.
    pub(super) action: Option<Action>,
}

const DISABLE: Action = Action {
    name: "Disable",
    value: "disable",
    consequence: "They can’t sign in, and their tokens end within seconds.",
};
const ENABLE: Action = Action {
    name: "Enable",
    value: "enable",
    consequence: "They can sign in again.",
};
const SIGN_OUT: Action = Action {
    name: "Sign out everywhere",
    value: "sign_out",
    consequence: "Their browsers are signed out, and all grants that they gave are revoked.",
};
const REVOKE: Action = Action {
    name: "Revoke",
    value: "revoke",
    consequence: "Its tokens end within seconds. The client has to ask the person again.",
};
const REMOVE_CLIENT: Action = Action {
    name: "Remove",
    value: "remove_client",
    consequence: "The client and everything that people allowed it to do are gone for good.",
};
const ROTATE: Action = Action {
    name: "Rotate the keys",
    value: "rotate",
    consequence: "A new key is published now and takes over from the active one in a while.",
};

/// What is asked for: who asks, at which tenant, with which query.
pub(super) struct Asked<'a> {
    pub(super) context: &'a Context,
    visitor: &'a Visitor,
    pub(super) tenant: Arc<Tenant>,
    query: Parameters,
}

impl Asked<'_> {
    fn value(&self, name: &'static str) -> Option<&str> {
        self.query.one(name).ok().flatten()
    }

    pub(super) fn wanted(&self) -> Result<Wanted, ApiError> {
        Wanted::read(None, self.value("cursor"))
    }

    fn link(&self, path: &str) -> String {
        format!("/console/tenants/{}{path}", self.tenant.slug)
    }
}

pub(super) async fn users(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let kind = Kind {
        path: "/users",
        title: "Users",
        columns: &["User name", "Roles", "Signs in", "Added"],
        role: OperatorRole::Operator,
        action: None,
    };
    list((&context, &visitor), &slug, query, kind, user_rows).await
}

pub(super) async fn clients(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let kind = Kind {
        path: "/clients",
        title: "Clients",
        columns: &["Name", "Authenticates by", "Grant types", "Added"],
        role: OperatorRole::Operator,
        action: None,
    };
    list((&context, &visitor), &slug, query, kind, client_rows).await
}

pub(super) async fn grants(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let kind = Kind {
        path: "/grants",
        title: "Grants",
        columns: &["Given by", "To", "Scopes", "Given", "Last used"],
        role: OperatorRole::Operator,
        action: None,
    };
    list((&context, &visitor), &slug, query, kind, grant_rows).await
}

pub(super) async fn keys(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let kind = Kind {
        path: "/keys",
        title: "Signing keys",
        columns: &["Key", "Algorithm", "Made", "Signs from"],
        role: OperatorRole::Admin,
        action: (visitor.operator.role >= OperatorRole::Admin).then_some(ROTATE),
    };
    list((&context, &visitor), &slug, query, kind, key_rows).await
}

pub(super) async fn list(
    (context, visitor): (&Context, &Visitor),
    slug: &str,
    query: Option<String>,
    kind: Kind,
    rows: impl AsyncFn(&Asked<'_>) -> Result<Part, Trouble>,
) -> Response {
    let shown = async {
        let tenant = visible_tenant(context, &visitor.operator, slug).await?;
        let query = Parameters::parse(query.unwrap_or_default().as_bytes());
        let asked = Asked {
            context,
            visitor,
            tenant,
            query: query.map_err(|_| Trouble::Form)?,
        };
        let part = rows(&asked).await?;
        Ok(show(&asked, kind, part))
    };
    shown
        .await
        .unwrap_or_else(|trouble: Trouble| pages::refuse(Some(visitor), &trouble))
}

fn show(asked: &Asked<'_>, kind: Kind, (rows, next): Part) -> Response {
    let visitor = asked.visitor;
    let next = next.map(|cursor| {
        let query = asked.query.without("cursor").with("cursor", cursor);
        format!("?{}", query.to_query())
    });
    let has_actions = rows.iter().any(|row| !row.actions.is_empty());
    let page = ListPage {
        style: STYLE,
        visitor: Some(Badge::of(visitor)),
        tenant: &asked.tenant,
        tabs: pages::tabs(kind.path),
        title: kind.title,
        columns: kind.columns,
        rows,
        may_change: has_actions && visitor.operator.role >= kind.role,
        form_token: visitor.form_token().expose().to_owned(),
        next,
        action: kind.action,
    };
    pages::show(StatusCode::OK, &page)
}

async fn user_rows(asked: &Asked<'_>) -> Result<Part, Trouble> {
    let wanted = asked.wanted()?;
    let operations = &asked.context.operations;
    let users = operations.page_users(&asked.tenant.slug, wanted.page());
    let (users, next) = wanted.cut(users.await?, |user| user.username.as_str());
    let rows = users.into_iter().map(|user| user_row(asked, user));
    Ok((rows.collect(), next))
}

fn user_row(asked: &Asked<'_>, user: User) -> Row {
    let roles: Vec<&str> = user.roles.iter().map(String::as_str).collect();
    let query = Parameters::default().with("user", user.id.to_string());
    let provider = user.identity.map(|identity| identity.provider);
    Row {
        id: user.id.to_string(),
        cells: vec![
            Cell {
                text: user.username.clone(),
                link: Some(asked.link(&format!("/grants?{}", query.to_query()))),
                tag: user.disabled.then_some("disabled"),
            },
            roles.join(", ").into(),
            provider.unwrap_or_else(|| "here".to_owned()).into(),
            rfc3339(user.created_at).into(),
        ],
        label: user.username,
        actions: vec![if user.disabled { ENABLE } else { DISABLE }, SIGN_OUT],
    }
}

async fn client_rows(asked: &Asked<'_>) -> Result<Part, Trouble> {
    let wanted = asked.wanted()?;
    let operations = &asked.context.operations;
    let clients = operations.page_clients(&asked.tenant.slug, wanted.page());
    let (clients, next) = wanted.cut(clients.await?, |client| client.id.as_str());
    let rows = clients.into_iter().map(|client| client_row(asked, &client));
    Ok((rows.collect(), next))
}

fn client_row(asked: &Asked<'_>, client: &Client) -> Row {
    let grants = client.grant_types.iter().copied().map(GrantType::as_str);
    let grants: Vec<&str> = grants.collect();
    let query = Parameters::default().with("client", client.id.to_string());
    Row {
        id: client.id.to_string(),
        label: client.display_name().to_owned(),
        cells: vec![
            Cell {
                text: client.display_name().to_owned(),
                link: Some(asked.link(&format!("/grants?{}", query.to_query()))),
                tag: None,
            },
            client.auth_method.as_str().to_owned().into(),
            grants.join(", ").into(),
            rfc3339(client.created_at).into(),
        ],
        actions: vec![REMOVE_CLIENT],
    }
}

async fn grant_rows(asked: &Asked<'_>) -> Result<Part, Trouble> {
    let wanted = asked.wanted()?;
    let operations = &asked.context.operations;
    let (user, client) = (
        asked.value("user").map(UserId::new),
        asked.value("client").map(ClientId::new),
    );
    let filter = GrantFilter {
        user: user.as_ref(),
        client: client.as_ref(),
    };
    let slug = &asked.tenant.slug;
    let grants = operations.page_grants(slug, filter, wanted.page());
    let (grants, next) = wanted.cut(grants.await?, |live| live.grant.id.as_str());
    let mut rows = Vec::new();
    for grant in &grants {
        let found = operations.store.find_client(slug, &grant.grant.client);
        let client = found.await?.map(|client| client.display_name().to_owned());
        let found = operations.store.find_user(slug, &grant.grant.user);
        let user = found.await?.map(|user| user.username);
        rows.push(grant_row(grant, user, client));
    }
    Ok((rows, next))
}

fn grant_row(live: &LiveGrant, user: Option<String>, client: Option<String>) -> Row {
    let LiveGrant { grant, used_at } = live;
    let user = user.unwrap_or_else(|| grant.user.to_string());
    let client = client.unwrap_or_else(|| grant.client.to_string());
    let revoked = grant.revoked_at.is_some();
    Row {
        id: grant.id.to_string(),
        label: format!("{client}, by {user}"),
        cells: vec![
            Cell {
                text: user,
                link: None,
                tag: revoked.then_some("revoked"),
            },
            client.into(),
            grant.scopes.to_string().into(),
            rfc3339(grant.created_at).into(),
            used_at.map_or_else(|| "never".to_owned(), rfc3339).into(),
        ],
        actions: if revoked { vec![] } else { vec![REVOKE] },
    }
}

async fn key_rows(asked: &Asked<'_>) -> Result<Part, Trouble> {
    let keys = asked
        .context
        .operations
        .list_keys(&asked.tenant.slug)
        .await?;
    let row = |key: ListedKey| Row {
        label: key.id.clone(),
        cells: vec![
            Cell {
                text: key.id.clone(),
                link: None,
                tag: Some(key.state.as_str()),
            },
            key.algorithm.as_str().to_owned().into(),
            rfc3339(key.created_at).into(),
            rfc3339(key.signs_from).into(),
        ],
        id: key.id,
        actions: vec![],
    };
    Ok((keys.into_iter().map(row).collect(), None))
}
