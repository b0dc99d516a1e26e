//! The client's side of MCP: requests of the 2026-07-28 revision, and what their answers prove.
#![expect(
    clippy::indexing_slicing,
    reason = "what a JSON value lacks reads as null, and null fails the step"
)]

use anyhow::{Context as _, ensure};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::agent::Answer;
use super::client::{Client, parameter, text};

const REVISION: &str = "2026-07-28";

impl Client<'_> {
    pub(super) async fn discover(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let result = self
            .result(token, "server/discover", None, json!({}))
            .await?;
        let versions = &result["supportedVersions"];
        Ok(((), format!("one endpoint speaks {}", list(versions)?)))
    }

    pub(super) async fn list_tools(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let result = self.result(token, "tools/list", None, json!({})).await?;
        let tools = result["tools"].as_array().context("no tools")?;
        let names: Vec<&str> = tools
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        ensure!(names.contains(&"get_alerts"), "get_alerts is missing");
        Ok(((), names.join(", ")))
    }

    pub(super) async fn call_tool(
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

    pub(super) async fn read_resource(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let uri = "config://app";
        let result = self
            .result(token, "resources/read", Some(uri), json!({"uri": uri}))
            .await?;
        Ok((
            (),
            format!("{uri}: {}", text(&result["contents"][0]["text"])?),
        ))
    }

    pub(super) async fn get_prompt(&mut self, token: &str) -> anyhow::Result<((), String)> {
        let name = "emergency_summary";
        let params = json!({"name": name, "arguments": {"state": "NY"}});
        let result = self
            .result(token, "prompts/get", Some(name), params)
            .await?;
        Ok(((), text(&result["messages"][0]["content"]["text"])?))
    }

    pub(super) async fn refused_for_scope(
        &mut self,
        token: &str,
    ) -> anyhow::Result<(String, String)> {
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

    pub(super) async fn mcp(
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

fn list(value: &Value) -> anyhow::Result<String> {
    let items = value.as_array().context("a member is missing or no list")?;
    Ok(items
        .iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(", "))
}
