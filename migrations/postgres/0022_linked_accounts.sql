-- Accounts at mounted servers that people have linked, and what the gateway is called at the servers'
-- authorization servers. Postgres; SQLite has the same.

-- `sealed` has the tokens and where they are renewed; it is null once the authorization server has
-- refused to renew them: nothing is asked then until the person links the account anew. One replica
-- at a time renews, until `leased_until`.
CREATE TABLE linked_accounts (
    tenant       TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    server       TEXT NOT NULL,
    sealed       BYTEA,
    leased_until BIGINT NOT NULL,
    linked_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, server),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);

-- By issuer: what one authorization server gave is never shown to another one.
CREATE TABLE upstream_clients (
    tenant TEXT NOT NULL,
    issuer TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (tenant, issuer)
);

SELECT keep_tenants_apart('linked_accounts');
SELECT keep_tenants_apart('upstream_clients');
