//! What a call of a tool is as a request: no argument gets out of the place that it is written to
//! (K11).

use std::fmt::Write as _;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::operation::{ApiOperation, BODY};
use super::parameter::{Parameter, Place, Style};

/// A request that is about to be sent, but for what shows who the gateway is.
#[derive(Debug)]
pub(super) struct ApiRequest {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// The request that `operation` at `base` is with these arguments, or what is wrong with them.
pub(super) fn request(
    operation: &ApiOperation,
    base: &Url,
    arguments: &Map<String, Value>,
) -> Result<ApiRequest, String> {
    let is_known = |name: &str| {
        let mut parameters = operation.parameters.iter();
        parameters.any(|it| it.argument == name) || (operation.body.is_some() && name == BODY)
    };
    if let Some(name) = arguments.keys().find(|name| !is_known(name)) {
        let shown: String = name.chars().take(64).collect();
        return Err(format!("there is no argument {shown:?}"));
    }
    let mut path = operation.path.clone();
    let mut query = Vec::new();
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json, text/*;q=0.5, */*;q=0.1");
    headers.insert(ACCEPT, json);
    for parameter in &operation.parameters {
        let name = &parameter.argument;
        let value = arguments.get(name).filter(|value| !value.is_null());
        let Some(value) = value else {
            if parameter.is_required {
                return Err(format!("the argument {name:?} is missing"));
            }
            continue;
        };
        let wrong = |why: &str| format!("the argument {name:?} {why}");
        match parameter.place {
            Place::Path => {
                let text = in_path(parameter, value).map_err(wrong)?;
                path = path.replace(&format!("{{{}}}", parameter.name), &text);
            }
            Place::Query => query.extend(in_query(parameter, value).map_err(wrong)?),
            Place::Header => {
                let text = simple(parameter, value, &str::to_owned).map_err(wrong)?;
                let value = HeaderValue::from_str(&text).ok();
                let value = value.filter(|_| !text.contains(|c: char| !matches!(c, ' '..='~')));
                let value = value.ok_or_else(|| wrong("has what no header can have"))?;
                let header: HeaderName = parameter.name.parse().map_err(|_| wrong("is none"))?;
                headers.insert(header, value);
            }
        }
    }
    let body = body(operation, arguments, &mut headers)?;
    Ok(ApiRequest {
        url: address(base, &path, &query)?,
        headers,
        body,
    })
}

/// The URL, exactly as it was put together: what a reader of URLs would change is refused.
fn address(base: &Url, path: &str, query: &[String]) -> Result<Url, String> {
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    let mut url = base.clone();
    url.set_path(&whole);
    url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
    if url.path() == whole {
        Ok(url)
    } else {
        Err("the path that comes of the arguments is none".to_owned())
    }
}

fn body(
    operation: &ApiOperation,
    arguments: &Map<String, Value>,
    headers: &mut HeaderMap,
) -> Result<Vec<u8>, String> {
    let Some(body) = operation.body else {
        return Ok(Vec::new());
    };
    let Some(value) = arguments.get(BODY) else {
        let missing = || format!("the argument {BODY:?} is missing");
        return (!body.is_required).then(Vec::new).ok_or_else(missing);
    };
    if !body.is_form {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return serde_json::to_vec(value).map_err(|_| "the body can't be written".to_owned());
    }
    let fields = value.as_object();
    let fields = fields.ok_or_else(|| format!("the argument {BODY:?} is no object"))?;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => std::slice::from_ref(value),
        };
        for value in values {
            let text = scalar(value).map_err(|why| format!("{name:?} of the body {why}"))?;
            form.append_pair(name, &text);
        }
    }
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, kind);
    Ok(form.finish().into_bytes())
}

/// A parameter of the path (OpenAPI 3.1 §4.8.12.4). Whoever decodes it once more, or takes `\` or an
/// encoded slash for a separator, still finds no segment there that leads upwards.
fn in_path(parameter: &Parameter, value: &Value) -> Result<String, &'static str> {
    let encode = |text: &str| encoded(text);
    let text = match parameter.style {
        Style::Label => {
            let between = if parameter.explode { "." } else { "," };
            format!(".{}", joined(parameter, value, (between, &encode))?)
        }
        Style::Matrix => matrix(parameter, value, &encode)?,
        Style::Simple
        | Style::Form
        | Style::SpaceDelimited
        | Style::PipeDelimited
        | Style::DeepObject
        | Style::Json => simple(parameter, value, &encode)?,
    };
    if text.is_empty() {
        return Err("is empty, and has its place in the path");
    }
    let mut plain = scalar_texts(value)?;
    plain.push(text.clone());
    for text in plain {
        if text.contains(char::is_control) {
            return Err("has control characters");
        }
        let leads_up = |part: &str| {
            let part = part.split(';').next().unwrap_or_default();
            let part = part.to_ascii_lowercase().replace("%2e", ".");
            matches!(part.as_str(), "." | "..")
        };
        let seen = text.replace("%2f", "/").replace("%2F", "/");
        let seen = seen.replace("%5c", "/").replace("%5C", "/");
        if seen.split(['/', '\\']).any(leads_up) {
            return Err("leads to another path");
        }
    }
    Ok(text)
}

