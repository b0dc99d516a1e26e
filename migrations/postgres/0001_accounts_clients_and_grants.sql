-- Accounts, clients, grants, and what hangs on them. Postgres; SQLite has the same tables.
--
-- What holds for every table:
-- * `tenant` is the first column of every primary key, so that no row can be found, replaced or
--   referred to without naming its tenant.
-- * Times are whole seconds since the Unix epoch, as in JWT's NumericDate.
-- * Codes, tokens, cookies and client secrets are here only as their SHA-256 digest: who reads
--   this database learns none of them.
-- * Lists are JSON arrays in a text column. They are read and written whole, never searched.
-- * Nothing here is peculiar to one release of Postgres, and no extension is needed.

-- People with a local account. `id` is the `sub` of their tokens and outlives a change of name.
CREATE TABLE users (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    username   TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    password   TEXT    NOT NULL, -- Argon2id, PHC string
    disabled   BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, username)
);

-- Clients that registered themselves (RFC 7591). No grant refers to this table by foreign key: a
-- client that is identified by the URL of its metadata document never registers.
CREATE TABLE clients (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    name          TEXT,
    uri           TEXT,
    redirect_uris TEXT    NOT NULL,
    auth_method   TEXT    NOT NULL,
    secret        BYTEA,            -- digest; null for a public client
    grant_types   TEXT    NOT NULL,
    scopes        TEXT,             -- null when the client set itself no limit
    created_at    BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Browsers that a person signed in with, by the digest of their cookie.
CREATE TABLE login_sessions (
    tenant       TEXT    NOT NULL,
    digest       BYTEA   NOT NULL,
    user_id      TEXT    NOT NULL,
    signed_in_at BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    PRIMARY KEY (tenant, digest),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);

-- What a person allowed a client. A code and all refresh tokens that follow from it share one
-- grant; `revoked_at` ends all of them with a single write.
CREATE TABLE grants (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    client_id  TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    resource   TEXT    NOT NULL, -- RFC 8707
    created_at BIGINT  NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);

-- Authorization codes. A redeemed code stays for a while: only then is a replay recognised as one
-- (OAuth 2.1 §4.1.3).
CREATE TABLE authorization_codes (
    tenant       TEXT    NOT NULL,
    digest       BYTEA   NOT NULL,
    grant_id     TEXT    NOT NULL,
    redirect_uri TEXT    NOT NULL,
    challenge    BYTEA   NOT NULL, -- PKCE, S256 (RFC 7636)
    expires_at   BIGINT  NOT NULL,
    redeemed_at  BIGINT,
    PRIMARY KEY (tenant, digest),
    FOREIGN KEY (tenant, grant_id) REFERENCES grants (tenant, id) ON DELETE CASCADE
);

-- Refresh tokens. A consumed token stays until it expires, so that its reuse is recognised
-- (RFC 9700 §4.14.2). `salt` and the consumed token itself make its successor: a client that lost
-- the answer gets the same successor again, and this table could not reveal it.
CREATE TABLE refresh_tokens (
    tenant      TEXT    NOT NULL,
    digest      BYTEA   NOT NULL,
    grant_id    TEXT    NOT NULL,
    expires_at  BIGINT  NOT NULL,
    consumed_at BIGINT,
    salt        BYTEA,
    PRIMARY KEY (tenant, digest),
    FOREIGN KEY (tenant, grant_id) REFERENCES grants (tenant, id) ON DELETE CASCADE,
    CHECK ((consumed_at IS NULL) = (salt IS NULL))
);

-- The keys that sign access tokens. The private key is here in the clear: guard the database and
-- its backups.
CREATE TABLE signing_keys (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- RFC 7638 thumbprint
    algorithm   TEXT    NOT NULL,
    private_key TEXT    NOT NULL, -- PKCS #8, base64
    created_at  BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- A foreign key doesn't index the rows that refer; without these, each cascade reads whole tables.
CREATE INDEX login_sessions_by_user ON login_sessions (tenant, user_id);
CREATE INDEX grants_by_user ON grants (tenant, user_id);
CREATE INDEX authorization_codes_by_grant ON authorization_codes (tenant, grant_id);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (tenant, grant_id);

-- For the removal of what has ended, of all tenants at once.
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);
