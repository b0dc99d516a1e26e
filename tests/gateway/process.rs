//! A real gateway process and its database.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::Connection as _;
use url::Url;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What replicas on Postgres share their signing keys under.
const ENCRYPTION_KEY: &str = "q7vXy1Kc0dJpFZ4m8TgqVt3l9EoNwRrYh2SbUiAaC6M=";

/// A database that belongs to one test.
pub(crate) struct Database {
    pub(crate) url: String,
    /// The same, for someone who sees all rows.
    pub(crate) admin_url: String,
    /// Removed with its content when the test ends.
    folder: tempfile::TempDir,
    /// Where its gateways ask for weather.
    pub(crate) weather: String,
    /// The limits of its gateways.
    limits: &'static str,
}

/// A running `gatehouse serve`, killed when it goes out of scope.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) url: String,
    /// Where operators are served, where they are.
    pub(crate) admin: Option<String>,
}

/// No limits for what one client or person does in a test of load.
const UNLIMITED: &str = "[rate_limits]\nper_address = \"off\"\nper_principal = \"off\"\n\
                         token = \"off\"\ntoken_per_principal = \"off\"\n";

/// Where nobody listens.
const NO_WEATHER: &str = "http://127.0.0.1:9";

/// What a process says on stderr.
pub(crate) type Lines = std::io::Lines<BufReader<ChildStderr>>;

