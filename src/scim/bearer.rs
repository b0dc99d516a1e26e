//! Station: whoever provisions shows the tenant's token (RFC 7644 §2, RFC 6750 §2.1).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::Context;
use super::error::ScimError;
use crate::model::{ProvisioningSettings, Secret, Tenant};
use crate::web::read_bearer;

/// Adds the tenant's [`ProvisioningSettings`]; a tenant without them has nothing here.
pub(super) async fn station(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Response {
    let tenant = request.extensions().get::<Arc<Tenant>>().cloned();
    let token = read_bearer(request.headers());
    match authorize(&context, tenant.as_deref(), token).await {
        Ok(settings) => {
            request.extensions_mut().insert(settings);
            next.run(request).await
        }
        Err(error) => error.refuse(),
    }
}

async fn authorize(
    context: &Context,
    tenant: Option<&Tenant>,
    token: Option<Secret>,
) -> Result<Arc<ProvisioningSettings>, ScimError> {
    let tenant = tenant.ok_or(ScimError::NotFound)?;
    let settings = tenant.provisioning.as_ref().ok_or(ScimError::NotFound)?;
    let token = token.ok_or(ScimError::Unauthorized)?;
    let configured = settings.token.as_ref();
    if configured.is_some_and(|own| own.matches(&token)) {
        return Ok(Arc::clone(settings));
    }
    let digest = token.digest();
    if context.store.has_scim_token(&tenant.slug, &digest).await? {
        return Ok(Arc::clone(settings));
    }
    Err(ScimError::Unauthorized)
}
