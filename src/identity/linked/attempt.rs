//! One attempt to link an account, from the person's word to their return. It travels in `state`,
//! sealed, so that any replica can finish it; the PKCE verifier follows from a cookie and from it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use url::Url;

use super::LinkError;
use crate::jose::TextCipher;
use crate::model::{Digest, Linkable, Secret, Tenant, Timestamp, UserId};

/// For how long a person may take at the authorization server.
pub const LIFETIME: Duration = Duration::from_mins(10);

/// What `state` says once it is opened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempt {
    pub(super) id: String,
    pub(super) server: String,
    /// Where the server was then.
    pub(super) server_url: String,
    pub(super) user: String,
    /// The digest of the browser's cookie.
    pub(super) browser: String,
    pub(super) begun_at: i64,
    pub(super) issuer: String,
    /// True where the answer must name it (RFC 9207 §2.4).
    pub(super) names_issuer: bool,
    pub(super) token_endpoint: Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revocation_endpoint: Option<Url>,
    pub(super) client_id: String,
    pub(super) resource: String,
}

/// The digest by which a browser is known again.
pub(super) fn digest_of(browser: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(browser.digest().as_bytes())
}

impl Attempt {
    pub(super) fn seal(&self, cipher: &TextCipher, tenant: &Tenant) -> Result<Secret, LinkError> {
        const FAILED: LinkError = LinkError::Unavailable("the state can't be sealed");
        let text = serde_json::to_vec(self).map_err(|_| FAILED)?;
        let sealed = cipher.seal(&place(tenant), &text).map_err(|_| FAILED)?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what came back: it is ours, and of this tenant.
    pub(super) fn open(
        cipher: &TextCipher,
        tenant: &Tenant,
        state: &str,
    ) -> Result<Self, LinkError> {
        let sealed = URL_SAFE_NO_PAD.decode(state);
        let sealed = sealed.map_err(|_| LinkError::UnknownState)?;
        let opened = cipher.open(&place(tenant), &sealed);
        let opened = opened.map_err(|_| LinkError::UnknownState)?;
        serde_json::from_str(opened.expose()).map_err(|_| LinkError::UnknownState)
    }

    /// True in the browser in which it was begun, and for the person who began it: whoever was sent
    /// a link to the end of someone else's attempt would have that one's account linked to theirs.
    pub(super) fn is_of(&self, browser: &Secret, user: &UserId) -> bool {
        let own = Secret::new(self.browser.clone());
        own.matches(&Secret::new(digest_of(browser))) && self.user == user.as_str()
    }

    /// True when the server is described as it was then.
    pub(super) fn is_about(&self, at: Linkable<'_>) -> bool {
        self.server == at.server && self.server_url == at.address.url.as_str()
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends_at()
    }

    pub(super) fn ends_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.begun_at).after(LIFETIME)
    }

    pub(super) fn verifier(&self, browser: &Secret) -> Secret {
        browser.derive(format!("link/{}", self.id).as_bytes())
    }

    /// RFC 7636 §4.2, S256
    pub(super) fn challenge(&self, browser: &Secret) -> String {
        let verifier = self.verifier(browser);
        URL_SAFE_NO_PAD.encode(Digest::of(verifier.expose().as_bytes()).as_bytes())
    }
}

/// Where a state opens: that of another tenant doesn't.
fn place(tenant: &Tenant) -> String {
    format!("link/{}", tenant.slug)
}
