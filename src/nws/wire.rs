//! Reading JSON of which any part may be null, new or of another kind than documented.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::moment::Moment;
use super::text;

/// A number with its unit (`QuantitativeValue`), a plain number, or a text that has both.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Quantity {
    /// The number, or the smaller one of a range.
    pub(super) value: Option<f64>,
    /// The larger one of a range.
    pub(super) upper: Option<f64>,
    /// The code of the unit without its namespace.
    pub(super) unit: Option<String>,
    /// The text, when it is one.
    pub(super) text: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Any<T> {
    Expected(T),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyQuantity {
    Number(f64),
    Text(String),
    #[serde(rename_all = "camelCase")]
    Structured {
        #[serde(default, deserialize_with = "lenient")]
        value: Option<f64>,
        #[serde(default, deserialize_with = "lenient")]
        min_value: Option<f64>,
        #[serde(default, deserialize_with = "lenient")]
        max_value: Option<f64>,
        #[serde(default, deserialize_with = "lenient")]
        unit_code: Option<String>,
    },
}

/// The value, or nothing when it is of another kind.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(match Any::deserialize(deserializer)? {
        Any::Expected(value) => Some(value),
        Any::Other(IgnoredAny) => None,
    })
}

/// The value, or its type's default when it is of another kind.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    lenient(deserializer).map(Option::unwrap_or_default)
}

/// A cleaned text of one line; nothing when it is empty or no text.
pub(super) fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    cleaned(deserializer, text::line)
}

/// A cleaned text of any number of lines; nothing when it is empty or no text.
pub(super) fn passage<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    cleaned(deserializer, text::passage)
}

/// A cleaned text of many pages, which must be one.
pub(super) fn document<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| text::document(&text))
}

/// An instant; nothing when it can't be read as one.
pub(super) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Moment>, D::Error> {
    let text: Option<String> = lenient(deserializer)?;
    Ok(text.as_deref().and_then(Moment::parse))
}

/// A quantity in any of its spellings; an empty one when it is none.
pub(super) fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    let spelling: Option<AnyQuantity> = lenient(deserializer)?;
    Ok(spelling.map(Quantity::from).unwrap_or_default())
}

fn cleaned<'de, D: Deserializer<'de>>(
    deserializer: D,
    clean: fn(&str) -> String,
) -> Result<Option<String>, D::Error> {
    let text: Option<String> = lenient(deserializer)?;
    Ok(text
        .map(|text| clean(&text))
        .filter(|text| !text.is_empty()))
}

impl From<AnyQuantity> for Quantity {
    fn from(spelling: AnyQuantity) -> Self {
        match spelling {
            AnyQuantity::Number(value) => Self {
                value: Some(value),
                ..Self::default()
            },
            AnyQuantity::Text(text) => Self {
                text: Some(text::line(&text)).filter(|text| !text.is_empty()),
                ..Self::default()
            },
            AnyQuantity::Structured {
                value,
                min_value,
                max_value,
                unit_code,
            } => Self {
                value: min_value.or(value),
                upper: min_value.and(max_value),
                unit: unit_code.as_deref().map(without_namespace),
                text: None,
            },
        }
    }
}

/// `wmoUnit:degC`, `unit:degC` and `degC` are one.
pub(super) fn without_namespace(code: &str) -> String {
    text::line(code.rsplit(':').next().unwrap_or_default())
}
