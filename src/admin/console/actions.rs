//! What forms of the console do: the same operations as the API, for the same roles.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;

use super::pages::{self, Trouble};
use super::session::Visitor;
use super::tools;
use crate::admin::Context;
use crate::admin::api::ApiError;
use crate::admin::seat::visible_tenant;
use crate::model::{ClientId, GrantId, OperatorRole, Tenant, UserId};
use crate::web::see_other;

/// Something that a form can ask for.
#[derive(Clone, Copy)]
enum Deed {
    Disable,
    Enable,
    SignOut,
    RemoveClient,
    Revoke,
    Rotate,
    ApproveTool,
}

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
    request: Request,
) -> Response {
    act(&context, &visitor, &slug, request)
        .await
        .unwrap_or_else(|trouble| pages::refuse(Some(&visitor), &trouble))
}

async fn act(
    context: &Context,
    visitor: &Visitor,
    slug: &str,
    request: Request,
) -> Result<Response, Trouble> {
    let fields = visitor.read(request).await?;
    let tenant = visible_tenant(context, &visitor.operator, slug).await?;
    let deed = fields.one("do").ok().flatten().and_then(Deed::of_name);
    let deed = deed.ok_or(Trouble::Form)?;
    if visitor.operator.role < deed.role() {
        return Err(ApiError::Role(deed.role()).into());
    }
    let id = fields.one("id").ok().flatten().unwrap_or_default();
    deed.perform((context, visitor), &tenant, id).await?;
    let place = format!("/console/tenants/{}{}", tenant.slug, deed.page());
    Ok(see_other(&place))
}

impl Deed {
    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "enable" => Self::Enable,
            "sign_out" => Self::SignOut,
            "remove_client" => Self::RemoveClient,
            "revoke" => Self::Revoke,
            "rotate" => Self::Rotate,
            "approve_tool" => Self::ApproveTool,
            _ => return None,
        })
    }

    /// As the API has it.
    const fn role(self) -> OperatorRole {
        match self {
            Self::Rotate | Self::ApproveTool => OperatorRole::Admin,
            Self::Disable | Self::Enable | Self::SignOut | Self::RemoveClient | Self::Revoke => {
                OperatorRole::Operator
            }
        }
    }

    /// Where its outcome is to be seen.
    const fn page(self) -> &'static str {
        match self {
            Self::Disable | Self::Enable | Self::SignOut => "/users",
            Self::RemoveClient => "/clients",
            Self::Revoke => "/grants",
            Self::Rotate => "/keys",
            Self::ApproveTool => "/tools",
        }
    }

    async fn perform(
        self,
        (context, visitor): (&Context, &Visitor),
        tenant: &Tenant,
        id: &str,
    ) -> Result<(), Trouble> {
        let (operations, by, slug) = (&context.operations, visitor.by(), &tenant.slug);
        match self {
            Self::Disable | Self::Enable => {
                let user = operations.find_user(slug, &UserId::new(id)).await?;
                let disabled = matches!(self, Self::Disable);
                let changed = operations.set_user_disabled(&by, slug, &user, disabled);
                changed.await?;
            }
            Self::SignOut => {
                let user = operations.find_user(slug, &UserId::new(id)).await?;
                operations.sign_out_user(&by, slug, &user).await?;
            }
            Self::RemoveClient => {
                let client = ClientId::new(id);
                operations.remove_client(&by, slug, &client).await?;
            }
            Self::Revoke => {
                let grant = operations.find_grant(slug, &GrantId::new(id)).await?;
                operations.revoke_grant(&by, slug, &grant).await?;
            }
            Self::ApproveTool => {
                let (server, tool, digest) = tools::read_id(id).ok_or(Trouble::Form)?;
                let approved = operations.approve_tool(&by, tenant, (server, tool), &digest);
                approved.await?;
            }
            Self::Rotate => {
                operations.rotate_keys(&by, slug).await?;
            }
        }
        Ok(())
    }
}
