-- DPoP (RFC 9449): keys that codes and refresh tokens are bound to, and identifiers that count once.
-- Postgres; SQLite has the same.

-- The thumbprint of the key (RFC 7638); null for what is bound to none.
ALTER TABLE authorization_codes ADD COLUMN dpop_key BYTEA;
ALTER TABLE refresh_tokens ADD COLUMN dpop_key BYTEA;

-- Assertions (RFC 7523 §3) and proofs (RFC 9449 §11.1) that were used, until they would be refused
-- for their age. The digest covers what kind of thing it is and whose.
CREATE TABLE spent_identifiers (
    tenant     TEXT NOT NULL,
    digest     BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);

CREATE INDEX spent_identifiers_by_end ON spent_identifiers (expires_at);

DROP TABLE client_assertions;
