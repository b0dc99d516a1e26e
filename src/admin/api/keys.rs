//! `/admin/v1/tenants/{tenant}/keys`.

use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::ApiError;
use super::exchange::Reply;
use super::paging::Listing;
use crate::admin::Context;
use crate::admin::seat::{Admin, SeatAt, Viewer};
use crate::authorization_server::KeyRotation;
use crate::operations::ListedKey;
use crate::web::rfc3339;

/// A key that signs access tokens; the key itself is nowhere to be read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SigningKey")]
pub(super) struct KeyView {
    /// Its `kid`.
    id: String,
    /// What it signs with.
    algorithm: String,
    /// `next` (published, does not sign yet), `active` or `retired` (verifies what it signed).
    state: String,
    /// When it was made.
    created_at: String,
    /// From when on it signs.
    signs_from: String,
}

/// What a rotation came to.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Rotation {
    /// False where a new key was waiting already.
    begun: bool,
    /// The newest key.
    newest: KeyView,
}

impl From<ListedKey> for KeyView {
    fn from(key: ListedKey) -> Self {
        Self {
            id: key.id,
            algorithm: key.algorithm.as_str().to_owned(),
            state: key.state.as_str().to_owned(),
            created_at: rfc3339(key.created_at),
            signs_from: rfc3339(key.signs_from),
        }
    }
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Viewer>,
) -> Result<Reply<Listing<KeyView>>, ApiError> {
    let keys = context.operations.list_keys(&seat.tenant.slug).await?;
    Ok(Reply(Listing {
        items: keys.into_iter().map(KeyView::from).collect(),
        next: None,
    }))
}

pub(super) async fn rotate(
    State(context): State<Arc<Context>>,
    seat: SeatAt<Admin>,
) -> Result<Reply<Rotation>, ApiError> {
    let rotated = context.operations.rotate_keys(&seat.by, &seat.tenant.slug);
    let (newest, rotation) = rotated.await?;
    Ok(Reply(Rotation {
        begun: rotation == KeyRotation::Begun,
        newest: newest.into(),
    }))
}
