//! Migrations of a database that is in use.

use std::borrow::Cow;
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::database::{Database, contract};
use crate::fixtures::acme;

contract! {
    people_keep_role_password_and_grants_when_roles_become_several,
}

/// An account and a grant of it as releases before the ninth migration wrote them.
const ACCOUNT: &str =
    "INSERT INTO users (tenant, id, username, role, password, disabled, created_at)
    VALUES ('acme', 'id-of-alice', 'alice', 'weather \"admin\"', 'a hash', false, 7)";
const GRANT: &str =
    "INSERT INTO grants (tenant, id, client_id, user_id, scopes, resource, created_at)
    VALUES ('acme', 'grant', 'client', 'id-of-alice', '[]', 'https://mcp.example.com/mcp', 7)";

async fn people_keep_role_password_and_grants_when_roles_become_several(database: &Database) {
    database.prepare(8, &[ACCOUNT, GRANT]).await;

    let store = database.open().await;
    let alice = store.find_user_by_name(&acme(), "alice").await.unwrap();
    let alice = alice.unwrap();
    assert_eq!(alice.roles, ["weather \"admin\"".to_owned()].into());
    assert_eq!(alice.password.unwrap().expose(), "a hash");
    assert_eq!((alice.identity, alice.groups), (None, None));
    assert_eq!(database.count("grants", "acme").await, 1);
}

impl Database {
    /// Makes the tables of the migration `last` and puts rows in.
    async fn prepare(&self, last: i64, rows: &[&str]) {
        let is_sqlite = self.url().starts_with("sqlite:");
        let folder = if is_sqlite { "sqlite" } else { "postgres" };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(folder);
        let mut migrator = Migrator::new(folder).await.unwrap();
        let mut migrations = migrator.migrations.into_owned();
        migrations.retain(|migration| migration.version <= last);
        migrator.migrations = Cow::Owned(migrations);
        if is_sqlite {
            let url = format!("{}?mode=rwc", self.url());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            migrator.run(&mut connection).await.unwrap();
            for row in rows {
                let row = sqlx::query(AssertSqlSafe(*row)).execute(&mut connection);
                row.await.unwrap();
            }
        } else {
            let mut connection = PgConnection::connect(self.owner_url()).await.unwrap();
            migrator.run(&mut connection).await.unwrap();
            for row in rows {
                let row = sqlx::query(AssertSqlSafe(*row)).execute(&mut connection);
                row.await.unwrap();
            }
        }
    }
}
