//! What a client and its user's browser do over HTTP: requests, cookies, forms.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;
use url::Url;

use crate::egress;

/// An HTTP client with a cookie jar for its one gateway; it follows no redirect by itself.
#[derive(Debug)]
pub(super) struct Agent {
    client: egress::Client,
    cookies: BTreeMap<String, String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A form of a page: where it goes, and what it carries by itself.
#[derive(Debug)]
pub(super) struct Form {
    action: Url,
    fields: Vec<(String, String)>,
}

impl Agent {
    pub(super) fn new(client: egress::Client) -> Self {
        Self {
            client,
            cookies: BTreeMap::new(),
        }
    }

    pub(super) async fn get(&mut self, url: &str) -> anyhow::Result<Answer> {
        let response = self
            .client
            .get(Url::parse(url)?, self.cookie_header()?)
            .await?;
        self.take(response)
    }

    pub(super) async fn post_json(
        &mut self,
        url: &str,
        token: Option<&str>,
        headers: HeaderMap,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let mut headers = headers;
        headers.insert(CONTENT_TYPE, "application/json".parse()?);
        headers.insert(ACCEPT, "application/json, text/event-stream".parse()?);
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
        }
        self.post(url, headers, serde_json::to_vec(body)?.into())
            .await
    }

    pub(super) async fn post_form(
        &mut self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse()?);
        self.post(url, headers, body.into()).await
    }

    /// Fills in `fields` and submits, as a person would.
    pub(super) async fn submit(
        &mut self,
        form: &Form,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let carried = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = carried.chain(fields.iter().copied()).collect();
        self.post_form(form.action.as_str(), &all).await
    }

    async fn post(&mut self, url: &str, headers: HeaderMap, body: Bytes) -> anyhow::Result<Answer> {
        let mut all = self.cookie_header()?;
        all.extend(headers);
        let response = self.client.post(Url::parse(url)?, all, body).await?;
        self.take(response)
    }

    fn cookie_header(&self) -> anyhow::Result<HeaderMap> {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut headers = HeaderMap::new();
        if !cookies.is_empty() {
            headers.insert(COOKIE, cookies.join("; ").parse()?);
        }
        Ok(headers)
    }

    fn take(&mut self, response: Response<Bytes>) -> anyhow::Result<Answer> {
        let (head, body) = response.into_parts();
        for cookie in head.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie without value")?;
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

impl Answer {
    /// The answer, when it has the status that the step needs.
    pub(super) fn expect(self, status: StatusCode) -> anyhow::Result<Self> {
        if self.status != status {
            let body = String::from_utf8_lossy(&self.body);
            let start: String = body.chars().take(300).collect();
            bail!("expected {status}, got {}: {start}", self.status);
        }
        Ok(self)
    }

    pub(super) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> anyhow::Result<&str> {
        let value = self.headers.get(name).context("a header is missing")?;
        value.to_str().context("a header is not text")
    }

    /// Where a redirect leads, relative to the page that answered.
    pub(super) fn location(&self, page: &Url) -> anyhow::Result<Url> {
        Ok(page.join(self.header(LOCATION)?)?)
    }

    /// The form of the page that has a field or button of this name.
    pub(super) fn form(&self, page: &Url, field: &str) -> anyhow::Result<Form> {
        let html = std::str::from_utf8(&self.body)?;
        let wanted = format!("name=\"{field}\"");
        let form = html
            .split("<form")
            .skip(1)
            .filter_map(|rest| rest.split("</form>").next())
            .find(|form| form.contains(&wanted))
            .with_context(|| format!("the page has no form with a field {field:?}"))?;
        let opening = form.split('>').next().unwrap_or_default();
        let action = attribute(opening, "action").unwrap_or_default();
        let hidden = form
            .split("<input")
            .skip(1)
            .filter_map(|rest| rest.split('>').next())
            .filter(|input| attribute(input, "type").as_deref() == Some("hidden"))
            .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        Ok(Form {
            action: page.join(&action)?,
            fields: hidden.collect(),
        })
    }
}

/// The value of an attribute, with the entities that our own pages use resolved.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = format!(" {name}=\"");
    let value = tag.split_once(&start)?.1.split('"').next()?;
    let entities = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    Some(
        entities
            .iter()
            .fold(value.to_owned(), |text, (from, to)| text.replace(from, to)),
    )
}
