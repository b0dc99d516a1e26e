//! Who asks, and from which role: extractors that let a handler have an operator only where the role
//! is large enough and the tenant is one that exists for them.

use std::marker::PhantomData;
use std::sync::Arc;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Parameter, ParameterData, ParameterSchemaOrContent, PathStyle};
use aide::openapi::{ReferenceOr, SchemaObject};
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::request::Parts;

use super::Context;
use super::api::ApiError;
use crate::model::{Operator, OperatorRole, Tenant, TenantSlug};
use crate::operations::{By, OperationError};
use crate::web::read_bearer;

/// A role that a handler asks for.
pub(super) trait Rank: Send + Sync + 'static {
    const ROLE: OperatorRole;
}

/// [`OperatorRole::Viewer`].
pub(super) struct Viewer;
/// [`OperatorRole::Operator`].
pub(super) struct Changer;
/// [`OperatorRole::Admin`].
pub(super) struct Admin;

impl Rank for Viewer {
    const ROLE: OperatorRole = OperatorRole::Viewer;
}
impl Rank for Changer {
    const ROLE: OperatorRole = OperatorRole::Operator;
}
impl Rank for Admin {
    const ROLE: OperatorRole = OperatorRole::Admin;
}

/// An operator of at least this role.
pub(super) struct Seat<R> {
    pub(super) operator: Operator,
    rank: PhantomData<R>,
}

/// An operator of at least this role, for whom all tenants exist.
pub(super) struct HighSeat<R> {
    pub(super) by: By,
    rank: PhantomData<R>,
}

/// An operator of at least this role at the tenant of the path.
pub(super) struct SeatAt<R> {
    pub(super) by: By,
    pub(super) tenant: Arc<Tenant>,
    rank: PhantomData<R>,
}

/// Station: lets those pass who show an operator token. Cookies count for nothing here, so that no
/// page of another origin can act in an operator's name.
pub(super) async fn station(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Response {
    match find(&context, request.headers()).await {
        Ok(operator) => {
            request.extensions_mut().insert(operator);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

async fn find(context: &Context, headers: &HeaderMap) -> Result<Operator, ApiError> {
    let token = read_bearer(headers).ok_or(ApiError::NoToken)?;
    let operator = context.operations.operator_of(&token).await?;
    operator.ok_or(ApiError::UnknownToken)
}

fn operator_of(parts: &Parts) -> Result<Operator, ApiError> {
    let operator = parts.extensions.get::<Operator>();
    operator.cloned().ok_or(ApiError::NoToken)
}

fn require<R: Rank>(operator: &Operator) -> Result<(), ApiError> {
    if operator.role >= R::ROLE {
        Ok(())
    } else {
        Err(ApiError::Role(R::ROLE))
    }
}

/// The tenant of that name, where it exists for the operator.
pub(super) async fn visible_tenant(
    context: &Context,
    operator: &Operator,
    slug: &str,
) -> Result<Arc<Tenant>, ApiError> {
    let missing = || OperationError::Missing {
        kind: "tenant",
        name: slug.to_owned(),
    };
    let parsed: TenantSlug = slug.parse().map_err(|_| missing())?;
    if !operator.sees(&parsed) {
        return Err(missing().into());
    }
    Ok(context.operations.find_tenant(&parsed).await?)
}

impl<R: Rank> FromRequestParts<Arc<Context>> for Seat<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, ApiError> {
        let operator = operator_of(parts)?;
        require::<R>(&operator)?;
        Ok(Self {
            operator,
            rank: PhantomData,
        })
    }
}

impl<R: Rank> FromRequestParts<Arc<Context>> for HighSeat<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, ApiError> {
        let operator = operator_of(parts)?;
        require::<R>(&operator)?;
        if operator.tenant.is_some() {
            return Err(ApiError::Restricted);
        }
        Ok(Self {
            by: By::Operator(operator.name),
            rank: PhantomData,
        })
    }
}

impl<R: Rank> FromRequestParts<Arc<Context>> for SeatAt<R> {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        context: &Arc<Context>,
    ) -> Result<Self, ApiError> {
        let operator = operator_of(parts)?;
        let parameters = RawPathParams::from_request_parts(parts, context).await;
        let parameters = parameters.map_err(|_| ApiError::NoSuchPage)?;
        let mut named = parameters.iter().filter(|(name, _)| *name == "tenant");
        let (_, slug) = named.next().ok_or(ApiError::NoSuchPage)?;
        // Whether it exists comes first: who may not see it learns nothing from their role.
        let tenant = visible_tenant(context, &operator, slug).await?;
        require::<R>(&operator)?;
        Ok(Self {
            by: By::Operator(operator.name),
            tenant,
            rank: PhantomData,
        })
    }
}

fn describe<R: Rank>(operation: &mut Operation) {
    operation.security.push(
        [("operator_token".to_owned(), Vec::new())]
            .into_iter()
            .collect(),
    );
    let role = R::ROLE.as_str();
    operation
        .extensions
        .insert("x-gatehouse-role".to_owned(), role.into());
    operation.description = Some(format!("Needs the role `{role}`."));
}

impl<R: Rank> OperationInput for Seat<R> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::<R>(operation);
    }
}

impl<R: Rank> OperationInput for HighSeat<R> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::<R>(operation);
        let role = R::ROLE.as_str();
        let text = format!("Needs the role `{role}`, without restriction to a tenant.");
        operation.description = Some(text);
    }
}

impl<R: Rank> OperationInput for SeatAt<R> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        describe::<R>(operation);
        let parameter_data = ParameterData {
            name: "tenant".to_owned(),
            description: Some("The tenant's short name.".to_owned()),
            required: true,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(SchemaObject {
                json_schema: context.schema.subschema_for::<String>(),
                external_docs: None,
                example: None,
            }),
            example: None,
            examples: [].into_iter().collect(),
            explode: None,
            extensions: [].into_iter().collect(),
        };
        operation
            .parameters
            .push(ReferenceOr::Item(Parameter::Path {
                parameter_data,
                style: PathStyle::Simple,
            }));
    }
}
