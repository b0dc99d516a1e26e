//! Clients by their identifier: registered ones from the database, others by the metadata document
//! that their identifier is the address of (draft-ietf-oauth-client-id-metadata-document).

mod keys;
mod metadata_document;
mod remote_documents;

pub(super) use keys::{InvalidKeys, load as load_keys, read as read_keys};
pub use remote_documents::RemoteDocuments;
pub(super) use remote_documents::{DocumentError, DocumentKind, Freshness};

use super::Context;
use crate::model::{Client, ClientId, RemoteDocument, Tenant};
use crate::store::StoreError;
use metadata_document::{is_url, read_url};

/// Why there is no such client.
#[derive(Debug, thiserror::Error)]
pub(super) enum FindClientError {
    #[error("no client of that identifier is registered")]
    Unknown,
    #[error("the tenant does not take the metadata document of this client")]
    Untrusted,
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The client that a metadata document describes; none where the document is not in order.
#[must_use]
pub fn read_client_document(document: &RemoteDocument) -> Option<Client> {
    metadata_document::read(document).ok()
}

/// The client of that identifier, of whatever kind.
pub(super) async fn find(
    context: &Context,
    tenant: &Tenant,
    id: &ClientId,
) -> Result<Client, FindClientError> {
    if !is_url(id) {
        let registered = context.store.find_client(&tenant.slug, id).await?;
        return registered.ok_or(FindClientError::Unknown);
    }
    if !tenant.client_documents.covers(id.as_str()) {
        return Err(FindClientError::Untrusted);
    }
    let url = read_url(id).map_err(DocumentError::Metadata)?;
    let kind = DocumentKind::Metadata;
    let document = context
        .documents
        .load(&tenant.slug, &url, (kind, Freshness::AsTheySay))
        .await?;
    let client = metadata_document::read(&document).map_err(DocumentError::Metadata)?;
    Ok(client)
}

/// The host that vouches for `client`: that of its metadata document.
pub(super) fn vouching_host(client: &Client) -> Option<String> {
    let url = is_url(&client.id).then(|| read_url(&client.id).ok())??;
    url.host_str().map(str::to_owned)
}
