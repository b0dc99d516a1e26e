//! Bodies and queries as the admin API reads and writes them: nothing unknown, everything named, and
//! no cache may keep an answer.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{
    MediaType, Operation, ReferenceOr, RequestBody, Response as Described, SchemaObject,
    StatusCode as Code,
};
use aide::operation::{OperationOutput, ParamLocation, add_parameters, parameters_from_schema};
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ApiError;
use crate::config::read_value;
use crate::web::{self, Parameters};

/// The largest body that is read: a tenant's settings with a logo.
const MAX_BODY: usize = 256 * 1024;

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

/// The parameters of a query, each at most once.
pub(super) struct Query<T>(pub(super) T);

/// 200 with this.
pub(super) struct Reply<T>(pub(super) T);

/// 201 with this.
pub(super) struct Created<T>(pub(super) T);

/// 204.
pub(super) struct Done;

impl<T: DeserializeOwned + JsonSchema, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::MediaType);
        }
        let bytes = to_bytes(request.into_body(), MAX_BODY).await;
        let bytes = bytes.map_err(|_| ApiError::Body)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| ApiError::Json)?;
        Ok(Self(read_value(value, "body").map_err(ApiError::Mistakes)?))
    }
}

impl<T: DeserializeOwned + JsonSchema, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let malformed = ApiError::Parameter {
            field: "query",
            expected: "UTF-8 text, each parameter once",
        };
        let Ok(parameters) = Parameters::parse(query.as_bytes()) else {
            return Err(malformed);
        };
        let mut values = Map::new();
        for (name, value) in parameters.iter() {
            if values.insert(name.to_owned(), value.into()).is_some() {
                return Err(malformed);
            }
        }
        let read = read_value(Value::Object(values), "query");
        Ok(Self(read.map_err(ApiError::Mistakes)?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        web::json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        web::json(StatusCode::CREATED, &self.0)
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let no_store = HeaderValue::from_static("no-store");
        (StatusCode::NO_CONTENT, [(CACHE_CONTROL, no_store)]).into_response()
    }
}

fn json_of<T: JsonSchema>(context: &mut GenContext) -> MediaType {
    MediaType {
        schema: Some(SchemaObject {
            json_schema: context.schema.subschema_for::<T>(),
            external_docs: None,
            example: None,
        }),
        ..Default::default()
    }
}

fn answer<T: JsonSchema>(context: &mut GenContext, description: &str) -> Described {
    let media = json_of::<T>(context);
    Described {
        description: description.to_owned(),
        content: [("application/json".to_owned(), media)]
            .into_iter()
            .collect(),
        ..Default::default()
    }
}

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let media = json_of::<T>(context);
        operation.request_body = Some(ReferenceOr::Item(RequestBody {
            content: [("application/json".to_owned(), media)]
                .into_iter()
                .collect(),
            required: true,
            ..Default::default()
        }));
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let schema = context.schema.subschema_for::<T>();
        let parameters = parameters_from_schema(context, schema, ParamLocation::Query);
        add_parameters(context, operation, parameters);
    }
}

impl<T: JsonSchema> OperationOutput for Reply<T> {
    type Inner = T;

    fn operation_response(context: &mut GenContext, _: &mut Operation) -> Option<Described> {
        Some(answer::<T>(context, "Here it is"))
    }

    fn inferred_responses(
        context: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<Code>, Described)> {
        vec![(Some(Code::Code(200)), answer::<T>(context, "Here it is"))]
    }
}

impl<T: JsonSchema> OperationOutput for Created<T> {
    type Inner = T;

    fn operation_response(context: &mut GenContext, _: &mut Operation) -> Option<Described> {
        Some(answer::<T>(context, "It was added"))
    }

    fn inferred_responses(
        context: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<Code>, Described)> {
        vec![(Some(Code::Code(201)), answer::<T>(context, "It was added"))]
    }
}

impl OperationOutput for Done {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<Code>, Described)> {
        let done = Described {
            description: "It is done".to_owned(),
            ..Default::default()
        };
        vec![(Some(Code::Code(204)), done)]
    }
}
