//! A document's text, in JSON or in YAML 1.2, as the JSON value that it means: nothing in it is read
//! in two ways, and what aliases repeat counts each time.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{LARGEST_DOCUMENT, shown};
use crate::model::strict_json::{MESSAGE_DEPTH, read_strictly};

/// A value in YAML.
struct Yaml(Value);

/// How many nodes a document in YAML may have.
const MOST_NODES: usize = 1_000_000;

/// Reads the text, or says why it can't be.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read = read_strictly(&mut json, MESSAGE_DEPTH);
        let read = read.and_then(|value| json.end().map(|()| value));
        return read.map_err(|error| {
            format!(
                "it is no JSON that everybody reads alike: {}",
                shown(&error.to_string())
            )
        });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: usize::from(MESSAGE_DEPTH),
            max_nodes: MOST_NODES,
            max_events: MOST_NODES * 2,
            max_total_scalar_bytes: LARGEST_DOCUMENT,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_NODES / 10,
        },
        // What earlier versions of YAML take for something else is text: `no`, `0755`, `1_000`.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    let read = serde_saphyr::from_slice_with_options(bytes, options);
    read.map(|Yaml(value)| value).map_err(|error| {
        format!(
            "it is no YAML that everybody reads alike: {}",
            shown(&error.to_string())
        )
    })
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_strictly(deserializer, MESSAGE_DEPTH).map(Self)
    }
}
