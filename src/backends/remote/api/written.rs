//! How values are written into a request (OpenAPI 3.1 §4.8.12.3): everything that could mean
//! something else there is escaped.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::model::{ApiParameter, ParameterStyle};

/// All but what is unreserved (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How values of one name are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    name: &'a str,
    style: ParameterStyle,
    explode: bool,
}

const NO_TEXT: &str = "has lists or objects where there can be none";

impl<'a> Written<'a> {
    pub(super) const fn new(name: &'a str, style: ParameterStyle, explode: bool) -> Self {
        Self {
            name,
            style,
            explode,
        }
    }

    pub(super) fn of(parameter: &'a ApiParameter) -> Self {
        Self::new(&parameter.name, parameter.style, parameter.explode)
    }

    /// Within a path, without a slash.
    pub(super) fn in_path(self, value: &Value) -> Result<String, &'static str> {
        match self.style {
            ParameterStyle::Label => {
                let between = if self.explode { "." } else { "," };
                Ok(format!(".{}", self.joined(value, between, encoded)?))
            }
            ParameterStyle::Matrix => {
                let exploded = self.explode && (value.is_array() || value.is_object());
                let pairs = if exploded {
                    self.exploded(value)?
                } else {
                    vec![self.pair(&self.joined(value, ",", encoded)?)]
                };
                Ok(format!(";{}", pairs.join(";")))
            }
            ParameterStyle::Json => Ok(encoded(&value.to_string())),
            ParameterStyle::Simple
            | ParameterStyle::Form
            | ParameterStyle::SpaceDelimited
            | ParameterStyle::PipeDelimited
            | ParameterStyle::DeepObject => self.joined(value, ",", encoded),
        }
    }

    /// As a header, where nothing is escaped.
    pub(super) fn plain(self, value: &Value) -> Result<String, &'static str> {
        if self.style == ParameterStyle::Json {
            return Ok(value.to_string());
        }
        self.joined(value, ",", str::to_owned)
    }

    /// As `name=value`, in a query, a form or a cookie.
    pub(super) fn pairs(self, value: &Value) -> Result<Vec<String>, &'static str> {
        let between = match (self.style, value) {
            (ParameterStyle::Json, _) => {
                return Ok(vec![self.pair(&encoded(&value.to_string()))]);
            }
            (ParameterStyle::DeepObject, Value::Object(members)) => {
                let pairs = members.iter().map(|(key, value)| {
                    let (name, key) = (encoded(self.name), encoded(key));
                    Ok(format!("{name}%5B{key}%5D={}", encoded(&text(value)?)))
                });
                return pairs.collect();
            }
            (ParameterStyle::DeepObject, _) => return Err("is no object"),
            (_, Value::Array(_)) if self.explode => return self.exploded(value),
            (ParameterStyle::Form, Value::Object(_)) if self.explode => {
                return self.exploded(value);
            }
            (ParameterStyle::SpaceDelimited, _) => "%20",
            (ParameterStyle::PipeDelimited, _) => "%7C",
            _ => ",",
        };
        Ok(vec![self.pair(&self.joined(value, between, encoded)?)])
    }

    fn pair(self, value: &str) -> String {
        format!("{}={value}", encoded(self.name))
    }

    /// Each value by itself: under the name of the parameter in a list, under its own in an object.
    fn exploded(self, value: &Value) -> Result<Vec<String>, &'static str> {
        match value {
            Value::Array(items) => {
                let pairs = items
                    .iter()
                    .map(|item| Ok(self.pair(&encoded(&text(item)?))));
                pairs.collect()
            }
            Value::Object(members) => {
                let pairs = members.iter();
                let pairs = pairs
                    .map(|(key, value)| Ok(format!("{}={}", encoded(key), encoded(&text(value)?))));
                pairs.collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Ok(vec![self.pair(&encoded(&text(value)?))])
            }
        }
    }

    /// The values one after another; members as `name=value` where they explode.
    fn joined(
        self,
        value: &Value,
        between: &str,
        encode: fn(&str) -> String,
    ) -> Result<String, &'static str> {
        let equals = if self.explode { "=" } else { between };
        let parts: Result<Vec<String>, &'static str> = match value {
            Value::Array(items) => items.iter().map(|item| Ok(encode(&text(item)?))).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let members = members.map(|(name, value)| {
                    Ok(format!("{}{equals}{}", encode(name), encode(&text(value)?)))
                });
                members.collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Ok(vec![encode(&text(value)?)])
            }
        };
        Ok(parts?.join(between))
    }
}

/// A value that is one text.
fn text(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err(NO_TEXT),
    }
}

/// All texts in a value of a parameter.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, &'static str> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Object(members) => {
            let names = members.keys().cloned().map(Ok);
            names.chain(members.values().map(text)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Ok(vec![text(value)?])
        }
    }
}

/// The text with everything escaped that is not unreserved.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
