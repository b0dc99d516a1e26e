//! The names and URIs of a mounted server as clients know them, and back, wherever they occur.
//! All else stays as it is.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::result::ServerResult;
use crate::model::MountPrefix;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To the clients.
    Out,
    /// To the server.
    In,
}

/// Puts the prefix of a server in front of its names and URIs, and takes it away.
#[derive(Clone, Debug)]
pub(super) struct Rewriter(pub(super) MountPrefix);

/// Where MCP Apps, and hosts before it, keep the URI of a tool's view.
const VIEW: &str = "ui";
const VIEW_URI: &str = "resourceUri";
const FLAT_VIEWS: [&str; 2] = ["ui/resourceUri", "openai/outputTemplate"];

/// What names a resource in contents.
const URI: &str = "uri";

/// True for a member that may have to be rewritten, by its name.
pub(super) fn is_place(name: &str) -> bool {
    name == URI || name == VIEW_URI || FLAT_VIEWS.contains(&name)
}

impl Rewriter {
    /// A tool, resource, template or prompt of a listing, whose `key` names it; with the name.
    pub(super) fn definition(&self, json: &mut Map<String, Value>, key: &str) -> Option<String> {
        let name = json.get(key)?.as_str()?;
        let outer = if key == "name" {
            self.0.outer_name(name)
        } else {
            self.0.outer_uri(name)
        };
        if !self.0.is_empty() {
            json.insert(key.to_owned(), Value::from(outer.as_str()));
            self.view(json);
        }
        Some(outer)
    }

    /// The result of a tool, a resource or a prompt, and what is said about it.
    pub(super) fn result(
        &self,
        result: ServerResult,
        mut meta: Map<String, Value>,
    ) -> (Bytes, Map<String, Value>) {
        if self.0.is_empty() {
            return (result.into_bytes(), meta);
        }
        self.view_of(&mut meta);
        if result.names_no_place() {
            return (result.into_bytes(), meta);
        }
        let mut result = result.into_members();
        self.members(&mut result);
        let body = serde_json::to_vec(&result).unwrap_or_else(|_| b"{}".to_vec());
        (body.into(), meta)
    }

    fn members(&self, result: &mut Map<String, Value>) {
        self.contents(result.get_mut("content"), Way::Out);
        for contents in each(result.get_mut("contents")) {
            self.uri(contents, Way::Out);
            if let Value::Object(contents) = contents {
                self.view(contents);
            }
        }
        for message in each(result.get_mut("messages")) {
            self.contents(message.get_mut("content"), Way::Out);
        }
    }

    /// The data of an error.
    pub(super) fn error(&self, data: Option<&mut Value>) {
        if let (Some(data), false) = (data, self.0.is_empty()) {
            self.uri(data, Way::Out);
        }
    }

    /// The parameters of a question to the client.
    pub(super) fn question(&self, params: &mut Map<String, Value>) {
        if self.0.is_empty() {
            return;
        }
        for message in each(params.get_mut("messages")) {
            self.contents(message.get_mut("content"), Way::Out);
        }
    }

    /// The answer to a question.
    pub(super) fn answer(&self, answer: &mut Map<String, Value>) {
        if !self.0.is_empty() && answer.contains_key("role") {
            self.contents(answer.get_mut("content"), Way::In);
        }
    }

    /// The reference of a completion.
    pub(super) fn reference(&self, params: &mut Map<String, Value>) {
        let Some(reference) = params.get_mut("ref").and_then(Value::as_object_mut) else {
            return;
        };
        if let Some(name) = reference.get("name").and_then(Value::as_str)
            && let Some(inner) = self.0.inner_name(name)
        {
            let inner = Value::from(inner);
            reference.insert("name".to_owned(), inner);
        }
        if let Some(uri) = reference.get("uri").and_then(Value::as_str)
            && let Some(inner) = self.0.inner_uri(uri)
        {
            reference.insert("uri".to_owned(), inner.into());
        }
    }

    /// Content blocks: one, or a list of them.
    fn contents(&self, content: Option<&mut Value>, way: Way) {
        match content {
            Some(Value::Array(blocks)) => {
                for block in blocks {
                    self.block(block, way);
                }
            }
            Some(block) => self.block(block, way),
            None => {}
        }
    }

    fn block(&self, block: &mut Value, way: Way) {
        match block.get("type").and_then(Value::as_str) {
            Some("resource_link") => self.uri(block, way),
            Some("resource") => {
                if let Some(resource) = block.get_mut("resource") {
                    self.uri(resource, way);
                }
            }
            Some("tool_result") => self.contents(block.get_mut("content"), way),
            _ => {}
        }
    }

