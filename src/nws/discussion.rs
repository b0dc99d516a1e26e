//! What forecasters write about their forecasts: `/products` of the type AFD.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use super::desk::Desk;
use super::error::{NwsError, Reason};
use super::moment::Moment;
use super::request::Request;
use super::shelf::{Fetched, Found};
use super::{Nws, wire};

/// A forecast office, by the three letters of its identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Office(String);

/// The text is no office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "That is not the identifier of a forecast office. Give its three letters, such as MTR; \
     get_forecast names the office of a point."
)]
pub struct InvalidOffice;

/// A discussion of the weather to come.
#[derive(Clone, Debug)]
pub struct Discussion {
    /// When it was issued.
    pub issued_at: Option<Moment>,
    /// The text, as the forecasters wrote it.
    pub text: String,
}

/// The identifier of a text, which is a UUID.
#[derive(Clone, Debug)]
pub(super) struct ProductId(String);

/// The texts of an office, newest first.
#[derive(Deserialize)]
struct ProductList {
    #[serde(rename = "@graph")]
    graph: Vec<ListedProduct>,
}

#[derive(Deserialize)]
struct ListedProduct {
    #[serde(default, deserialize_with = "wire::lenient")]
    id: Option<String>,
}

/// A text as it is sent; one without `productText` is none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(default, deserialize_with = "wire::moment")]
    issuance_time: Option<Moment>,
    #[serde(deserialize_with = "wire::document")]
    product_text: String,
}

impl Nws {
    /// The newest discussion of `office`.
    pub async fn discussion(&self, office: &Office) -> Result<Found<Discussion>, NwsError> {
        let fetch = || fetch(Arc::clone(&self.desk), office.clone());
        self.discussions.get(office, fetch).await
    }
}

async fn fetch(desk: Arc<Desk>, office: Office) -> Result<Fetched<Discussion>, NwsError> {
    let list = desk.load(&Request::Discussions(office)).await?;
    let ProductList { graph } = list.sent;
    let newest = graph
        .into_iter()
        .find_map(|listed| ProductId::new(listed.id?));
    let product = Request::Product(newest.ok_or(Reason::NotFound)?);
    let product = desk.load(&product).await?;
    let fetched = product.kept_as(|sent: Product| Discussion {
        issued_at: sent.issuance_time,
        text: sent.product_text,
    });
    // A text never changes, but a newer one may come any time.
    Ok(Fetched {
        max_age: None,
        ..fetched
    })
}

impl ProductId {
    fn new(id: String) -> Option<Self> {
        let valid = id.len() == 36
            && id
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        valid.then_some(Self(id))
    }
}

impl FromStr for Office {
    type Err = InvalidOffice;

    /// Takes upper and lower case, and the four letters that aviation has (`KMTR`, `PHFO`).
    fn from_str(text: &str) -> Result<Self, InvalidOffice> {
        let text = text.to_ascii_uppercase();
        let office = match text.strip_prefix(['K', 'P']) {
            Some(rest) if rest.len() == 3 => rest,
            _ => text.as_str(),
        };
        let letters = office.len() == 3 && office.bytes().all(|byte| byte.is_ascii_uppercase());
        (letters || matches!(office, "NH1" | "NH2"))
            .then(|| Self(office.to_owned()))
            .ok_or(InvalidOffice)
    }
}

impl fmt::Display for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