pub(crate) fn gatehouse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("KEY", ENCRYPTION_KEY)
        .env("IDP_SECRET", "idp-client-secret-canary")
        .stdin(Stdio::null());
    command
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("gatehouse.db").display());
        Self {
            admin_url: url.clone(),
            url,
            folder,
            weather: NO_WEATHER.to_owned(),
            limits: "",
        }
    }

    /// A new, empty database of the server that `GATEHOUSE_TEST_POSTGRES` names.
    pub(crate) async fn postgres() -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let Some(server) = std::env::var_os("GATEHOUSE_TEST_POSTGRES") else {
            eprintln!("skipped on Postgres: GATEHOUSE_TEST_POSTGRES names no server");
            return None;
        };
        let mut url = Url::parse(server.to_str().unwrap()).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("gateway_{}_{number}", std::process::id());
        let mut admin = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
        // The role owns the tables, and row-level security holds for it.
        for statement in [
            format!("CREATE ROLE {name} LOGIN PASSWORD '{name}'"),
            format!("CREATE DATABASE {name} OWNER {name}"),
        ] {
            let statement = sqlx::AssertSqlSafe(statement);
            sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
        }
        url.set_path(&name);
        let admin_url = url.to_string();
        url.set_username(&name).unwrap();
        url.set_password(Some(&name)).unwrap();
        Some(Self {
            url: url.into(),
            admin_url,
            folder: tempfile::tempdir().unwrap(),
            weather: NO_WEATHER.to_owned(),
            limits: "",
        })
    }

    /// The same database, whose gateways let everything through, however fast it comes.
    pub(crate) fn without_limits(self) -> Self {
        let limits = UNLIMITED;
        Self { limits, ..self }
    }

    /// The number that a query answers with.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        if self.url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.admin_url).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await
        }
        .unwrap()
    }

    /// Lets a day pass since identity providers named anyone's groups.
    pub(crate) async fn age_groups(&self) {
        let statement = "UPDATE users SET idp_groups_at = idp_groups_at - 86400";
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let aged = sqlx::query(statement).execute(&mut connection).await;
        assert!(aged.unwrap().rows_affected() > 0);
    }

    /// Runs a statement as someone who may do everything in the database.
    pub(crate) async fn execute(&self, sql: &'static str) {
        let done = if self.url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql)
                .execute(&mut connection)
                .await
                .map(|_| ())
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.admin_url).await.unwrap();
            sqlx::raw_sql(sql)
                .execute(&mut connection)
                .await
                .map(|_| ())
        };
        done.unwrap();
    }

    /// Checks that a database of one file is whole; a server sees to that itself.
    pub(crate) async fn check_integrity(&self) {
        if !self.url.starts_with("sqlite:") {
            return;
        }
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let found = sqlx::query_scalar::<_, String>("PRAGMA integrity_check");
        assert_eq!(found.fetch_one(&mut connection).await.unwrap(), "ok");
    }

    /// Writes a configuration file whose `[server]` section is `server`, with `more` at its end.
    fn config_with(&self, server: &str, more: &str) -> std::path::PathBuf {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let path = self.folder.path().join(format!("gatehouse-{number}.toml"));
        // Many gateways run at once, so that none of them takes the usual port.
        let admin = if server.contains("admin_listen") {
            ""
        } else {
            "admin_listen = \"\""
        };
        let text = format!(
            "[server]\n{server}\n{admin}\n[database]\nurl = \"{}\"\n\
             [keys]\nencryption_key = {{ env = \"KEY\" }}\npublish_ahead = \"5s\"\n\
             [weather]\nbase_url = \"{}\"\ncontact = \"tests@example.com\"\n\
             {}{more}",
            self.url, self.weather, self.limits
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Starts a gateway on this database, at any free port.
    pub(crate) fn serve(&self) -> Gateway {
        self.serve_as("listen = \"127.0.0.1:0\"")
    }

    /// Starts a second process of the same gateway.
    pub(crate) fn replica_of(&self, gateway: &Gateway) -> Gateway {
        self.serve_as(&format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"{}\"",
            gateway.url
        ))
    }

    pub(crate) fn serve_as(&self, server: &str) -> Gateway {
        self.serve_with(server, "")
    }

    /// Starts a gateway with `more` in its configuration.
    pub(crate) fn serve_with(&self, server: &str, more: &str) -> Gateway {
        let (gateway, lines) = start(&mut self.command_with(server, more, &["serve"]));
        // The pipe is read on, so that the process never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        gateway
    }

    /// Starts a gateway with `more` in its configuration, on a system whose authorities are in `file`.
    pub(crate) fn serve_believing(&self, more: &str, file: &std::path::Path) -> Gateway {
        let mut command = self.command_with("listen = \"127.0.0.1:0\"", more, &["serve"]);
        let (gateway, lines) = start(command.env("SSL_CERT_FILE", file));
        std::thread::spawn(move || lines.for_each(drop));
        gateway
    }

    /// Starts a gateway that logs what `filter` says; what it logs from then on.
    pub(crate) fn serve_logging(&self, filter: &str) -> (Gateway, Lines) {
        self.serve_logging_with("listen = \"127.0.0.1:0\"", "", filter)
    }

    /// The same with this in its configuration.
    pub(crate) fn serve_logging_with(
        &self,
        server: &str,
        more: &str,
        filter: &str,
    ) -> (Gateway, Lines) {
        let mut command = self.command_with(server, more, &["serve"]);
        start(command.env("GATEHOUSE_LOG", filter))
    }

    /// Starts a gateway from a configuration file that can be written anew; what it logs.
    pub(crate) fn serve_file(&self, more: &str) -> (Gateway, Lines, std::path::PathBuf) {
        let server = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"";
        let config = self.config_with(server, more);
        let mut command = gatehouse();
        command.arg("--config").arg(&config).arg("serve");
        let (gateway, lines) = start(command.env("GATEHOUSE_LOG", "info"));
        (gateway, lines, config)
    }

    /// A command of the program with this database.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_with("", "", arguments)
    }

    /// A command with this in its configuration.
    pub(crate) fn command_with(&self, server: &str, more: &str, arguments: &[&str]) -> Command {
        let mut command = gatehouse();
        let config = self.config_with(server, more);
        command.arg("--config").arg(config).args(arguments);
        command
    }

    pub(crate) fn add_user(&self, username: &str, role: &str) {
        self.add_user_to("default", (username, role));
    }

    /// Adds an account to a tenant that the database or its gateway has.
    pub(crate) fn add_user_to(&self, tenant: &str, user: (&str, &str)) {
        self.add_user_with("", tenant, user);
    }

    /// The same where the configuration ends with `more`.
    pub(crate) fn add_user_with(&self, more: &str, tenant: &str, (username, role): (&str, &str)) {
        let mut child = self
            .command_with("", more, &["user", "add", "--tenant", tenant])
            .args(["--username", username, "--role", role, "--password-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(PASSWORD.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
    }
}

/// Starts a command that serves, and reads where.
fn start(command: &mut Command) -> (Gateway, Lines) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = Vec::new();
    let mut said = |what: &str| loop {
        let Some(Ok(line)) = lines.next() else {
            panic!("no start:\n{}", seen.join("\n"))
        };
        if let Some((_, rest)) = line.split_once(what) {
            break rest.split_whitespace().next().unwrap().to_owned();
        }
        seen.push(line);
    };
    let url = said("listening on ");
    let admin = said("  operators ");
    let admin = admin
        .trim_end_matches(',')
        .strip_suffix("/console")
        .map(ToOwned::to_owned);
    (Gateway { child, url, admin }, lines)
}

impl Gateway {
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        Url::parse(&self.url).unwrap().port().unwrap()
    }

    pub(crate) fn mcp(&self) -> String {
        format!("{}/mcp", self.url)
    }

    /// Ends the process without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end; its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.child.wait().unwrap().code()
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
