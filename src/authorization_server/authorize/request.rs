//! The authorization request (OAuth 2.1 §4.1.1): its checks in the order in which they count.

use super::error::{AuthorizeError, PageError, RedirectError, ReturnAddress};
use super::pushed;
use crate::authorization_server::clients::{self, DocumentError, FindClientError};
use crate::authorization_server::{Context, scopes};
use crate::model::{
    Client, ClientId, CodeChallenge, GrantType, KeyThumbprint, PushedRequest, RedirectUri,
    ResourceUri, ScopeSet, Tenant, Timestamp,
};
use crate::web::Parameters;

/// A request that may be put before a person.
#[derive(Debug)]
pub(in crate::authorization_server) struct AuthorizationRequest {
    pub(in crate::authorization_server) client: Client,
    pub(in crate::authorization_server) back: ReturnAddress,
    pub(in crate::authorization_server) challenge: CodeChallenge,
    pub(in crate::authorization_server) scopes: ScopeSet,
    pub(in crate::authorization_server) key: Option<KeyThumbprint>,
    pub(super) prompt: Prompt,
    /// Who the person is likely to be (OpenID Connect Core §3.1.2.1).
    pub(in crate::authorization_server) login_hint: Option<String>,
    /// True when the client wants the person to say which account they mean.
    selects_account: bool,
    /// What the browser carries from page to page: the request, or the reference to it.
    carried: Parameters,
    pushed: Option<PushedRequest>,
}

/// Which pages the client wants shown (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Those that are needed.
    AsNeeded,
    /// Consent, even if it is remembered.
    Consent,
    /// Signing in again first.
    Login,
    /// None at all.
    None,
}

/// What the parameters say, once all of them are right.
struct Checked {
    challenge: CodeChallenge,
    scopes: ScopeSet,
    key: Option<KeyThumbprint>,
    prompt: Prompt,
    login_hint: Option<String>,
    selects_account: bool,
}

/// Longer queries are no authorization requests.
pub(in crate::authorization_server) const MAX_QUERY: usize = 16 * 1024;
/// RFC 9449 §10: the key that the code will be bound to.
pub(in crate::authorization_server) const DPOP_JKT: &str = "dpop_jkt";
const MAX_STATE: usize = 4 * 1024;
const MAX_HINT: usize = 256;

impl AuthorizationRequest {
    pub(in crate::authorization_server) async fn read(
        context: &Context,
        tenant: &Tenant,
        query: Option<&str>,
    ) -> Result<Self, AuthorizeError> {
        let carried = read_query(query)?;
        // RFC 6749 §4.1.2.1: until client and redirect URI are right, the browser is sent nowhere.
        let client = find_client(context, tenant, &carried).await?;
        let Some(pushed) = pushed::find(context, tenant, &client, &carried).await? else {
            return Self::check(context, tenant, client, carried);
        };
        // RFC 9101 §6.3: nothing that stands beside the reference counts.
        let carried = pushed::reference(&client, &carried)?;
        let parameters = read_query(Some(&pushed.request))?;
        let request = Self::check(context, tenant, client, parameters)?;
        Ok(Self {
            carried,
            pushed: Some(pushed),
            ..request
        })
    }

    /// The checks, which are the same wherever the parameters came from.
    pub(in crate::authorization_server) fn check(
        context: &Context,
        tenant: &Tenant,
        client: Client,
        parameters: Parameters,
    ) -> Result<Self, AuthorizeError> {
        let redirect_uri = check_redirect_uri(&client, &parameters)?;
        let state = read_state(&parameters);
        let back = ReturnAddress {
            client: client.id.clone(),
            redirect_uri,
            state: state.as_ref().ok().cloned().flatten(),
            issuer: tenant.issuer().to_owned(),
        };
        let checked = state.and_then(|_| check(context, tenant, &client, &parameters));
        match checked {
            Ok(checked) => Ok(Self {
                client,
                back,
                challenge: checked.challenge,
                scopes: checked.scopes,
                key: checked.key,
                prompt: checked.prompt,
                login_hint: checked.login_hint,
                selects_account: checked.selects_account,
                carried: parameters,
                pushed: None,
            }),
            Err(error) => Err(AuthorizeError::Redirect(Box::new(back), error)),
        }
    }

    /// The request as a query, written the same way each time.
    pub(in crate::authorization_server) fn query(&self) -> String {
        self.carried.to_query()
    }

