-- Clients that sign, clients that are known by the URL of their metadata document, and the copies
-- of what they keep on the Web. Postgres; SQLite has the same.

-- RFC 7591 §2: one of the two for a client that signs its assertions, neither for others.
ALTER TABLE clients ADD COLUMN jwks TEXT; -- JSON
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;

-- Metadata documents and key sets as they were last seen in good order, each as the tenant saw it.
CREATE TABLE remote_documents (
    tenant      TEXT NOT NULL,
    url         TEXT NOT NULL,
    body        TEXT NOT NULL,
    fetched_at  BIGINT NOT NULL,
    fresh_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, url)
);

CREATE INDEX remote_documents_by_age ON remote_documents (fetched_at);

-- RFC 7523 §3: assertions that were used, until they would be refused for their age.
CREATE TABLE client_assertions (
    tenant     TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    jti        BYTEA NOT NULL, -- digest
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, client_id, jti)
);

CREATE INDEX client_assertions_by_end ON client_assertions (expires_at);
