//! A small server behind the gate.

use std::sync::Arc;

use async_trait::async_trait;
use gatehouse::backends::{
    Answer, Backend, BackendError, CallContext, Catalogue, Definition, Progress, RelayedError,
};
use gatehouse::resource_server::{Operation, Permit};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The server.
#[derive(Debug)]
pub(crate) struct Desk {
    catalogue: Arc<Catalogue>,
    events: UnboundedSender<&'static str>,
}

/// Tells when a call is dropped.
struct Dropped(UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

impl Desk {
    /// The server, and what happens at it.
    pub(crate) fn new() -> (Self, UnboundedReceiver<&'static str>) {
        let (events, happened) = unbounded_channel();
        let catalogue = Arc::new(catalogue());
        (Self { catalogue, events }, happened)
    }

    /// Waits for good, unless somebody drops this.
    async fn wait(&self, context: &CallContext) {
        let _dropped = Dropped(self.events.clone());
        let (token, events) = (context.cancellation.clone(), self.events.clone());
        tokio::spawn(async move {
            token.cancelled().await;
            let _ = events.send("cancelled");
        });
        let _ = self.events.send("waiting");
        std::future::pending::<()>().await;
    }
}

fn catalogue() -> Catalogue {
    let plain = json!({ "type": "object" });
    let routed = json!({ "type": "object", "properties": {
        "region": { "type": "string", "x-mcp-header": "Region" },
        "count": { "type": "integer", "x-mcp-header": "Count" },
        "options": { "type": "object", "properties": {
            "dry": { "type": "boolean", "x-mcp-header": "Dry-Run" },
        } },
        "free": { "type": "string" },
    } });
    let tool = |name: &str, schema: &Value| {
        definition(
            name,
            json!({ "name": name, "inputSchema": schema, "vendorField": 1 }),
        )
    };
    let names = [
        "echo",
        "fail",
        "broken",
        "refuse",
        "count",
        "relay",
        "stumble",
        "hold",
        "begin_and_hold",
    ];
    let mut tools: Vec<Definition> = names.iter().map(|name| tool(name, &plain)).collect();
    let mut with_output = |name: &str, schema: &Value, output: Value| {
        let mut tool = tool(name, schema);
        tool.json.insert("outputSchema".to_owned(), output);
        tools.push(tool);
    };
    with_output("enumerate", &plain, json!({ "type": "array" }));
    with_output("routed", &routed, json!({ "type": "object" }));
    tools.push(tool("guarded", &plain));
    tools.push(tool("hidden", &routed));
    let template = "alerts://{state}/active";
    Catalogue {
        tools,
        resources: vec![definition("config://app", json!({ "uri": "config://app" }))],
        resource_templates: vec![definition(template, json!({ "uriTemplate": template }))],
        prompts: vec![definition("summary", json!({ "name": "summary" }))],
        instructions: Some("Ask about the weather.".to_owned()),
        ..Catalogue::default()
    }
}

fn definition(name: &str, json: Value) -> Definition {
    let Value::Object(json) = json else {
        panic!("a definition is an object");
    };
    Definition::new(name.to_owned(), json)
}

/// An answer, printed as an upstream server might print it.
fn answer(body: &Value) -> Answer {
    Answer {
        body: serde_json::to_vec_pretty(body).unwrap().into(),
        meta: Map::new(),
        ttl_ms: 1234,
    }
}

fn report(context: &CallContext, progress: f64, message: Option<&str>) {
    if let Some(sink) = &context.progress {
        sink.report(Progress {
            progress,
            total: Some(3.0),
            message: message.map(str::to_owned),
            ..Progress::default()
        });
    }
}

#[async_trait]
impl Backend for Desk {
    async fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }

    async fn call_tool(
        &self,
        permit: &Permit,
        name: &str,
        arguments: Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        assert_eq!(permit.operation(), &Operation::CallTool(name.to_owned()));
        let _ = self.events.send("called");
        match name {
            "fail" => return Ok(answer(&json!({ "content": [], "isError": true }))),
            "broken" => return Err(BackendError::Unavailable("the weather service is down")),
            "refuse" => return Err(BackendError::InvalidParams("state is missing".to_owned())),
            "enumerate" => {
                let body = json!({ "content": [], "structuredContent": [1, "two"] });
                return Ok(answer(&body));
            }
            "count" => {
                for progress in [1.0, 2.0, 2.0, 1.5, f64::NAN, 3.0] {
                    report(context, progress, Some("counting"));
                }
            }
            "relay" => {
                return Err(BackendError::Relayed(Box::new(RelayedError {
                    is_modern: false,
                    code: -32050,
                    message: "theirs".to_owned(),
                    data: arguments.get("data").cloned(),
                })));
            }
            "stumble" => {
                report(context, 1.0, None);
                // The report is on its way before there is an outcome.
                tokio::task::yield_now().await;
                return Err(BackendError::Unavailable("it was too much"));
            }
            "hold" => self.wait(context).await,
            "begin_and_hold" => {
                report(context, 1.0, None);
                self.wait(context).await;
            }
            _ => {}
        }
        let mut answer = answer(&json!({
            "content": [{ "type": "text", "text": "two\nlines" }],
            "structuredContent": arguments,
        }));
        answer.meta.insert("vendor/trace".to_owned(), json!("t1"));
        Ok(answer)
    }

    async fn read_resource(
        &self,
        _: &Permit,
        uri: &str,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        if uri == "alerts://ZZ/active" {
            return Err(BackendError::UnknownResource);
        }
        let contents = json!([{ "uri": uri, "text": "fine" }]);
        Ok(answer(&json!({ "contents": contents })))
    }

    async fn get_prompt(
        &self,
        _: &Permit,
        name: &str,
        arguments: Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        let text = format!("{name} of {}", Value::Object(arguments));
        let content = json!({ "type": "text", "text": text });
        let messages = json!([{ "role": "user", "content": content }]);
        Ok(answer(&json!({ "messages": messages })))
    }

    async fn complete(
        &self,
        _: &Permit,
        params: &Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        let values = json!([params["argument"]["value"]]);
        Ok(answer(&json!({ "completion": { "values": values } })))
    }
}