    /// The request after signing in: `prompt=login` has been done. Consent is asked for then: the
    /// browser comes from our own page now, and no longer says who sent it there in the first place. A
    /// reference stays as it is: see [`Self::is_older_than`].
    pub(in crate::authorization_server) fn query_after_login(&self) -> String {
        if self.pushed.is_some() {
            return self.query();
        }
        let parameters = self.carried.without("prompt");
        parameters.with("prompt", "consent".to_owned()).to_query()
    }

    /// The request for another person than the one who is signed in. A reference stays as it is.
    pub(in crate::authorization_server) fn query_of_another(&self) -> String {
        if self.pushed.is_some() {
            return self.query();
        }
        let parameters = self.carried.without("prompt");
        parameters
            .with("prompt", "select_account".to_owned())
            .to_query()
    }

    /// Which page the person should see at an identity provider, where that was asked for.
    pub(in crate::authorization_server) fn prompt_of_provider(&self) -> Option<&'static str> {
        match self.prompt {
            Prompt::Login if self.selects_account => Some("select_account"),
            Prompt::Login => Some("login"),
            Prompt::AsNeeded | Prompt::Consent | Prompt::None => None,
        }
    }

    /// Which page comes next for whoever signed in at `signed_in_at`.
    pub(super) fn prompt_after(&self, signed_in_at: Timestamp) -> Prompt {
        if self.prompt == Prompt::Login && self.is_older_than(signed_in_at) {
            Prompt::Consent
        } else {
            self.prompt
        }
    }

    /// True when the request was pushed before the person signed in, perhaps for it. The reference
    /// can't say so; the times can.
    pub(in crate::authorization_server) fn is_older_than(&self, signed_in_at: Timestamp) -> bool {
        let pushed = self.pushed.as_ref();
        pushed.is_some_and(|pushed| signed_in_at >= pushed.created_at)
    }

    /// Begins with a pushed request: its short life is over, and the person has time to answer.
    pub(super) async fn begin(
        &self,
        context: &Context,
        tenant: &Tenant,
    ) -> Result<(), AuthorizeError> {
        if let Some(pushed) = &self.pushed {
            pushed::begin(context, tenant, pushed).await?;
        }
        Ok(())
    }

    /// Ends a pushed request, before the client hears how it was answered: it is answered once.
    pub(in crate::authorization_server) async fn end(
        &self,
        context: &Context,
        tenant: &Tenant,
    ) -> Result<(), AuthorizeError> {
        match &self.pushed {
            Some(pushed) => Ok(pushed::end(context, tenant, pushed).await?),
            None => Ok(()),
        }
    }

    /// Sends the person back to the client with `error`.
    pub(in crate::authorization_server) fn refuse(self, error: RedirectError) -> AuthorizeError {
        AuthorizeError::Redirect(Box::new(self.back), error)
    }
}

fn read_query(query: Option<&str>) -> Result<Parameters, PageError> {
    let query = query.unwrap_or_default();
    if query.len() > MAX_QUERY {
        return Err(PageError::TooLong);
    }
    Ok(Parameters::parse(query.as_bytes())?)
}

async fn find_client(
    context: &Context,
    tenant: &Tenant,
    parameters: &Parameters,
) -> Result<Client, PageError> {
    let id = parameters
        .one("client_id")?
        .ok_or(PageError::MissingClient)?;
    let found = clients::find(context, tenant, &ClientId::new(id)).await;
    found.map_err(|error| match error {
        FindClientError::Unknown => PageError::UnknownClient,
        FindClientError::Store(error) | FindClientError::Document(DocumentError::Store(error)) => {
            PageError::Unavailable(error)
        }
        FindClientError::Untrusted | FindClientError::Document(_) => {
            PageError::ClientDocument(error)
        }
    })
}

fn check_redirect_uri(client: &Client, parameters: &Parameters) -> Result<RedirectUri, PageError> {
    match (
        parameters.one("redirect_uri")?,
        client.redirect_uris.as_slice(),
    ) {
        (Some(text), registered) => {
            let requested =
                RedirectUri::parse(text).map_err(|_| PageError::UnregisteredRedirectUri)?;
            // OAuth 2.1 §4.1.1: compared with the registered ones as strings.
            let known = registered.iter().any(|uri| uri.matches(&requested));
            known
                .then_some(requested)
                .ok_or(PageError::UnregisteredRedirectUri)
        }
        // OAuth 2.1 §4.1.1: it may be left out where there's only one to mean.
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(PageError::MissingRedirectUri),
    }
}

