//! Lists in pages: a cursor says where the next one begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::store::Page;

/// How many items a page has where nothing is said.
const USUAL: u32 = 50;
/// How many it may have.
const MOST: u32 = 200;

/// What is wrong with a cursor that no page told.
const NO_CURSOR: ApiError = ApiError::Parameter {
    field: "cursor",
    expected: "what another page said under next",
};

/// Which page.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PageQuery {
    /// How many items, 1 to 200; 50 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) limit: Option<String>,
    /// Where it begins: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) cursor: Option<String>,
}

/// Part of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listing<T> {
    /// The items of this page.
    pub(super) items: Vec<T>,
    /// The cursor of the page after it; absent where this is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// A page that was asked for.
pub(crate) struct Wanted {
    after: Option<String>,
    limit: u32,
}

impl Wanted {
    /// Reads `limit` and `cursor`.
    pub(crate) fn read(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, ApiError> {
        let limit = limit.map_or(Some(USUAL), |text| text.parse().ok());
        let limit = limit.filter(|limit| (1..=MOST).contains(limit));
        let limit = limit.ok_or(ApiError::Parameter {
            field: "limit",
            expected: "a whole number from 1 to 200",
        })?;
        let after = cursor.map(decode).transpose()?;
        Ok(Self { after, limit })
    }

    /// What to ask the store for: one more than wanted tells whether there is another page.
    pub(crate) fn page(&self) -> Page<'_> {
        Page {
            after: self.after.as_deref(),
            limit: self.limit + 1,
        }
    }

    /// The items of the page, and the cursor of the next one; `key` is what the list is in order of.
    pub(crate) fn cut<T>(
        &self,
        items: Vec<T>,
        key: impl Fn(&T) -> &str,
    ) -> (Vec<T>, Option<String>) {
        self.cut_by(items, |item| key(item).to_owned())
    }

    /// The same for keys that aren't text.
    pub(crate) fn cut_by<T>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next = last.map(|item| URL_SAFE_NO_PAD.encode(key(item)));
        (items, next)
    }
}

impl PageQuery {
    pub(super) fn read(&self) -> Result<Wanted, ApiError> {
        Wanted::read(self.limit.as_deref(), self.cursor.as_deref())
    }
}

/// The number that a page of numbered items begins after.
pub(crate) fn after_number(after: Option<&str>) -> Result<Option<i64>, ApiError> {
    after
        .map(|text| text.parse().map_err(|_| NO_CURSOR))
        .transpose()
}

fn decode(cursor: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.contains('\0'));
    text.ok_or(NO_CURSOR)
}
