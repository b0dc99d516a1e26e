//! What this server can do and which attributes it keeps (RFC 7643 §5 to §7, RFC 7644 §4).

use std::sync::Arc;

use axum::extract::{Extension, Path};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::error::ScimError;
use super::filter::MAX_RESULTS;
use super::resource::{self, GROUP, USER};
use crate::model::Tenant;

pub(super) async fn service_provider(Extension(tenant): Extension<Arc<Tenant>>) -> Response {
    let location = tenant.public_url.join("/scim/v2/ServiceProviderConfig");
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_RESULTS },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The token that the operator gave the identity provider",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": location },
    });
    resource::answer(StatusCode::OK, &body)
}

pub(super) async fn resource_types(Extension(tenant): Extension<Arc<Tenant>>) -> Response {
    all(&types(&tenant))
}

pub(super) async fn resource_type(
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
) -> Response {
    one(types(&tenant), &id)
}

pub(super) async fn schemas(Extension(tenant): Extension<Arc<Tenant>>) -> Response {
    all(&documents(&tenant))
}

pub(super) async fn schema(
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
) -> Response {
    one(documents(&tenant), &id)
}

fn all(resources: &[Value]) -> Response {
    let total = i64::try_from(resources.len()).unwrap_or_default();
    resource::answer(StatusCode::OK, &resource::list(total, 1, resources))
}

fn one(resources: Vec<Value>, id: &str) -> Response {
    let found = resources
        .into_iter()
        .find(|resource| resource.get("id").is_some_and(|own| own == id));
    match found {
        Some(found) => resource::answer(StatusCode::OK, &found),
        None => ScimError::NotFound.refuse(),
    }
}

fn types(tenant: &Tenant) -> Vec<Value> {
    let kind = |name: &str, endpoint: &str, schema: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": endpoint,
            "schema": schema,
            "meta": {
                "resourceType": "ResourceType",
                "location": resource::location(tenant, "ResourceTypes", name),
            },
        })
    };
    vec![
        kind("User", "/Users", USER),
        kind("Group", "/Groups", GROUP),
    ]
}

fn documents(tenant: &Tenant) -> Vec<Value> {
    let schema = |id: &str, name: &str, attributes: Vec<Value>| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id,
            "name": name,
            "attributes": attributes,
            "meta": {
                "resourceType": "Schema",
                "location": resource::location(tenant, "Schemas", id),
            },
        })
    };
    let name = ["formatted", "givenName", "familyName"].map(text);
    let email = [
        text("value"),
        text("type"),
        attribute("primary", "boolean", false),
    ];
    let user = vec![
        key("userName"),
        complex("name", false, &name),
        text("displayName"),
        complex("emails", true, &email),
        attribute("active", "boolean", false),
    ];
    let member = [text("value"), text("type"), text("$ref")];
    let group = vec![key("displayName"), complex("members", true, &member)];
    vec![schema(USER, "User", user), schema(GROUP, "Group", group)]
}

/// RFC 7643 §7
fn attribute(name: &str, kind: &str, is_key: bool) -> Value {
    json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "required": is_key,
        "caseExact": false,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": if is_key { "server" } else { "none" },
    })
}

fn text(name: &str) -> Value {
    attribute(name, "string", false)
}

fn key(name: &str) -> Value {
    attribute(name, "string", true)
}

fn complex(name: &str, multiple: bool, parts: &[Value]) -> Value {
    json!({
        "name": name,
        "type": "complex",
        "multiValued": multiple,
        "required": false,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
        "subAttributes": parts,
    })
}
