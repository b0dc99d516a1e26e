//! The operations of an OpenAPI document (3.0 and 3.1), each as a tool.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::{HeaderName, Method};
use serde_json::{Map, Value, json};

use super::parameter::{Parameter, check_path};
use super::schema::{Definitions, Document, Unusable};

/// An operation that can be called.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiOperation {
    pub(super) method: Method,
    /// The path, with its parameters in braces.
    pub(super) path: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// True where its answers are promised to be of one schema.
    pub(super) is_structured: bool,
    /// The whole definition of the tool.
    pub(super) tool: Map<String, Value>,
}

/// The body that an operation takes, as the argument `body`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) is_required: bool,
    pub(super) is_form: bool,
}

/// What the argument of the body is called.
pub(super) const BODY: &str = "body";

/// Where a tool says which operation it is, so that another operation is another tool.
pub(super) const OPERATION: &str = "gatehouse/operation";

/// The methods that become tools.
const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("patch", Method::PATCH),
];

/// How many operations a document may have.
const MOST: usize = 2000;

/// The operations of a document, and why others are none, by where they are. `credential` is the
/// header by which the gateway shows who it is.
pub(super) fn read(
    document: &Value,
    credential: Option<&HeaderName>,
) -> Result<(Vec<ApiOperation>, BTreeMap<String, Unusable>), Unusable> {
    let version = document.get("openapi").and_then(Value::as_str);
    let is_known = |version: &str| version.starts_with("3.0.") || version.starts_with("3.1.");
    if !version.is_some_and(is_known) {
        return Err(Unusable("it is no OpenAPI 3.0 or 3.1 document".to_owned()));
    }
    let paths = document.get("paths").and_then(Value::as_object);
    let paths = paths.ok_or_else(|| Unusable("it has no paths".to_owned()))?;
    let reader = Reader {
        document: Document(document),
        credential,
    };
    let (mut operations, mut unusable) = (Vec::new(), BTreeMap::new());
    for (path, item) in paths {
        let item = match reader.document.resolve(item) {
            Ok(item) => item,
            Err(reason) => {
                unusable.insert(path.clone(), reason);
                continue;
            }
        };
        for (name, method) in METHODS {
            let Some(operation) = item.get(name) else {
                continue;
            };
            let place = format!("{method} {path}");
            if operations.len() >= MOST {
                let reason = format!("the document has more than {MOST} operations");
                unusable.insert(place, Unusable(reason));
                continue;
            }
            match reader.operation((method, path), item, operation) {
                Ok(operation) => operations.push(operation),
                Err(reason) => {
                    unusable.insert(place, reason);
                }
            }
        }
    }
    Ok((operations, unusable))
}

/// Reads one document.
pub(super) struct Reader<'a> {
    pub(super) document: Document<'a>,
    pub(super) credential: Option<&'a HeaderName>,
}

impl<'a> Reader<'a> {
    fn operation(
        &self,
        (method, path): (Method, &str),
        item: &'a Value,
        operation: &'a Value,
    ) -> Result<ApiOperation, Unusable> {
        if !path.starts_with('/') || path.contains(['?', '#', '\\']) {
            return Err(Unusable("its path is none".to_owned()));
        }
        let mut definitions = Definitions::default();
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut parameters = Vec::new();
        for described in self.parameters(item, operation)? {
            let Some((parameter, schema)) =
                self.parameter(described, &properties, &mut definitions)?
            else {
                continue;
            };
            if parameter.is_required {
                required.push(Value::from(parameter.argument.as_str()));
            }
            properties.insert(parameter.argument.clone(), schema);
            parameters.push(parameter);
        }
        check_path(path, &parameters)?;
        let body = self.body(operation, &mut definitions)?;
        if let Some((body, schema)) = &body {
            if properties.contains_key(BODY) {
                return Err(Unusable(
                    "a parameter is called body, beside a body".to_owned(),
                ));
            }
            properties.insert(BODY.to_owned(), schema.clone());
            required.extend(body.is_required.then(|| Value::from(BODY)));
        }
        let mut input = Map::from_iter([
            ("type".to_owned(), json!("object")),
            ("properties".to_owned(), Value::Object(properties)),
            ("additionalProperties".to_owned(), json!(false)),
        ]);
        if !required.is_empty() {
            input.insert("required".to_owned(), Value::Array(required));
        }
        definitions.add_to(&mut input);
        let body = body.map(|(body, _)| body);
        let output = self.output(operation)?;
        let mut made = ApiOperation {
            method,
            path: path.to_owned(),
            parameters,
            body,
            is_structured: output.is_some(),
            tool: Map::new(),
        };
        made.tool = made.tool_of(operation, input, output);
        Ok(made)
    }

