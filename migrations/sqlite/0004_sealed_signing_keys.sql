-- Signing keys are encrypted. Those that lay open are not kept: whoever saw the file could sign
-- with them. Clients refresh their access tokens once.
DROP TABLE signing_keys;

CREATE TABLE signing_keys (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL, -- RFC 7638 thumbprint
    algorithm  TEXT    NOT NULL,
    sealed_key BLOB    NOT NULL, -- nonce, then PKCS #8 under AES-256-GCM
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL, -- published before, so that every replica knows it by then
    PRIMARY KEY (tenant, id)
) STRICT;
