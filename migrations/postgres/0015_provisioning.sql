-- People and groups that an identity provider keeps here (SCIM, RFC 7643). Postgres; SQLite has the
-- same tables.

-- The provider's tokens, beside one that the configuration may name.
CREATE TABLE scim_tokens (
    tenant     TEXT   NOT NULL,
    digest     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);

-- What the provider says about an account; whether it is active says the account itself.
CREATE TABLE scim_users (
    tenant         TEXT   NOT NULL,
    user_id        TEXT   NOT NULL,
    user_name      TEXT   NOT NULL,
    user_name_key  TEXT   NOT NULL, -- in lower case: RFC 7643 §4.1.1 has it compared so
    external_id    TEXT,
    formatted_name TEXT,
    given_name     TEXT,
    family_name    TEXT,
    display_name   TEXT,
    email          TEXT,            -- not verified; it decides on nothing
    created_at     BIGINT NOT NULL,
    changed_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id),
    UNIQUE (tenant, user_name_key),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);

CREATE INDEX scim_users_by_external_id ON scim_users (tenant, external_id);

CREATE TABLE scim_groups (
    tenant           TEXT   NOT NULL,
    id               TEXT   NOT NULL,
    display_name     TEXT   NOT NULL,
    display_name_key TEXT   NOT NULL,
    external_id      TEXT,
    created_at       BIGINT NOT NULL,
    changed_at       BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, display_name_key)
);

CREATE TABLE scim_members (
    tenant   TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    PRIMARY KEY (tenant, group_id, user_id),
    FOREIGN KEY (tenant, group_id) REFERENCES scim_groups (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, user_id) REFERENCES scim_users (tenant, user_id) ON DELETE CASCADE
);

CREATE INDEX scim_members_by_user ON scim_members (tenant, user_id);
