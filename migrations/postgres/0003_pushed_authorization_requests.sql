-- Authorization requests that clients pushed (RFC 9126). Postgres; SQLite has the same table.

-- `digest` is that of the reference, which only the client and its user's browser know. `request`
-- is the request as a query. It may be begun until `expires_at`; `begun_at` says that it was, and
-- from then on `expires_at` is when the person must have answered.
CREATE TABLE pushed_requests (
    tenant     TEXT    NOT NULL,
    digest     BYTEA   NOT NULL,
    client_id  TEXT    NOT NULL,
    request    TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    begun_at   BIGINT,
    expires_at BIGINT  NOT NULL,
    PRIMARY KEY (tenant, digest)
);

-- For the removal of what has ended.
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);
