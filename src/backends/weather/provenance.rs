//! Whose data an answer is, and what its reader has to know of it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::nws::{ATTRIBUTION, Nws};

/// The members that every answer ends with.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provenance {
    /// Whose data this is.
    attribution: &'static str,
    /// True when the data is invented sample data.
    sample: bool,
    /// There only when the service can't be asked for newer data: how old this is, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<u64>,
}

impl Provenance {
    /// Data of `nws`; `age` is there when it stands in for newer data.
    pub(super) fn new(nws: &Nws, age: Option<Duration>) -> Self {
        Self {
            attribution: ATTRIBUTION,
            sample: nws.is_sample(),
            age_seconds: age.map(|age| age.as_secs()),
        }
    }

    pub(super) const fn is_sample(&self) -> bool {
        self.sample
    }

    /// The lines that stand before a text about `what`, each with its end; mostly none.
    pub(super) fn notice(&self, what: &str) -> String {
        let mut lines = String::new();
        if self.sample {
            lines = format!("Sample data, not {what}.\n");
        }
        if let Some(age) = self.age_seconds {
            let age = match age {
                ..120 => format!("{age} seconds"),
                120..7_200 => format!("{} minutes", age / 60),
                _ => format!("{} hours", age / 3_600),
            };
            lines.push_str(
                "The National Weather Service can't be asked for newer data now; this is ",
            );
            lines.push_str(&age);
            lines.push_str(" old.\n");
        }
        lines
    }
}