    fn body(
        &self,
        operation: &'a Value,
        definitions: &mut Definitions,
    ) -> Result<Option<(Body, Value)>, Unusable> {
        let Some(body) = operation.get("requestBody") else {
            return Ok(None);
        };
        let body = self.document.resolve(body)?;
        let is_required = body.get("required").and_then(Value::as_bool);
        let is_required = is_required.unwrap_or_default();
        let content = body.get("content").and_then(Value::as_object);
        let json = content.and_then(|content| json_of(content));
        let form = content.and_then(|content| content.get("application/x-www-form-urlencoded"));
        let Some(media) = json.or(form) else {
            let reason = Unusable("its body is neither JSON nor a form".to_owned());
            return if is_required { Err(reason) } else { Ok(None) };
        };
        let schema = media.get("schema");
        let schema = schema.map(|schema| self.document.schema(schema, definitions));
        let body = Body {
            is_required,
            is_form: json.is_none(),
        };
        Ok(Some((
            body,
            schema.transpose()?.unwrap_or_else(|| json!({})),
        )))
    }

    /// The schema of the answer, where there is one answer and it is JSON.
    fn output(&self, operation: &'a Value) -> Result<Option<Value>, Unusable> {
        let responses = operation.get("responses").and_then(Value::as_object);
        let good = responses.into_iter().flatten();
        let mut good = good.filter(|(status, _)| status.starts_with('2'));
        let (Some((_, response)), None) = (good.next(), good.next()) else {
            return Ok(None);
        };
        let response = self.document.resolve(response)?;
        let content = response.get("content").and_then(Value::as_object);
        let Some(schema) = content
            .and_then(json_of)
            .and_then(|json| json.get("schema"))
        else {
            return Ok(None);
        };
        let mut definitions = Definitions::default();
        let mut schema = self.document.schema(schema, &mut definitions)?;
        if let Value::Object(schema) = &mut schema {
            if let Some(Value::Object(root)) = definitions.root_of(schema) {
                *schema = root;
            }
            definitions.add_to(schema);
        }
        // Other schemas are nothing that every revision can promise.
        let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
        Ok(is_object.then_some(schema))
    }
}

impl ApiOperation {
    pub(super) fn name(&self) -> &str {
        let name = self.tool.get("name").and_then(Value::as_str);
        name.unwrap_or_default()
    }

    /// Which operation it is and how its parameters travel, for people and for comparison.
    pub(super) fn shape(&self) -> String {
        let mut shape = format!("{} {}", self.method, self.path);
        for parameter in &self.parameters {
            let explode = if parameter.explode { "*" } else { "" };
            let (place, style) = (parameter.place.as_str(), parameter.style);
            let name = &parameter.name;
            // Writing into a string can't fail.
            let _ = write!(shape, "; {place} {name} {style:?}{explode}");
        }
        if let Some(body) = self.body {
            shape += if body.is_form { "; form" } else { "; json" };
        }
        shape
    }

    fn tool_of(
        &self,
        operation: &Value,
        input: Map<String, Value>,
        output: Option<Value>,
    ) -> Map<String, Value> {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).map(str::trim);
        let id = text("operationId").filter(|id| !id.is_empty());
        let fallback = format!(
            "{} {}",
            self.method.as_str().to_ascii_lowercase(),
            self.path
        );
        let mut tool = Map::new();
        tool.insert("name".to_owned(), tool_name(id.unwrap_or(&fallback)).into());
        let summary = text("summary").filter(|summary| !summary.is_empty());
        if let Some(summary) = summary {
            tool.insert("title".to_owned(), summary.into());
        }
        let words = [summary, text("description")].into_iter().flatten();
        let mut words: Vec<&str> = words.filter(|words| !words.is_empty()).collect();
        words.dedup();
        if operation.get("deprecated") == Some(&Value::Bool(true)) {
            words.push("Deprecated.");
        }
        let words = words.join("\n\n");
        let words = if words.is_empty() { fallback } else { words };
        tool.insert("description".to_owned(), words.into());
        tool.insert("inputSchema".to_owned(), Value::Object(input));
        if let Some(output) = output {
            tool.insert("outputSchema".to_owned(), output);
        }
        tool.insert("annotations".to_owned(), self.annotations());
        tool.insert("_meta".to_owned(), json!({ OPERATION: self.shape() }));
        tool
    }

    /// What the method says (RFC 9110 §9.2).
    fn annotations(&self) -> Value {
        let is_safe = self.method == Method::GET;
        let is_idempotent = is_safe || self.method == Method::PUT || self.method == Method::DELETE;
        json!({
            "readOnlyHint": is_safe,
            "destructiveHint": !is_safe,
            "idempotentHint": is_idempotent,
            "openWorldHint": true,
        })
    }
}

fn json_of(content: &Map<String, Value>) -> Option<&Value> {
    content.iter().find_map(|(kind, media)| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        let is_json =
            essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json");
        is_json.then_some(media)
    })
}

/// The text with nothing but what names of tools have (MCP server/tools).
fn tool_name(text: &str) -> String {
    let plain = |c: char| {
        let fits = c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if fits { c } else { '_' }
    };
    let name: String = text.chars().take(128).map(plain).collect();
    name.trim_matches('_').to_owned()
}
