-- What identity providers gave, and how often a password was tried. SQLite; Postgres has the same.

-- The provider's own session, so that the provider can end ours. Null for a local account.
ALTER TABLE login_sessions ADD COLUMN issuer TEXT;
ALTER TABLE login_sessions ADD COLUMN provider_session TEXT;
CREATE INDEX login_sessions_by_provider ON login_sessions (tenant, issuer, provider_session)
WHERE provider_session IS NOT NULL;

-- What asks the provider about a person again. `sealed` is null once the provider has refused it:
-- nothing is renewed then until the person signs in. One replica at a time asks, until `leased_until`.
CREATE TABLE provider_tokens (
    tenant       TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    sealed       BLOB,
    leased_until INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
) STRICT;

-- Passwords that were tried, since `since`, for one account or from one browser that knows it.
CREATE TABLE sign_in_attempts (
    tenant     TEXT NOT NULL,
    digest     BLOB NOT NULL,
    attempts   INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT;

CREATE INDEX sign_in_attempts_by_end ON sign_in_attempts (expires_at);
