//! The walk: everything that a client does, from a bare URL to an answered tool call.

use anyhow::{Context as _, ensure};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::model::{CodeVerifier, Secret, SystemRandom};

use super::agent::{Agent, Answer};
use super::report::{Failure, Report};

/// Who signs in.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) username: String,
    pub(super) password: Secret,
}

/// How many steps there are.
pub(super) const STEPS: usize = 16;

const REVISION: &str = "2026-07-28";
const REDIRECT_URI: &str = "http://127.0.0.1:53682/callback";

/// What the client has learnt so far.
struct Client<'a> {
    agent: Agent,
    account: &'a Account,
    resource: String,
    metadata: Value,
    client_id: String,
}

/// Walks from `resource`, the one URL that a client is given, and reports every step.
pub(super) async fn walk(
    agent: Agent,
    account: &Account,
    resource: &str,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let mut client = Client {
        agent,
        account,
        resource: resource.to_owned(),
        metadata: Value::Null,
        client_id: String::new(),
    };
    let (metadata_url, scopes) = report
        .step(
            "Call the MCP endpoint without a token",
            client.unauthenticated(),
        )
        .await?;
    let issuer = report
        .step(
            "Read the protected resource's metadata",
            client.resource_metadata(&metadata_url),
        )
        .await?;
    client.metadata = report
        .step(
            "Read the authorization server's metadata",
            client.server_metadata(&issuer),
        )
        .await?;
    client.client_id = report
        .step("Register as a client", client.register())
        .await?;
    let scopes = format!("{scopes} mcp:resources mcp:prompts");
    let verifier = code_verifier();
    let code = report
        .step(
            "Sign in and consent, with PKCE",
            client.authorize(&scopes, &verifier),
        )
        .await?;
    let token = report
        .step("Exchange the code", client.exchange(&code, &verifier))
        .await?;
    client.use_server(&token, report).await?;
    let required = report
        .step(
            "Call a tool that needs another scope",
            client.refused_for_scope(&token),
        )
        .await?;
    let stepped_up = report
        .step("Step up", client.step_up(&scopes, &required))
        .await?;
    report
        .step(
            "Call the same tool again",
            client.call_tool(
                &stepped_up,
                "get_internal_metric",
                json!({"metric_name": "tool_calls"}),
            ),
        )
        .await
}

