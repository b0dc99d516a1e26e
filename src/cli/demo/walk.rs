//! The walk: everything that a client does, from a bare URL to an answered tool call.

use serde_json::json;

use super::agent::Agent;
use super::client::{Account, Client};
use super::report::{Failure, Report};

/// How many steps there are.
pub(super) const STEPS: usize = 16;

/// Walks from `resource`, the one URL that a client is given, and reports every step.
pub(super) async fn walk(
    agent: Agent,
    account: &Account,
    resource: &str,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let mut client = Client::new(agent, account, resource);
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
    client.id = report
        .step("Register as a client", client.register())
        .await?;
    let scopes = format!("{scopes} mcp:resources mcp:prompts");
    let verifier = Client::code_verifier();
    let code = report
        .step(
            "Sign in and consent, with PKCE",
            client.authorize(&scopes, &verifier),
        )
        .await?;
    let token = report
        .step("Exchange the code", client.exchange(&code, &verifier))
        .await?;
    use_server(&mut client, &token, report).await?;
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

/// The calls that the first token is good for.
async fn use_server(
    client: &mut Client<'_>,
    token: &str,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    report
        .step("Discover the server", client.discover(token))
        .await?;
    report
        .step("List its tools", client.list_tools(token))
        .await?;
    report
        .step(
            "Ask for alerts",
            client.call_tool(token, "get_alerts", json!({"state": "NY"})),
        )
        .await?;
    let place = json!({"latitude": 37.7749, "longitude": -122.4194});
    report
        .step(
            "Ask for a forecast",
            client.call_tool(token, "get_forecast", place),
        )
        .await?;
    report
        .step("Read a resource", client.read_resource(token))
        .await?;
    report
        .step("Fetch a prompt", client.get_prompt(token))
        .await?;
    report
        .step("Refuse a wrong redirect", client.wrong_redirect())
        .await
}
