//! The contract of the store, held by SQLite and by Postgres alike.
//!
//! Every case runs on a fresh SQLite file, and on a fresh Postgres database when
//! `GATEHOUSE_TEST_POSTGRES` holds the URL of a role that may create databases;
//! `scripts/postgres.sh start DIR` prints one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test support")]

mod catalogue;
mod database;
mod fixtures;

mod audit;
mod audit_changes;
mod clients;
mod codes;
mod connecting;
mod consents;
mod expiry;
mod federation;
mod grants;
mod isolation;
mod linked_accounts;
mod login_sessions;
mod migrations;
mod notes;
mod policy;
mod pushed_requests;
mod rates;
mod refresh_tokens;
mod registrations;
mod remote_documents;
mod restart;
mod revocations;
mod row_level_security;
mod scim;
mod signing_keys;
mod tenants;
mod tools;
mod users;