    /// The member `uri` of something.
    fn uri(&self, of: &mut Value, way: Way) {
        if let Some(uri) = of.get_mut(URI) {
            self.text(uri, way);
        }
    }

    /// The view that `_meta` names.
    fn view(&self, of: &mut Map<String, Value>) {
        if let Some(Value::Object(meta)) = of.get_mut("_meta") {
            self.view_of(meta);
        }
    }

    fn view_of(&self, meta: &mut Map<String, Value>) {
        let view = meta.get_mut(VIEW);
        if let Some(uri) = view.and_then(|view| view.get_mut(VIEW_URI)) {
            self.text(uri, Way::Out);
        }
        for name in FLAT_VIEWS {
            if let Some(uri) = meta.get_mut(name) {
                self.text(uri, Way::Out);
            }
        }
    }

    fn text(&self, text: &mut Value, way: Way) {
        let Value::String(uri) = text else {
            return;
        };
        match way {
            Way::Out => *uri = self.0.outer_uri(uri),
            // What is not the server's stays what it is.
            Way::In => *uri = self.0.inner_uri(uri).unwrap_or_else(|| std::mem::take(uri)),
        }
    }
}

/// The items of a list.
fn each(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn rewriter() -> Rewriter {
        Rewriter("docs".parse().unwrap())
    }

    #[test]
    fn names_and_uris_are_prefixed_wherever_they_occur() {
        let mut tool = object(&json!({
            "name": "search", "x-vendor": { "uri": "a:b" },
            "_meta": { "ui": { "resourceUri": "ui://app/main", "visibility": ["model"] } },
        }));
        let name = rewriter().definition(&mut tool, "name");
        assert_eq!(name.as_deref(), Some("docs_search"));
        let expected = r#"{"name":"docs_search","x-vendor":{"uri":"a:b"},"_meta":{"ui":{"resourceUri":"ui://docs/app/main","visibility":["model"]}}}"#;
        assert_eq!(serde_json::to_string(&tool).unwrap(), expected);

        let result = object(&json!({
            "content": [
                { "type": "text", "text": "file:///a" },
                { "type": "resource_link", "uri": "file:///a", "name": "a" },
                { "type": "resource", "resource": { "uri": "file:///b", "text": "" } },
                { "type": "tool_result", "content": [{ "type": "resource_link", "uri": "c:d" }] },
            ],
            "contents": [{ "uri": "file:///c", "text": "" }],
            "messages": [{ "role": "user", "content": {
                "type": "resource", "resource": { "uri": "file:///d" },
            } }],
            "structuredContent": { "uri": "file:///e" },
        }));
        let (text, _) = rewriter().result(ServerResult::of(&result), Map::new());
        let text = String::from_utf8(text.to_vec()).unwrap();
        for uri in ["file:///b", "file:///c", "file:///d", "c:d"] {
            assert!(text.contains(&format!("\"docs+{uri}\"")), "{text}");
        }
        assert!(text.contains("{\"type\":\"text\",\"text\":\"file:///a\"}"));
        assert!(text.contains("\"structuredContent\":{\"uri\":\"file:///e\"}"));
    }

    #[test]
    fn what_clients_say_is_the_servers_again() {
        let mut params = object(&json!({ "ref": { "type": "ref/prompt", "name": "docs_write" } }));
        rewriter().reference(&mut params);
        assert_eq!(params["ref"]["name"], "write");
        let mut params =
            object(&json!({ "ref": { "type": "ref/resource", "uri": "docs+x:{id}" } }));
        rewriter().reference(&mut params);
        assert_eq!(params["ref"]["uri"], "x:{id}");
        let mut answer = object(&json!({
            "role": "assistant", "model": "m",
            "content": { "type": "resource_link", "uri": "docs+x:1" },
        }));
        rewriter().answer(&mut answer);
        assert_eq!(answer["content"]["uri"], "x:1");
    }

    #[test]
    fn without_a_prefix_nothing_changes() {
        let same = Rewriter(MountPrefix::default());
        let whole = object(&json!({
            "content": [{ "type": "resource_link", "uri": "a:b" }],
            "_meta": { "ui": { "resourceUri": "ui://a" } },
        }));
        let (text, _) = same.result(ServerResult::of(&whole), Map::new());
        assert_eq!(text, serde_json::to_string(&whole).unwrap());
    }
}
