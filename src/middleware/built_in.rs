//! Check: the authorization server is not there for a tenant whose tokens another one issues.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};

use super::tenant;
use super::way::Misplaced;
use crate::model::{Authorization, Tenant};

/// Passes requests on where the tenant's authorization server is ours.
pub fn check((): &(), request: &mut Request) -> Option<Response> {
    let Some(tenant) = request.extensions().get::<Arc<Tenant>>() else {
        return Some(Misplaced.into_response());
    };
    match tenant.authorization {
        Authorization::BuiltIn => None,
        Authorization::External(_) => Some(tenant::nothing_here()),
    }
}
