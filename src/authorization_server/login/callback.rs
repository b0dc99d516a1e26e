//! The way back from an identity provider (OpenID Connect Core §3.1.2.5): GET /login/callback.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::HeaderMap;

use super::SignInRefusal;
use super::attempt::Attempt;
use crate::authorization_server::authorize::{
    AuthorizationRequest, AuthorizeError, PageError, RedirectError,
};
use crate::authorization_server::{Context, account, consent, login_session};
use crate::identity::oidc::{self, Person};
use crate::model::{IdentityProvider, Secret, Tenant};
use crate::telemetry::Counted;
use crate::web::{self, Parameters};

/// A sign-in that may be finished in this browser.
struct Return<'a> {
    attempt: &'a Attempt,
    provider: &'a IdentityProvider,
    browser: &'a Secret,
    parameters: &'a Parameters,
}

pub(in crate::authorization_server) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let finished = finish(&context, &tenant, query.as_deref(), &headers).await;
    if finished.is_err() {
        context.meters.count(Counted::SignIns, "refused");
    }
    finished.unwrap_or_else(|error| error.refuse(&tenant))
}

async fn finish(
    context: &Context,
    tenant: &Tenant,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, AuthorizeError> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    let parameters = parameters.map_err(PageError::from)?;
    let state = parameters.one("state").map_err(PageError::from)?;
    let attempt = Attempt::open(context, tenant, state.unwrap_or_default())?;
    let browser = attempt.browser(tenant, headers)?;
    let provider = attempt.provider(tenant)?;
    let back = Return {
        attempt: &attempt,
        provider,
        browser: &browser,
        parameters: &parameters,
    };
    let person = tokio::time::timeout(oidc::PATIENCE, identify(context, tenant, &back)).await;
    let person = person.map_err(|_| SignInRefusal::unavailable(provider))?;
    let person = match person {
        Ok(person) => person,
        Err(Declined::Error(error)) => return Err(error),
        Err(Declined::ByThePerson) => return decline(context, tenant, &attempt).await,
    };
    let admitted = context.federated.admit(tenant, provider, &person).await;
    let user = admitted.map_err(|error| SignInRefusal::of_admission(error, tenant))?;
    let origin = Some((person.issuer, person.session));
    let (signed_in, cookie) =
        login_session::start(context, tenant, (&user, origin), headers).await?;
    tracing::info!(user.id = %user.id, provider.name = %provider.name, "signed in");
    context.meters.count(Counted::SignIns, "accepted");
    let response = match &attempt.request {
        Some(request) => {
            let request = AuthorizationRequest::read(context, tenant, Some(request)).await;
            match request {
                Ok(request) => consent::approve(context, tenant, request, &signed_in).await,
                Err(error) => Err(error),
            }
            .unwrap_or_else(|error| error.refuse(tenant))
        }
        None => web::see_other(&account::address(tenant)),
    };
    Ok(login_session::with_cookie(response, cookie))
}

/// Nobody signed in.
enum Declined {
    Error(AuthorizeError),
    ByThePerson,
}

/// Who the person is, or why that can't be said. The state is spent before the code goes anywhere,
/// and after it is certain that the answer is of the provider that was asked.
async fn identify(
    context: &Context,
    tenant: &Tenant,
    back: &Return<'_>,
) -> Result<Person, Declined> {
    let Return {
        attempt,
        provider,
        browser,
        parameters,
    } = back;
    let party = &context.federated.party;
    let refused = |error| SignInRefusal::of(&error, tenant, provider);
    let issuer = parameters.one("iss").map_err(PageError::from)?;
    party
        .check_issuer_of_answer(tenant, provider, issuer)
        .await
        .map_err(refused)?;
    if !context.store.spend(&tenant.slug, &attempt.once()).await? {
        return Err(SignInRefusal::UnknownState.into());
    }
    if let Some(error) = parameters.one("error").map_err(PageError::from)? {
        if error == "access_denied" {
            return Err(Declined::ByThePerson);
        }
        tracing::info!(provider.name = %provider.name, "the provider signed nobody in");
        return Err(SignInRefusal::declined(provider).into());
    }
    let code = parameters.one("code").map_err(PageError::from)?;
    let code = code.ok_or_else(|| SignInRefusal::declined(provider))?;
    let answer = oidc::Answer {
        code,
        nonce: &attempt.nonce(browser),
        verifier: &attempt.verifier(browser),
        since: attempt.since(),
    };
    let person = party.redeem(tenant, provider, &answer).await;
    Ok(person.map_err(refused)?)
}

/// The person changed their mind at the provider: the client hears of it, as it does when they deny
/// it here.
async fn decline(
    context: &Context,
    tenant: &Tenant,
    attempt: &Attempt,
) -> Result<Response, AuthorizeError> {
    let Some(request) = &attempt.request else {
        return Ok(web::see_other(&account::address(tenant)));
    };
    let request = AuthorizationRequest::read(context, tenant, Some(request)).await?;
    request.end(context, tenant).await?;
    Err(request.refuse(RedirectError::AccessDenied))
}

impl<E: Into<AuthorizeError>> From<E> for Declined {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}
