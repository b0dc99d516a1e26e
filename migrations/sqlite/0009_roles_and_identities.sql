-- People have any number of roles, and some sign in at an identity provider. SQLite; Postgres has the
-- same columns.

ALTER TABLE users ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
UPDATE users SET roles = json_array(role);
ALTER TABLE users DROP COLUMN role;

-- Null for those who sign in elsewhere. SQLite can't make a column nullable, only another one.
ALTER TABLE users ADD COLUMN password_hash TEXT;
UPDATE users SET password_hash = password;
ALTER TABLE users DROP COLUMN password;
ALTER TABLE users RENAME COLUMN password_hash TO password;

-- Null for a local account. Issuer and subject are the key to it; the address decides on nothing.
ALTER TABLE users ADD COLUMN provider TEXT;
ALTER TABLE users ADD COLUMN issuer TEXT;
ALTER TABLE users ADD COLUMN subject TEXT;
ALTER TABLE users ADD COLUMN email TEXT; -- verified by the provider
ALTER TABLE users ADD COLUMN display_name TEXT;
ALTER TABLE users ADD COLUMN idp_groups TEXT;
ALTER TABLE users ADD COLUMN idp_groups_at INTEGER;

CREATE UNIQUE INDEX users_by_identity ON users (tenant, issuer, subject) WHERE issuer IS NOT NULL;
