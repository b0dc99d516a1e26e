//! Provisioning: a tenant's identity provider keeps people and groups here (SCIM 2.0, RFC 7643 and
//! RFC 7644), below `/scim/v2`.

mod attributes;
mod bearer;
mod body;
mod discovery;
mod error;
mod filter;
mod groups;
mod patch;
mod resource;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;

use crate::audit;
use crate::model::{Actor, Change, Clock, Random, Tenant};
use crate::rate_limits::Limited;
use crate::store::Store;

/// What the endpoints share. The tenant comes with each request, as an `Extension<Arc<Tenant>>`.
#[derive(Debug)]
pub struct Context {
    /// People and groups.
    pub store: Arc<dyn Store>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Entropy for identifiers.
    pub random: Arc<dyn Random>,
}

impl Context {
    /// A change that the tenant's identity provider makes now.
    fn change(&self, tenant: &Tenant) -> Change {
        audit::change(&tenant.slug, Actor::Provider, &*self.clock)
    }
}

/// The answer to a provider that asks too often.
#[must_use]
pub fn too_many_requests(_: &Tenant, limited: &Limited) -> Response {
    error::ScimError::Limited(*limited).refuse()
}

/// The endpoints, relative to the tenant's public URL; all of them ask for the tenant's token.
pub fn routes(context: Arc<Context>) -> Router {
    Router::new()
        .route("/scim/v2/Users", get(users::list).post(users::post))
        .route(
            "/scim/v2/Users/{id}",
            get(users::get)
                .put(users::put)
                .patch(users::patch)
                .delete(users::delete),
        )
        .route("/scim/v2/Groups", get(groups::list).post(groups::post))
        .route(
            "/scim/v2/Groups/{id}",
            get(groups::get)
                .put(groups::put)
                .patch(groups::patch)
                .delete(groups::delete),
        )
        .route(
            "/scim/v2/ServiceProviderConfig",
            get(discovery::service_provider),
        )
        .route("/scim/v2/ResourceTypes", get(discovery::resource_types))
        .route("/scim/v2/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/scim/v2/Schemas", get(discovery::schemas))
        .route("/scim/v2/Schemas/{id}", get(discovery::schema))
        .route_layer(from_fn_with_state(Arc::clone(&context), bearer::station))
        .with_state(context)
}
