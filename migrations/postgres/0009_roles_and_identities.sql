-- People have any number of roles, and some sign in at an identity provider. Postgres; SQLite has the
-- same columns.

ALTER TABLE users ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
UPDATE users SET roles = json_build_array(role)::text;
ALTER TABLE users DROP COLUMN role;

-- Null for those who sign in elsewhere.
ALTER TABLE users ALTER COLUMN password DROP NOT NULL;

-- Null for a local account. Issuer and subject are the key to it; the address decides on nothing.
ALTER TABLE users ADD COLUMN provider TEXT;
ALTER TABLE users ADD COLUMN issuer TEXT;
ALTER TABLE users ADD COLUMN subject TEXT;
ALTER TABLE users ADD COLUMN email TEXT; -- verified by the provider
ALTER TABLE users ADD COLUMN display_name TEXT;
ALTER TABLE users ADD COLUMN idp_groups TEXT;
ALTER TABLE users ADD COLUMN idp_groups_at BIGINT;

CREATE UNIQUE INDEX users_by_identity ON users (tenant, issuer, subject) WHERE issuer IS NOT NULL;
