//! Weather in the words of texts: temperatures and lines of parts that may be missing.

use crate::nws::TemperatureUnit;

/// `58°F`
pub(super) fn temperature(degrees: f64, unit: Option<TemperatureUnit>) -> String {
    let unit = unit
        .map(|unit| unit.letter().to_string())
        .unwrap_or_default();
    // Adding zero makes a rounded -0 a 0.
    format!("{}°{unit}", degrees.round() + 0.0)
}

/// `Tonight: 58°F — Mostly Clear`, as far as its parts are known.
pub(super) fn line(name: &str, parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        format!("{name}: no details")
    } else {
        format!("{name}: {}", parts.join(" — "))
    }
}