fn read_state(parameters: &Parameters) -> Result<Option<String>, RedirectError> {
    match parameters.one("state")? {
        Some(state) if state.len() > MAX_STATE => Err(RedirectError::StateTooLong),
        state => Ok(state.map(str::to_owned)),
    }
}

fn check(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    parameters: &Parameters,
) -> Result<Checked, RedirectError> {
    check_request_object(parameters)?;
    check_response_type(parameters)?;
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(RedirectError::UnauthorizedClient);
    }
    let challenge = read_challenge(parameters)?;
    check_resource(tenant, parameters)?;
    let asked = scopes::parse(parameters.one("scope")?.unwrap_or_default())?;
    let scopes = scopes::narrow_to_client(context, tenant, client, asked);
    if scopes.is_empty() {
        return Err(RedirectError::InvalidScope);
    }
    Ok(Checked {
        challenge,
        scopes,
        key: read_key(parameters)?,
        prompt: read_prompt(parameters)?,
        login_hint: read_hint(parameters)?,
        selects_account: selects_account(parameters)?,
    })
}

/// RFC 9101 §5: whoever signs a request does not mean the unsigned copy of it.
fn check_request_object(parameters: &Parameters) -> Result<(), RedirectError> {
    if parameters.one("request")?.is_some() {
        return Err(RedirectError::RequestNotSupported);
    }
    if parameters.one("request_uri")?.is_some() {
        return Err(RedirectError::RequestUriNotSupported);
    }
    Ok(())
}

fn check_response_type(parameters: &Parameters) -> Result<(), RedirectError> {
    match parameters.one("response_type")? {
        Some("code") => {}
        // RFC 9700 §2.1.2: no token comes out of this endpoint.
        Some(_) => return Err(RedirectError::UnsupportedResponseType),
        None => return Err(RedirectError::MissingResponseType),
    }
    match parameters.one("response_mode")? {
        None | Some("query") => Ok(()),
        Some(_) => Err(RedirectError::UnsupportedResponseMode),
    }
}

/// OAuth 2.1 §4.1.1: every client uses PKCE; of its methods only S256 (RFC 9700 §2.1.1).
fn read_challenge(parameters: &Parameters) -> Result<CodeChallenge, RedirectError> {
    let challenge = parameters
        .one("code_challenge")?
        .ok_or(RedirectError::MissingChallenge)?;
    // RFC 7636 §4.3: without a method the client means `plain`.
    if parameters.one("code_challenge_method")? != Some("S256") {
        return Err(RedirectError::ChallengeMethod);
    }
    CodeChallenge::parse(challenge).map_err(|_| RedirectError::Challenge)
}

/// RFC 8707 §2: there is one resource here. Clients from before resource indicators mean it too.
fn check_resource(tenant: &Tenant, parameters: &Parameters) -> Result<(), RedirectError> {
    let known = |text| ResourceUri::parse(text).is_ok_and(|uri| uri == tenant.resource);
    if parameters.all("resource").all(known) {
        Ok(())
    } else {
        Err(RedirectError::InvalidTarget)
    }
}

fn read_key(parameters: &Parameters) -> Result<Option<KeyThumbprint>, RedirectError> {
    let Some(text) = parameters.one(DPOP_JKT)? else {
        return Ok(None);
    };
    let key = KeyThumbprint::parse(text);
    key.map(Some).ok_or(RedirectError::Key)
}

/// A hint is no more than that: one that is no address or name is passed over.
fn read_hint(parameters: &Parameters) -> Result<Option<String>, RedirectError> {
    let hint = parameters.one("login_hint")?;
    let sound = |hint: &&str| hint.len() <= MAX_HINT && !hint.chars().any(char::is_control);
    Ok(hint.filter(sound).map(str::to_owned))
}

fn selects_account(parameters: &Parameters) -> Result<bool, RedirectError> {
    let mut prompt = parameters.one("prompt")?.unwrap_or_default().split(' ');
    Ok(prompt.any(|value| value == "select_account"))
}

fn read_prompt(parameters: &Parameters) -> Result<Prompt, RedirectError> {
    let prompt = parameters.one("prompt")?.unwrap_or_default();
    let has = |value| prompt.split(' ').any(|other| other == value);
    if prompt == "none" {
        Ok(Prompt::None)
    } else if has("none") {
        Err(RedirectError::Prompt)
    } else if has("login") || has("select_account") {
        Ok(Prompt::Login)
    } else if has("consent") {
        Ok(Prompt::Consent)
    } else {
        Ok(Prompt::AsNeeded)
    }
}
