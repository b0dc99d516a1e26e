//! Resources as they are sent: people, groups and lists of them (RFC 7643 §4, RFC 7644 §3.4.2).

use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::model::{ProvisionedGroup, ProvisionedUser, Tenant, Timestamp, UserId};

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A person.
pub(super) fn user(tenant: &Tenant, user: &ProvisionedUser) -> Value {
    let mut name = Map::new();
    put(&mut name, "formatted", user.formatted_name.as_deref());
    put(&mut name, "givenName", user.given_name.as_deref());
    put(&mut name, "familyName", user.family_name.as_deref());
    let mut resource = Map::new();
    resource.insert("schemas".to_owned(), json!([USER]));
    put(&mut resource, "id", Some(user.id.as_str()));
    put(&mut resource, "externalId", user.external_id.as_deref());
    put(&mut resource, "userName", Some(&user.user_name));
    put(&mut resource, "displayName", user.display_name.as_deref());
    if !name.is_empty() {
        resource.insert("name".to_owned(), name.into());
    }
    if let Some(email) = &user.email {
        let emails = json!([{ "value": email, "type": "work", "primary": true }]);
        resource.insert("emails".to_owned(), emails);
    }
    resource.insert("active".to_owned(), user.active.into());
    let location = location(tenant, "Users", user.id.as_str());
    let meta = meta("User", (user.created_at, user.changed_at), &location);
    resource.insert("meta".to_owned(), meta);
    resource.into()
}

/// A group; without its members where the provider doesn't want them.
pub(super) fn group(tenant: &Tenant, group: &ProvisionedGroup, with_members: bool) -> Value {
    let mut resource = Map::new();
    resource.insert("schemas".to_owned(), json!([GROUP]));
    put(&mut resource, "id", Some(&group.id));
    put(&mut resource, "externalId", group.external_id.as_deref());
    put(&mut resource, "displayName", Some(&group.display_name));
    if with_members {
        let member = |id: &UserId| {
            let id = id.as_str();
            json!({ "value": id, "type": "User", "$ref": location(tenant, "Users", id) })
        };
        let members: Vec<Value> = group.members.iter().map(member).collect();
        resource.insert("members".to_owned(), members.into());
    }
    let location = location(tenant, "Groups", &group.id);
    let meta = meta("Group", (group.created_at, group.changed_at), &location);
    resource.insert("meta".to_owned(), meta);
    resource.into()
}

/// RFC 7644 §3.4.2: one page; `first` counts from 1.
pub(super) fn list(total: i64, first: i64, resources: &[Value]) -> Value {
    json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": first,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// An answer of the registered media type (RFC 7644 §8.1).
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/scim+json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}

/// RFC 7644 §3.3: the answer to what was added says where it is.
pub(super) fn created(body: &Value) -> Response {
    let mut response = answer(StatusCode::CREATED, body);
    let location = body.pointer("/meta/location").and_then(Value::as_str);
    if let Some(Ok(location)) = location.map(HeaderValue::try_from) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

pub(super) fn location(tenant: &Tenant, kind: &str, id: &str) -> String {
    tenant.public_url.join(&format!("/scim/v2/{kind}/{id}"))
}

fn put(resource: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        resource.insert(name.to_owned(), value.into());
    }
}

fn meta(kind: &str, (created, changed): (Timestamp, Timestamp), location: &str) -> Value {
    json!({
        "resourceType": kind,
        "created": written(created),
        "lastModified": written(changed),
        "location": location,
    })
}

/// RFC 7643 §2.3.5
fn written(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.seconds());
    time.map(|time| time.to_string()).unwrap_or_default()
}