fn matrix(
    parameter: &Parameter,
    value: &Value,
    encode: &dyn Fn(&str) -> String,
) -> Result<String, &'static str> {
    let name = encoded(&parameter.name);
    match value {
        Value::Array(items) if parameter.explode => items
            .iter()
            .map(|item| Ok(format!(";{name}={}", encode(&scalar(item)?))))
            .collect(),
        Value::Object(members) if parameter.explode => members
            .iter()
            .map(|(key, value)| Ok(format!(";{}={}", encode(key), encode(&scalar(value)?))))
            .collect(),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => Ok(format!(
            ";{name}={}",
            joined(parameter, value, (",", encode))?
        )),
    }
}

fn simple(
    parameter: &Parameter,
    value: &Value,
    encode: &dyn Fn(&str) -> String,
) -> Result<String, &'static str> {
    if parameter.style == Style::Json {
        return Ok(encode(&value.to_string()));
    }
    joined(parameter, value, (",", encode))
}

/// The values one after another; members as `name=value` where they are exploded.
fn joined(
    parameter: &Parameter,
    value: &Value,
    (between, encode): (&str, &dyn Fn(&str) -> String),
) -> Result<String, &'static str> {
    let parts: Vec<String> = match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| Ok(encode(&scalar(item)?)));
            items.collect::<Result<_, &'static str>>()?
        }
        Value::Object(members) => {
            let equals = if parameter.explode { "=" } else { between };
            let members = members.iter().map(|(name, value)| {
                Ok(format!(
                    "{}{equals}{}",
                    encode(name),
                    encode(&scalar(value)?)
                ))
            });
            members.collect::<Result<_, &'static str>>()?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            vec![encode(&scalar(value)?)]
        }
    };
    Ok(parts.join(between))
}

/// The parts of a query that a parameter is (OpenAPI 3.1 §4.8.12.3).
fn in_query(parameter: &Parameter, value: &Value) -> Result<Vec<String>, &'static str> {
    let name = encoded(&parameter.name);
    let encode = |text: &str| encoded(text);
    let one = |text: String| Ok(vec![format!("{name}={text}")]);
    match (parameter.style, value) {
        (Style::Json, value) => one(encoded(&value.to_string())),
        (Style::DeepObject, Value::Object(members)) => members
            .iter()
            .map(|(key, value)| {
                let (key, value) = (encoded(key), encoded(&scalar(value)?));
                Ok(format!("{name}%5B{key}%5D={value}"))
            })
            .collect(),
        (Style::DeepObject, _) => Err("is no object"),
        (_, Value::Array(items)) if parameter.explode => items
            .iter()
            .map(|item| Ok(format!("{name}={}", encoded(&scalar(item)?))))
            .collect(),
        (Style::Form, Value::Object(members)) if parameter.explode => members
            .iter()
            .map(|(key, value)| Ok(format!("{}={}", encoded(key), encoded(&scalar(value)?))))
            .collect(),
        (style, value) => {
            let between = match style {
                Style::SpaceDelimited => "%20",
                Style::PipeDelimited => "%7C",
                Style::Simple
                | Style::Label
                | Style::Matrix
                | Style::Form
                | Style::DeepObject
                | Style::Json => ",",
            };
            one(joined(parameter, value, (between, &encode))?)
        }
    }
}

/// A value that is one text.
fn scalar(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err("has lists or objects where there can be none"),
    }
}

fn scalar_texts(value: &Value) -> Result<Vec<String>, &'static str> {
    match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        Value::Object(members) => {
            let names = members.keys().cloned().map(Ok);
            names.chain(members.values().map(scalar)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Ok(vec![scalar(value)?])
        }
    }
}

/// The text with everything escaped that is not unreserved (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            all.push(char::from(byte));
        } else {
            // Writing into a string can't fail.
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}
