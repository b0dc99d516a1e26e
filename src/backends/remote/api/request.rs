//! What a call of a tool is as a request: no argument gets out of the place that it is written to.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use url::Url;

use super::written::{Written, encoded, texts};
use crate::model::{ApiBodyKind, ApiOperation, ApiParameter, BODY, ParameterPlace, PathPart};

/// A request that is about to be sent, but for what shows who the gateway is.
#[derive(Debug)]
pub(super) struct ApiRequest {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The request that `operation` below `base` is with these arguments, or what is wrong with them.
pub(super) fn of(
    operation: &ApiOperation,
    base: &Url,
    arguments: &Map<String, Value>,
) -> Result<ApiRequest, String> {
    let (mut query, mut cookies) = (Vec::new(), Vec::new());
    let mut headers = HeaderMap::new();
    let kinds = HeaderValue::from_static("application/json, text/*;q=0.5, */*;q=0.1");
    headers.insert(ACCEPT, kinds);
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
        let written = Written::of(parameter);
        match parameter.place {
            ParameterPlace::Path => {}
            ParameterPlace::Query => query.extend(written.pairs(value).map_err(wrong)?),
            ParameterPlace::Cookie => cookies.extend(written.pairs(value).map_err(wrong)?),
            ParameterPlace::Header => {
                let text = written.plain(value).map_err(wrong)?;
                headers.insert(
                    parameter
                        .name
                        .parse::<HeaderName>()
                        .map_err(|_| wrong("is no header"))?,
                    header(&text).ok_or_else(|| wrong("has what no header can have"))?,
                );
            }
        }
    }
    if !cookies.is_empty() {
        let cookies = HeaderValue::from_str(&cookies.join("; "));
        headers.insert(
            COOKIE,
            cookies.map_err(|_| "a cookie can't be sent".to_owned())?,
        );
    }
    let body = body(operation, arguments, &mut headers)?;
    let path = path(operation, arguments)?;
    Ok(ApiRequest {
        url: address(base, &path, &query)?,
        headers,
        body,
    })
}

/// Header values are visible characters of ASCII here: others are read in several ways (RFC 9110 §5.5).
fn header(text: &str) -> Option<HeaderValue> {
    let is_visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    is_visible.then(|| HeaderValue::from_str(text).ok())?
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

fn path(operation: &ApiOperation, arguments: &Map<String, Value>) -> Result<String, String> {
    let mut path = String::new();
    for part in &operation.path {
        match part {
            PathPart::Text(text) => path += text,
            PathPart::Parameter(name) => {
                let mut described = operation.parameters.iter();
                let is_it =
                    |it: &&ApiParameter| it.place == ParameterPlace::Path && it.name == *name;
                let parameter = described.find(is_it);
                let parameter = parameter.ok_or("a parameter of the path is not described")?;
                let value = arguments.get(&parameter.argument).unwrap_or_default();
                let text = segment(parameter, value);
                path +=
                    &text.map_err(|why| format!("the argument {:?} {why}", parameter.argument))?;
            }
        }
    }
    Ok(path)
}

/// What is written into a segment of the path (OpenAPI 3.1 §4.8.12.4). Whoever decodes it once more,
/// or takes `\` or an encoded slash for a separator, still finds one segment there.
fn segment(parameter: &ApiParameter, value: &Value) -> Result<String, &'static str> {
    let text = Written::of(parameter).in_path(value)?;
    if text.is_empty() {
        return Err("is empty, and has its place in the path");
    }
    let mut plain = texts(value)?;
    plain.push(text.clone());
    plain.iter().try_for_each(|text| stays(text))?;
    Ok(text)
}

fn stays(text: &str) -> Result<(), &'static str> {
    // How often a text may be encoded.
    const ROUNDS: usize = 4;
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        if text.contains(char::is_control) {
            return Err("has control characters, and its place in the path");
        }
        if text.contains(['/', '\\']) {
            return Err("has a slash, and its place in one segment of the path");
        }
        // Some servers read what comes after a semicolon for themselves.
        let before = text.split(';').next().unwrap_or_default();
        if matches!(before, "." | "..") {
            return Err("leads to another path");
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return Ok(());
        }
        text = decoded;
    }
    Err("is encoded again and again")
}

