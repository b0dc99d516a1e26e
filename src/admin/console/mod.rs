//! `/console`: what operators see in a browser. Plain HTML that works without scripts.

mod actions;
mod lists;
mod overview;
mod pages;
mod records;
mod session;
mod sparkline;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::Context;

/// The pages; all but the one where operators sign in are behind the session.
pub(super) fn routes(context: Arc<Context>) -> Router {
    let pages = Router::new()
        .route("/console", get(overview::tenants))
        .route("/console/tenants/{tenant}", get(overview::tenant))
        .route("/console/tenants/{tenant}/users", get(lists::users))
        .route("/console/tenants/{tenant}/clients", get(lists::clients))
        .route("/console/tenants/{tenant}/grants", get(lists::grants))
        .route("/console/tenants/{tenant}/keys", get(lists::keys))
        .route("/console/tenants/{tenant}/tools", get(tools::show))
        .route("/console/tenants/{tenant}/refusals", get(records::refusals))
        .route("/console/tenants/{tenant}/audit", get(records::everything))
        .route("/console/tenants/{tenant}/do", post(actions::post))
        .route("/console/sign-out", post(session::sign_out))
        .route_layer(from_fn_with_state(Arc::clone(&context), session::station));
    Router::new()
        .route(
            "/console/sign-in",
            get(session::show_sign_in).post(session::sign_in),
        )
        .merge(pages)
        .with_state(context)
}
