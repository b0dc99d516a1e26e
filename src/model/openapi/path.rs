//! The paths of an OpenAPI document (OpenAPI 3.1 §4.8.8.2): text, and names in braces.

use percent_encoding::percent_decode_str;

use super::parameter::{ApiParameter, ParameterPlace};
use super::schema::Unusable;
use super::shown;

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPart {
    /// It stands there.
    Text(String),
    /// The value of the parameter of this name.
    Parameter(String),
}

/// The pieces of the path. It leads nowhere but below the server's URL, and all its parameters are
/// described.
pub(super) fn parts(path: &str, parameters: &[ApiParameter]) -> Result<Vec<PathPart>, Unusable> {
    if !path.starts_with('/') {
        return Err(Unusable::mistake("its path does not begin with a slash"));
    }
    let mut parts = Vec::new();
    let mut rest = path;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| Unusable::mistake("a brace of its path is not closed"))?;
        parts.push(PathPart::Text(text.to_owned()));
        parts.push(PathPart::Parameter(name.to_owned()));
        rest = after;
    }
    parts.push(PathPart::Text(rest.to_owned()));
    for part in &parts {
        check(part, parameters)?;
    }
    check_segments(path)?;
    let described = parameters
        .iter()
        .filter(|it| it.place == ParameterPlace::Path);
    for parameter in described {
        let part = PathPart::Parameter(parameter.name.clone());
        if !parts.contains(&part) {
            let name = shown(&parameter.name);
            return Err(Unusable::mistake(format!("its path has no {{{name}}}")));
        }
    }
    Ok(parts)
}

fn check(part: &PathPart, parameters: &[ApiParameter]) -> Result<(), Unusable> {
    match part {
        // RFC 3986 §3.3
        PathPart::Text(text) => {
            let fits =
                |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@".contains(&byte);
            if text.bytes().all(fits) {
                Ok(())
            } else {
                Err(Unusable::mistake(
                    "its path has characters that no path has",
                ))
            }
        }
        PathPart::Parameter(name) => {
            let mut described = parameters.iter();
            if described.any(|it| it.place == ParameterPlace::Path && it.name == *name) {
                Ok(())
            } else {
                let name = shown(name);
                Err(Unusable::mistake(format!(
                    "{{{name}}} of its path is not described"
                )))
            }
        }
    }
}

/// No segment leads upwards, whoever decodes it.
fn check_segments(path: &str) -> Result<(), Unusable> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut segments = decoded.split(['/', '\\']);
    if segments.any(|segment| matches!(segment, "." | "..")) {
        return Err(Unusable::mistake("its path leads upwards"));
    }
    Ok(())
}
