//! `/admin/v1`: the API of operators, and the OpenAPI document that follows from its code.

mod audit;
mod clients;
mod error;
mod exchange;
mod grants;
mod keys;
mod operators;
mod paging;
mod policy;
mod servers;
mod tenants;
mod tools;
mod users;

use std::sync::Arc;

use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with, put_with};
use aide::openapi::{OpenApi, SecurityScheme};
use aide::transform::{TransformOpenApi, TransformOperation};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::{Context, seat};

pub(super) use error::ApiError;
pub(super) use paging::{Wanted, after_number};
pub(super) use servers::{ServerView, servers_of};
pub(super) use tools::place as place_of_tool;

type Described<'a> = TransformOperation<'a>;

/// What is said about an operation: its name, whose it is, and what it does.
fn named(
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> impl FnOnce(Described<'_>) -> Described<'_> {
    move |operation| operation.id(id).tag(tag).summary(summary)
}

/// Every operation, with its address.
fn operations() -> ApiRouter<Arc<Context>> {
    ApiRouter::new()
        .merge(tenants())
        .merge(users())
        .merge(clients_and_grants())
        .merge(keys_and_operators())
        .merge(servers())
        .merge(audit_log())
}

fn tenants() -> ApiRouter<Arc<Context>> {
    const TAG: &str = "Tenants";
    ApiRouter::new()
        .api_route(
            "/admin/v1/tenants",
            get_with(tenants::list, named("listTenants", TAG, "List the tenants"))
                .post_with(tenants::add, named("addTenant", TAG, "Add a tenant")),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}",
            get_with(tenants::read, named("readTenant", TAG, "Read a tenant"))
                .put_with(
                    tenants::replace,
                    named("replaceTenantSettings", TAG, "Replace a tenant's settings"),
                )
                .delete_with(
                    tenants::remove,
                    named(
                        "removeTenant",
                        TAG,
                        "Remove a tenant with everything it has",
                    ),
                ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/policy",
            get_with(
                policy::read,
                named("readPolicy", TAG, "Read what roles and scopes allow"),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/policy/explain",
            get_with(
                policy::explain,
                named(
                    "explainPolicy",
                    TAG,
                    "Say why a person may do something, or why not",
                ),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/figures",
            get_with(
                policy::figures,
                named(
                    "readFigures",
                    TAG,
                    "Read what this process counted since its start",
                ),
            ),
        )
}

fn users() -> ApiRouter<Arc<Context>> {
    const TAG: &str = "Users";
    ApiRouter::new()
        .api_route(
            "/admin/v1/tenants/{tenant}/users",
            get_with(
                users::list,
                named("listUsers", TAG, "List accounts by user name"),
            )
            .post_with(users::add, named("addUser", TAG, "Add a local account")),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/users/{user}",
            get_with(users::read, named("readUser", TAG, "Read an account"))
                .delete_with(users::remove, named("removeUser", TAG, "Remove an account")),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/users/{user}/roles",
            put_with(
                users::set_roles,
                named("setUserRoles", TAG, "Give an account other roles"),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/users/{user}/disable",
            post_with(
                users::disable,
                named("disableUser", TAG, "Keep a person out"),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/users/{user}/enable",
            post_with(
                users::enable,
                named("enableUser", TAG, "Let a person in again"),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/users/{user}/sign-out",
            post_with(
                users::sign_out,
                named(
                    "signOutUser",
                    TAG,
                    "End a person's sign-ins and all grants they gave",
                ),
            ),
        )
}

fn clients_and_grants() -> ApiRouter<Arc<Context>> {
    const CLIENTS: &str = "Clients";
    const GRANTS: &str = "Grants";
    ApiRouter::new()
        .api_route(
            "/admin/v1/tenants/{tenant}/clients",
            get_with(
                clients::list,
                named("listClients", CLIENTS, "List registered clients"),
            )
            .post_with(clients::add, named("addClient", CLIENTS, "Add a client")),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/clients/{client}",
            get_with(clients::read, named("readClient", CLIENTS, "Read a client")).delete_with(
                clients::remove,
                named("removeClient", CLIENTS, "Remove a client with its grants"),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/grants",
            get_with(
                grants::list,
                named(
                    "listGrants",
                    GRANTS,
                    "List grants, of a user or a client where one is named",
                ),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/grants/{grant}",
            get_with(grants::read, named("readGrant", GRANTS, "Read a grant")).delete_with(
                grants::revoke,
                named("revokeGrant", GRANTS, "Revoke a grant with its tokens"),
            ),
        )
}

fn servers() -> ApiRouter<Arc<Context>> {
    const TAG: &str = "Mounted servers";
    ApiRouter::new()
        .api_route(
            "/admin/v1/tenants/{tenant}/servers",
            get_with(
                servers::list,
                named(
                    "listServers",
                    TAG,
                    "List the mounted servers, and how they do in this process",
                ),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/tools",
            get_with(
                tools::list,
                named(
                    "listServerTools",
                    TAG,
                    "List what is on record of the tools of mounted servers",
                ),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/tools/approve",
            post_with(
                tools::approve,
                named(
                    "approveServerTool",
                    TAG,
                    "Approve what a server offers as a tool",
                ),
            ),
        )
}

fn audit_log() -> ApiRouter<Arc<Context>> {
    const TAG: &str = "Audit log";
    ApiRouter::new()
        .api_route(
            "/admin/v1/tenants/{tenant}/audit",
            get_with(
                audit::list,
                named("listAudit", TAG, "List entries, newest first"),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/audit/export",
            get_with(
                audit::export,
                named("exportAudit", TAG, "Export all entries, one on each line"),
            ),
        )
}

fn keys_and_operators() -> ApiRouter<Arc<Context>> {
    const KEYS: &str = "Signing keys";
    const OPERATORS: &str = "Operators";
    ApiRouter::new()
        .api_route(
            "/admin/v1/tenants/{tenant}/keys",
            get_with(
                keys::list,
                named("listKeys", KEYS, "List signing keys, newest first"),
            ),
        )
        .api_route(
            "/admin/v1/tenants/{tenant}/keys/rotate",
            post_with(
                keys::rotate,
                named("rotateKeys", KEYS, "Give the signing key a successor"),
            ),
        )
        .api_route(
            "/admin/v1/self",
            get_with(
                operators::me,
                named("readSelf", OPERATORS, "Read who the token's operator is"),
            ),
        )
        .api_route(
            "/admin/v1/operators",
            get_with(
                operators::list,
                named("listOperators", OPERATORS, "List operators"),
            )
            .post_with(
                operators::add,
                named(
                    "addOperator",
                    OPERATORS,
                    "Add an operator; the token is told once",
                ),
            ),
        )
        .api_route(
            "/admin/v1/operators/{operator}",
            delete_with(
                operators::remove,
                named("removeOperator", OPERATORS, "Remove an operator"),
            ),
        )
}

fn introduce(document: TransformOpenApi<'_>) -> TransformOpenApi<'_> {
    document
        .title("Gatehouse admin API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(
            "Served at `server.admin_listen`. Every request carries an operator token, as \
             `gatehouse operator add` prints it. An operator who is restricted to a tenant gets 404 \
             for everything of another one. Lists come in pages: `next` of one is the `cursor` of \
             the one after it. Errors are problem documents (RFC 9457).",
        )
        .security_scheme(
            "operator_token",
            SecurityScheme::Http {
                scheme: "bearer".to_owned(),
                bearer_format: None,
                description: Some("An operator token".to_owned()),
                extensions: [].into_iter().collect(),
            },
        )
}

fn build() -> (Router<Arc<Context>>, OpenApi) {
    // Both say how this thread generates; nothing else here does.
    aide::generate::extract_schemas(true);
    aide::generate::infer_responses(true);
    let mut document = OpenApi::default();
    let router = operations().finish_api_with(&mut document, introduce);
    (router, document)
}

/// The OpenAPI document of the API.
#[must_use]
pub fn document() -> serde_json::Value {
    serde_json::to_value(build().1).unwrap_or_default()
}

/// The API behind its station.
pub(super) fn routes(context: Arc<Context>) -> Router {
    let (router, document) = build();
    let openapi = get(async move || crate::web::json(http::StatusCode::OK, &document));
    router
        .route("/admin/v1/openapi.json", openapi)
        .method_not_allowed_fallback(async || ApiError::Method)
        .route_layer(from_fn_with_state(Arc::clone(&context), seat::station))
        .fallback(async || ApiError::NoSuchPage)
        .with_state(context)
}
