-- Operators of the gateway itself. Postgres; SQLite has the same tables.
--
-- These tables are nobody's but the gateway's: `restricted_to` says which tenant exists for an
-- operator, not whose row it is. An operator ends with that tenant all the same, so that one of the
-- same name that is added later does not inherit them.
CREATE TABLE operators (
    name          TEXT    NOT NULL PRIMARY KEY,
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    restricted_to TEXT,             -- null for an operator of all tenants
    token         BYTEA   NOT NULL, -- digest
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT            -- null for a token that is good until it is removed
);

CREATE UNIQUE INDEX operators_by_token ON operators (token);

-- Browsers that an operator signed in with at the console, by the digest of their cookie.
CREATE TABLE operator_sessions (
    digest     BYTEA   NOT NULL PRIMARY KEY,
    operator   TEXT    NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
    started_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);

CREATE INDEX operator_sessions_by_operator ON operator_sessions (operator);