fn body(
    operation: &ApiOperation,
    arguments: &Map<String, Value>,
    headers: &mut HeaderMap,
) -> Result<Bytes, String> {
    let Some(body) = &operation.body else {
        return Ok(Bytes::new());
    };
    let Some(value) = arguments.get(BODY) else {
        let missing = || format!("the argument {BODY:?} is missing");
        return (!body.is_required).then(Bytes::new).ok_or_else(missing);
    };
    match &body.kind {
        ApiBodyKind::Json(kind) => {
            let kind = header(kind).ok_or("the body is of a kind that can't be named")?;
            headers.insert(CONTENT_TYPE, kind);
            Ok(Bytes::from(value.to_string()))
        }
        ApiBodyKind::Form(fields) => {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, kind);
            let members = value.as_object();
            let members = members.ok_or_else(|| format!("the argument {BODY:?} is no object"))?;
            let mut pairs = Vec::new();
            for (name, value) in members {
                let wrong = |why: &str| format!("{name:?} of the body {why}");
                match fields.get(name) {
                    Some((style, explode)) => {
                        let written = Written::new(name, *style, *explode);
                        pairs.extend(written.pairs(value).map_err(wrong)?);
                    }
                    None => pairs.extend(field(name, value)),
                }
            }
            Ok(Bytes::from(pairs.join("&")))
        }
    }
}

/// A field of a form of which nothing is said (OpenAPI 3.1 §4.8.15): objects are JSON.
fn field(name: &str, value: &Value) -> Vec<String> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        Value::Null => &[],
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            std::slice::from_ref(value)
        }
    };
    let written = values.iter().map(|value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", encoded(name), encoded(&text))
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ParameterStyle;

    #[test]
    fn k11_what_leads_out_of_a_segment_is_refused_however_often_it_is_encoded() {
        for text in [
            "..",
            ".",
            "a/b",
            "../a",
            "..\\a",
            "a\\b",
            "%2e%2e",
            "%2E.",
            "a%2fb",
            "a%2Fb",
            "a%5cb",
            "a%252fb",
            "%252e%252e",
            "..;a",
            ".;",
            "..%3ba",
            "a\r\nb",
            "a%0d%0ab",
            "\0",
            "%00",
            "%25252525252e",
            "..\u{2028};/",
        ] {
            assert!(stays(text).is_err(), "{text:?}");
        }
        for text in [
            "a", "a..b", "...", "a;b", "50%", "x?y=1#z", "{id}", "ä ö", "a.b",
        ] {
            assert!(stays(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn what_a_reader_of_urls_would_change_is_refused() {
        let base = Url::parse("https://api.example.com/v1/").unwrap();
        let whole = |path: &str| address(&base, path, &[]).map(String::from);
        assert_eq!(whole("/a%20b").unwrap(), "https://api.example.com/v1/a%20b");
        assert_eq!(
            whole("//evil.example/").unwrap(),
            "https://api.example.com/v1//evil.example/"
        );
        for path in [
            "/../a",
            "/a/..",
            "/%2e%2e/a",
            "/a\\b",
            "/a b",
            "/a?b",
            "/a#b",
            "/\tb",
        ] {
            assert!(whole(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn every_style_is_written_as_openapi_has_it() {
        use ParameterStyle::{Form, Label, Matrix, Simple};
        let list = serde_json::json!(["blue", "black"]);
        let object = serde_json::json!({ "R": 100, "G": 200 });
        // OpenAPI 3.1 §4.8.12.4, the examples of paths.
        for (style, explode, of_list, of_object) in [
            (Simple, false, "blue,black", "R,100,G,200"),
            (Simple, true, "blue,black", "R=100,G=200"),
            (Label, false, ".blue,black", ".R,100,G,200"),
            (Label, true, ".blue.black", ".R=100.G=200"),
            (Matrix, false, ";color=blue,black", ";color=R,100,G,200"),
            (Matrix, true, ";color=blue;color=black", ";R=100;G=200"),
        ] {
            let written = Written::new("color", style, explode);
            assert_eq!(written.in_path(&list).unwrap(), of_list);
            assert_eq!(written.in_path(&object).unwrap(), of_object);
        }
        for (style, explode, of_list, of_object) in [
            (Form, true, "color=blue&color=black", "R=100&G=200"),
            (Form, false, "color=blue,black", "color=R,100,G,200"),
            (
                ParameterStyle::SpaceDelimited,
                false,
                "color=blue%20black",
                "color=R%20100%20G%20200",
            ),
            (
                ParameterStyle::PipeDelimited,
                false,
                "color=blue%7Cblack",
                "color=R%7C100%7CG%7C200",
            ),
        ] {
            let written = Written::new("color", style, explode);
            assert_eq!(written.pairs(&list).unwrap().join("&"), of_list);
            assert_eq!(written.pairs(&object).unwrap().join("&"), of_object);
        }
        let deep = Written::new("color", ParameterStyle::DeepObject, true);
        let pairs = deep.pairs(&object).unwrap().join("&");
        assert_eq!(pairs, "color%5BR%5D=100&color%5BG%5D=200");
        assert!(deep.pairs(&list).is_err());
    }
}
