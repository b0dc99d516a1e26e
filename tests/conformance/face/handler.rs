//! What rmcp asks of a server, answered by the suite's.
#![expect(deprecated, reason = "the suite asks for what 2026-07-28 deprecates")]

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use gatehouse::backends::{BackendError, CallContext};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
    CompleteRequestParams, CompleteResult, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, GetTaskParams, GetTaskResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ServerCapabilities,
    ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::client::convert;
use super::{ASKS_FIRST, Asked, Face, TASKS, capabilities_of, entries, error_of, read};
use crate::fixture::Fixture;

const TTL_MS: u64 = 60_000;

impl ServerHandler for Face {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_logging()
            .enable_completions()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("suite", "1"))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let catalogue = self.fixture.now();
        let tool = catalogue.tools.iter().find(|tool| tool.name == name)?;
        convert(&tool.json).ok()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let key = self.listeners.next.fetch_add(1, Ordering::Relaxed);
        let sinks = || {
            self.listeners
                .sinks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        sinks().insert(key, context.sink().clone());
        context.cancelled().await;
        sinks().remove(&key);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let mut peers = self
            .listeners
            .peers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        peers.push(context.peer);
    }

    async fn ping(&self, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = entries(&self.fixture.now().tools)?;
        let result = ListToolsResult {
            tools,
            ..ListToolsResult::default()
        };
        Ok(result
            .with_ttl_ms(TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = entries(&self.fixture.now().resources)?;
        let result = ListResourcesResult {
            resources,
            ..ListResourcesResult::default()
        };
        Ok(result
            .with_ttl_ms(TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let resource_templates = entries(&self.fixture.now().resource_templates)?;
        let result = ListResourceTemplatesResult {
            resource_templates,
            ..ListResourceTemplatesResult::default()
        };
        Ok(result
            .with_ttl_ms(TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompts = entries(&self.fixture.now().prompts)?;
        let result = ListPromptsResult {
            prompts,
            ..ListPromptsResult::default()
        };
        Ok(result
            .with_ttl_ms(TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let capabilities = capabilities_of(&context);
        let takes_tasks = capabilities
            .pointer("/extensions/io.modelcontextprotocol~1tasks")
            .is_some();
        let is_later = request.name != ASKS_FIRST || request.input_responses.is_some();
        if takes_tasks && is_later && TASKS.contains(&request.name.as_ref()) {
            return Ok(self.spawn(request, (capabilities, context)));
        }
        if request.name == "test_reconnection" {
            self.hang_up(&context).await;
        }
        let asked = Asked {
            given: request.input_responses.unwrap_or_default(),
            state: request.request_state,
        };
        let way = self.way(asked, &context)?;
        let arguments = request.arguments.unwrap_or_default();
        let fixture = Arc::clone(&self.fixture);
        let work =
            async move |call: CallContext| fixture.call(&request.name, arguments, &call).await;
        let (outcome, client) = self.with(way, &context, work).await;
        match outcome {
            Ok(answer) => Ok(read::<CallToolResult>(&answer)?.into()),
            Err(BackendError::InputRequired) => Ok(self.input_required(&client.way)?.into()),
            Err(BackendError::UnknownTool) => Err(ErrorData::invalid_params("Unknown tool", None)),
            Err(error) => Err(error_of(error)),
        }
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let asked = Asked {
            given: request.input_responses.unwrap_or_default(),
            state: request.request_state,
        };
        let way = self.way(asked, &context)?;
        let arguments = request.arguments.unwrap_or_default();
        let fixture = Arc::clone(&self.fixture);
        let work =
            async move |call: CallContext| fixture.render(&request.name, &arguments, &call).await;
        let (outcome, client) = self.with(way, &context, work).await;
        match outcome {
            Ok(answer) => Ok(read::<GetPromptResult>(&answer)?.into()),
            Err(BackendError::InputRequired) => Ok(GetPromptResponse::InputRequired(
                self.input_required(&client.way)?,
            )),
            Err(error) => Err(error_of(error)),
        }
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let answer = Fixture::read(&request.uri).map_err(|error| {
            if error != BackendError::UnknownResource {
                return error_of(error);
            }
            let data = serde_json::json!({ "uri": request.uri });
            ErrorData::resource_not_found("Resource not found", Some(data))
        })?;
        let result: ReadResourceResult = read(&answer)?;
        let result = result
            .with_ttl_ms(TTL_MS)
            .with_cache_scope(CacheScope::Public);
        Ok(result.into())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::default())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        Ok(GetTaskResult::new(self.tasks.get_task(&request.task_id)?))
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.tasks
            .update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.tasks.cancel_task(&request.task_id)
    }
}
