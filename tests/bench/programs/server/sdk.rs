//! The service of the Rust SDK (rmcp) with one tool, whose result is at hand.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::value::RawValue;

#[derive(Clone)]
struct OneTool(Arc<CallToolResult>);

impl ServerHandler for OneTool {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok((*self.0).clone().into())
    }
}

pub(crate) fn router(result: &RawValue) -> Result<Router, Box<dyn Error>> {
    let tool = OneTool(Arc::new(serde_json::from_str(result.get())?));
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(tool.clone()), sessions, config);
    Ok(Router::new().nest_service("/mcp", service))
}
