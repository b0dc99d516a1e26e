//! The reference to a pushed authorization request (RFC 9126 §2.2, §4).

use std::time::Duration;

use super::error::PageError;
use crate::authorization_server::Context;
use crate::model::{Client, PushedRequest, Secret, Tenant};
use crate::store::StoreError;
use crate::web::Parameters;

/// What every reference begins with (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// For how long a pushed request may be begun with.
pub(in crate::authorization_server) const LIFETIME: Duration = Duration::from_secs(90);
/// How long a person may take to answer: as long as the sign-in form is good.
const TIME_TO_ANSWER: Duration = Duration::from_hours(1);

/// The `request_uri` of that reference.
pub(in crate::authorization_server) fn request_uri(reference: &Secret) -> String {
    format!("{PREFIX}{}", reference.expose())
}

/// The request that the `request_uri` stands for; nothing where there is none of ours.
pub(super) async fn find(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    carried: &Parameters,
) -> Result<Option<PushedRequest>, PageError> {
    let Some(reference) = carried
        .one("request_uri")?
        .and_then(|uri| uri.strip_prefix(PREFIX))
    else {
        return Ok(None);
    };
    let digest = Secret::new(reference.to_owned()).digest();
    let now = context.clock.now();
    let found = context
        .store
        .find_pushed_request(&tenant.slug, &digest, now);
    // RFC 9126 §2.2: bound to the client that pushed it. There is no address to send an error to,
    // for the address is part of the request.
    let own = found.await?.filter(|pushed| pushed.client == client.id);
    own.ok_or(PageError::UnknownRequest).map(Some)
}

/// The two parameters that stand for the whole request.
pub(super) fn reference(client: &Client, carried: &Parameters) -> Result<Parameters, PageError> {
    let uri = carried.one("request_uri")?.unwrap_or_default();
    let reference = Parameters::default().with("client_id", client.id.as_str().to_owned());
    Ok(reference.with("request_uri", uri.to_owned()))
}

pub(super) async fn begin(
    context: &Context,
    tenant: &Tenant,
    pushed: &PushedRequest,
) -> Result<(), StoreError> {
    let now = context.clock.now();
    let until = now.after(TIME_TO_ANSWER);
    let (tenant, digest) = (&tenant.slug, &pushed.digest);
    context
        .store
        .begin_pushed_request(tenant, digest, now, until)
        .await
}

/// RFC 9126 §4: used once. Reloading a page is no use, an answer is.
pub(super) async fn end(
    context: &Context,
    tenant: &Tenant,
    pushed: &PushedRequest,
) -> Result<(), PageError> {
    let now = context.clock.now();
    let ended = context
        .store
        .end_pushed_request(&tenant.slug, &pushed.digest, now);
    if ended.await? {
        Ok(())
    } else {
        Err(PageError::UnknownRequest)
    }
}