impl Client<'_> {
    /// The calls that the first token is good for.
    async fn use_server(&mut self, token: &str, report: &mut Report<'_>) -> Result<(), Failure> {
        report
            .step("Discover the server", self.discover(token))
            .await?;
        report
            .step("List its tools", self.list_tools(token))
            .await?;
        report
            .step(
                "Ask for alerts",
                self.call_tool(token, "get_alerts", json!({"state": "NY"})),
            )
            .await?;
        let place = json!({"latitude": 37.7749, "longitude": -122.4194});
        report
            .step(
                "Ask for a forecast",
                self.call_tool(token, "get_forecast", place),
            )
            .await?;
        report
            .step("Read a resource", self.read_resource(token))
            .await?;
        report
            .step("Fetch a prompt", self.get_prompt(token))
            .await?;
        report
            .step("Refuse a wrong redirect", self.wrong_redirect())
            .await
    }

    async fn unauthenticated(&mut self) -> anyhow::Result<((String, String), String)> {
        let answer = self.mcp(None, "server/discover", None, json!({})).await?;
        let answer = answer.expect(StatusCode::UNAUTHORIZED)?;
        let challenge = answer.header(WWW_AUTHENTICATE)?;
        let url = parameter(challenge, "resource_metadata").context("no resource_metadata")?;
        let scopes = parameter(challenge, "scope").context("no scope")?;
        let proof = format!("401; the challenge names {url} and the scope {scopes}");
        Ok(((url, scopes), proof))
    }

    async fn resource_metadata(&mut self, url: &str) -> anyhow::Result<(String, String)> {
        let document = self.agent.get(url).await?.expect(StatusCode::OK)?.json()?;
        // RFC 9728 §3.3: a document about another resource must not be used.
        ensure!(
            document["resource"] == self.resource.as_str(),
            "it describes another resource"
        );
        let issuer = text(&document["authorization_servers"][0])?;
        Ok((
            issuer.clone(),
            format!("the resource is ours; its tokens come from {issuer}"),
        ))
    }

    async fn server_metadata(&mut self, issuer: &str) -> anyhow::Result<(Value, String)> {
        let issuer_url = Url::parse(issuer)?;
        let path = issuer_url.path().trim_end_matches('/');
        let well_known =
            issuer_url.join(&format!("/.well-known/oauth-authorization-server{path}"))?;
        let document = self
            .agent
            .get(well_known.as_str())
            .await?
            .expect(StatusCode::OK)?
            .json()?;
        // RFC 8414 §3.3
        ensure!(
            document["issuer"] == issuer,
            "it is another issuer's document"
        );
        let methods = &document["code_challenge_methods_supported"];
        ensure!(methods == &json!(["S256"]), "PKCE with S256 is not offered");
        Ok((
            document,
            "the issuer is the one asked for, PKCE is S256 only".to_owned(),
        ))
    }

    async fn register(&mut self) -> anyhow::Result<(String, String)> {
        let url = text(&self.metadata["registration_endpoint"])?;
        let body = json!({
            "client_name": "Gatehouse demo",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        });
        let answer = self
            .agent
            .post_json(&url, None, HeaderMap::new(), &body)
            .await?;
        let document = answer.expect(StatusCode::CREATED)?.json()?;
        ensure!(
            document.get("client_secret").is_none(),
            "a public client got a secret"
        );
        let id = text(&document["client_id"])?;
        Ok((
            id.clone(),
            format!("client_id {id}, a public client without secret"),
        ))
    }

    /// The authorization request's URL (OAuth 2.1 §4.1.1, RFC 8707 §2).
    fn authorization_url(
        &self,
        redirect_uri: &str,
        scopes: &str,
        challenge: &str,
        state: &str,
    ) -> anyhow::Result<Url> {
        let mut url = Url::parse(&text(&self.metadata["authorization_endpoint"])?)?;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", scopes),
            ("state", state),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("resource", &self.resource),
        ]);
        Ok(url)
    }

    async fn authorize(
        &mut self,
        scopes: &str,
        verifier: &CodeVerifier,
    ) -> anyhow::Result<(String, String)> {
        let state = Secret::generate(&SystemRandom);
        let url =
            self.authorization_url(REDIRECT_URI, scopes, &verifier.challenge(), state.expose())?;
        let consent = self.sign_in(&url).await?;
        let form = consent.form(&url, "decision")?;
        let answer = self.agent.submit(&form, &[("decision", "approve")]).await?;
        let back = answer.expect(StatusCode::SEE_OTHER)?.location(&url)?;
        ensure!(
            back.as_str().starts_with(REDIRECT_URI),
            "sent to another address"
        );
        let parameters: std::collections::HashMap<_, _> = back.query_pairs().into_owned().collect();
        ensure!(
            parameters
                .get("state")
                .is_some_and(|got| got == state.expose()),
            "another state"
        );
        // RFC 9207 §2.4
        let issuer = parameters.get("iss").context("no iss")?;
        ensure!(
            self.metadata["issuer"] == issuer.as_str(),
            "another issuer answered"
        );
        let code = parameters.get("code").context("no code")?.clone();
        let proof = format!(
            "signed in as {}; a code came back with state and iss",
            self.account.username
        );
        Ok((code, proof))
    }

    /// Follows to the consent page, signing in on the way where the gateway asks for it.
    async fn sign_in(&mut self, authorize: &Url) -> anyhow::Result<Answer> {
        let answer = self.agent.get(authorize.as_str()).await?;
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        let login = answer.expect(StatusCode::SEE_OTHER)?.location(authorize)?;
        let page = self
            .agent
            .get(login.as_str())
            .await?
            .expect(StatusCode::OK)?;
        let form = page.form(&login, "password")?;
        let credentials = [
            ("username", self.account.username.as_str()),
            ("password", self.account.password.expose()),
        ];
        let answer = self.agent.submit(&form, &credentials).await?;
        let back = answer.expect(StatusCode::SEE_OTHER)?.location(&login)?;
        self.agent.get(back.as_str()).await?.expect(StatusCode::OK)
    }

    async fn exchange(
        &mut self,
        code: &str,
        verifier: &CodeVerifier,
    ) -> anyhow::Result<(String, String)> {
        let url = text(&self.metadata["token_endpoint"])?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", &self.client_id),
            ("code_verifier", verifier.expose()),
            ("resource", &self.resource),
        ];
        let answer = self.agent.post_form(&url, &fields).await?;
        let document = answer.expect(StatusCode::OK)?.json()?;
        let token = text(&document["access_token"])?;
        ensure!(document["token_type"] == "Bearer", "not a bearer token");
        let proof = format!(
            "a token for {} seconds with the scopes {}, and a refresh token",
            document["expires_in"],
            text(&document["scope"])?
        );
        text(&document["refresh_token"])?;
        Ok((token, proof))
    }

    async fn discover(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let result = self
            .result(token, "server/discover", None, json!({}))
            .await?;
        let versions = &result["supportedVersions"];
        Ok(((), format!("one endpoint speaks {}", list(versions)?)))
    }

    async fn list_tools(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let result = self.result(token, "tools/list", None, json!({})).await?;
        let tools = result["tools"].as_array().context("no tools")?;
        let names: Vec<&str> = tools
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        ensure!(names.contains(&"get_alerts"), "get_alerts is missing");
        Ok(((), names.join(", ")))
    }

    async fn call_tool(
        &mut self,
        token: &str,
        name: &str,
        arguments: Value,
    ) -> anyhow::Result<((), String)> {
        let params = json!({"name": name, "arguments": arguments});
        let result = self.result(token, "tools/call", Some(name), params).await?;
        ensure!(
            result["isError"] != true,
            "the tool failed: {}",
            result["content"]
        );
        ensure!(
            result.get("structuredContent").is_some(),
            "no structured content"
        );
        Ok(((), text(&result["content"][0]["text"])?))
    }

    async fn read_resource(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let uri = "config://app";
        let result = self
            .result(token, "resources/read", Some(uri), json!({"uri": uri}))
            .await?;
        Ok((
            (),
            format!("{uri}: {}", text(&result["contents"][0]["text"])?),
        ))
    }

    async fn get_prompt(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let name = "emergency_summary";
        let params = json!({"name": name, "arguments": {"state": "NY"}});
        let result = self
            .result(token, "prompts/get", Some(name), params)
            .await?;
        Ok(((), text(&result["messages"][0]["content"]["text"])?))
    }

    async fn wrong_redirect(&mut self) -> anyhow::Result<((), String)> {
        let challenge = code_verifier().challenge();
        let url =
            self.authorization_url("https://evil.example/cb", "mcp:tools", &challenge, "x")?;
        let answer = self
            .agent
            .get(url.as_str())
            .await?
            .expect(StatusCode::BAD_REQUEST)?;
        ensure!(
            !answer.headers.contains_key(http::header::LOCATION),
            "it redirects"
        );
        Ok((
            (),
            "an unregistered redirect URI ends on a page and leads nowhere".to_owned(),
        ))
    }

    async fn refused_for_scope(&mut self, token: &str) -> anyhow::Result<(String, String)> {
        let name = "get_internal_metric";
        let params = json!({"name": name, "arguments": {"metric_name": "tool_calls"}});
        let answer = self
            .mcp(Some(token), "tools/call", Some(name), params)
            .await?;
        let answer = answer.expect(StatusCode::FORBIDDEN)?;
        let challenge = answer.header(WWW_AUTHENTICATE)?;
        let error = parameter(challenge, "error").context("no error")?;
        ensure!(error == "insufficient_scope", "the error is {error}");
        let required = parameter(challenge, "scope").context("no scope")?;
        Ok((
            required.clone(),
            format!("403 {error}; {name} needs {required}"),
        ))
    }

    async fn step_up(&mut self, held: &str, required: &str) -> anyhow::Result<(String, String)> {
        let verifier = code_verifier();
        let (code, _) = self
            .authorize(&format!("{held} {required}"), &verifier)
            .await?;
        let (token, proof) = self.exchange(&code, &verifier).await?;
        Ok((token, format!("consented again: {proof}")))
    }

    async fn result(
        &mut self,
        token: &str,
        method: &str,
        name: Option<&str>,
        params: Value,
    ) -> anyhow::Result<Value> {
        let answer = self
            .mcp(Some(token), method, name, params)
            .await?
            .expect(StatusCode::OK)?;
        let mut message = answer.json()?;
        ensure!(
            message.get("error").is_none(),
            "the server answered {}",
            message["error"]
        );
        Ok(message["result"].take())
    }

    async fn mcp(
        &mut self,
        token: Option<&str>,
        method: &str,
        name: Option<&str>,
        mut params: Value,
    ) -> anyhow::Result<Answer> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "gatehouse-demo", "version": "1"},
        });
        let mut headers = HeaderMap::new();
        headers.insert("mcp-protocol-version", REVISION.parse()?);
        headers.insert("mcp-method", method.parse()?);
        if let Some(name) = name {
            headers.insert("mcp-name", name.parse()?);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let url = self.resource.clone();
        self.agent.post_json(&url, token, headers, &body).await
    }
}

fn code_verifier() -> CodeVerifier {
    CodeVerifier::generate(&SystemRandom)
}

/// The value of a quoted parameter of a `WWW-Authenticate` header.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    challenge
        .split(", ")
        .map(|part| part.trim_start_matches("Bearer "))
        .find_map(|part| part.strip_prefix(&start)?.strip_suffix('"'))
        .map(str::to_owned)
}

fn text(value: &Value) -> anyhow::Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .context("a member is missing or no text")
}

fn list(value: &Value) -> anyhow::Result<String> {
    let items = value.as_array().context("a member is missing or no list")?;
    Ok(items
        .iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(", "))
}
