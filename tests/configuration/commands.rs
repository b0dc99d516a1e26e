//! The commands as a process: what they print where, and the code that they end with.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";

/// A folder to run commands in, without a configuration or a database.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
        command
            .env_clear()
            .current_dir(self.path())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// A configuration file with this text.
    fn file(&self, text: &str) -> String {
        let path = self.path().join("test.toml");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn add_user(&self, username: &str, role: &str, password: &str) -> Output {
        let arguments = [
            "user",
            "add",
            "--tenant",
            "default",
            "--username",
            username,
            "--role",
            role,
            "--password-stdin",
        ];
        let mut child = self
            .command(&arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments does not wait for the password.
        let _ = writeln!(child.stdin.take().unwrap(), "{password}");
        child.wait_with_output().unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Fails unless `output` ended with `code` and kept standard output clean.
fn assert_refused(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert_eq!(stdout(output), "");
    assert_ne!(stderr(output), "");
}

#[test]
fn check_config_reports_every_mistake_and_ends_with_78() {
    let folder = Folder::new();
    let file = folder.file("sever = 1\n[server]\nlisten = 5\n[tokens]\naccess_ttl = \"x\"\n");
    let output = folder.run(&["check-config", "--config", &file]);
    assert_refused(&output, 78);
    let text = stderr(&output);
    for place in [
        ":1: sever: ",
        ":3: server.listen: ",
        ":5: tokens.access_ttl: ",
    ] {
        assert!(text.contains(&format!("{file}{place}")), "{text}");
    }
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[test]
fn check_config_of_a_sound_configuration_ends_with_0() {
    let folder = Folder::new();
    let file = folder.file("[weather]\ncontact = \"ops@example.com\"\n");
    let output = folder.run(&["--config", &file, "check-config"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "it made something"
    );
}

#[test]
fn a_wrong_configuration_ends_serve_with_78_before_a_socket_is_bound() {
    let folder = Folder::new();
    // Binding would fail with another code: the address is taken.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let server = format!("[server]\nlisten = \"{listen}\"\n");
    let file = folder.file(&format!("{server}public_url = \"nowhere\"\n"));
    assert_refused(&folder.run(&["--config", &file, "serve"]), 78);
    let file = folder.file(&server);
    let log = folder
        .command(&["--config", &file, "serve"])
        .env("GATEHOUSE_LOG", "a=b=c")
        .output();
    assert_refused(&log.unwrap(), 78);
    let output = folder.run(&["--config", &file, "serve"]);
    assert_refused(&output, 1);
    assert!(stderr(&output).contains(&listen.to_string()));
}

#[test]
fn wrong_usage_ends_with_64() {
    let folder = Folder::new();
    for arguments in [
        &["launch"][..],
        &["serve", "--fast"],
        &["user", "add", "--username", "ada"],
        &["demo", "--listen", "somewhere"],
        &["token", "issue", "--username", "ada", "--ttl", "2d"],
        &["user", "list", "--tenant", "acme"],
        &["client", "add", "--name", "Nightly"],
        &[
            "client",
            "add",
            "--name",
            "Nightly",
            "--scope",
            "unheard:of",
        ],
        &[
            "client",
            "add",
            "--name",
            "App",
            "--redirect-uri",
            "javascript:x",
        ],
        &[
            "client",
            "add",
            "--name",
            "App",
            "--public",
            "--scope",
            "mcp:tools",
        ],
        &[],
    ] {
        assert_refused(&folder.run(arguments), 64);
    }
    assert_refused(&folder.add_user("ada", "queen", PASSWORD), 64);
    assert_refused(&folder.add_user("a da", "admin", PASSWORD), 64);
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let folder = Folder::new();
    for command in [
        "",
        "serve",
        "stdio",
        "demo",
        "migrate",
        "check-config",
        "config-schema",
        "user",
        "user add",
        "user list",
        "user remove",
        "client",
        "client add",
        "client list",
        "client remove",
        "keys",
        "keys list",
        "keys rotate",
        "token",
        "token issue",
    ] {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let output = folder.run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let text = stdout(&output);
        assert!(text.contains("Example"), "{command}:\n{text}");
        let example = text.split("Example").nth(1).unwrap();
        assert!(example.contains("gatehouse"), "{command}:\n{text}");
    }
}

#[test]
fn mcp_transport_stdio_chooses_stdio_where_no_command_is_named() {
    let folder = Folder::new();
    let wrong = folder.file("[server]\nlisten = 1\n");
    let run = |transport| {
        let mut command = folder.command(&["--config", &wrong]);
        command.env("MCP_TRANSPORT", transport).output().unwrap()
    };
    // It got as far as reading the configuration.
    assert_refused(&run("stdio"), 78);
    assert_refused(&run("http"), 64);
}

#[test]
fn a_database_out_of_reach_ends_with_69_and_its_password_stays_unsaid() {
    let folder = Folder::new();
    let output = folder
        .command(&["migrate"])
        .env(
            "DATABASE_URL",
            "postgres://gatehouse:hunter2@127.0.0.1:1/gatehouse",
        )
        .env("GATEHOUSE__KEYS__ENCRYPTION_KEY__ENV", "KEY")
        .env("KEY", crate::ENCRYPTION_KEY)
        .output()
        .unwrap();
    assert_refused(&output, 69);
    assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
}

#[test]
fn config_schema_prints_the_schema_that_is_in_the_repository() {
    let output = Folder::new().run(&["config-schema"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stdout(&output),
        include_str!("../../config/gatehouse.schema.json")
    );
}

#[test]
fn accounts_are_added_listed_and_removed() {
    let folder = Folder::new();
    let added = folder.add_user("ada", "admin", PASSWORD);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    assert_refused(&folder.add_user("ada", "member", PASSWORD), 1);
    assert_refused(&folder.add_user("bob", "member", "short"), 64);
    let listed = stdout(&folder.run(&["user", "list"]));
    assert!(listed.starts_with("ada\tadmin\t20"), "{listed}");
    assert_eq!(listed.lines().count(), 1);
    let removed = folder.run(&["user", "remove", "--username", "ada"]);
    assert_eq!(removed.status.code(), Some(0));
    assert_eq!(stdout(&folder.run(&["user", "list"])), "");
    assert_refused(&folder.run(&["user", "remove", "--username", "ada"]), 1);
}

#[test]
fn clients_are_added_listed_and_removed() {
    let folder = Folder::new();
    let uri = ["--redirect-uri", "https://app.example.com/callback"];
    let app = ["client", "add", "--name", "App", uri[0], uri[1], "--public"];
    let public = stdout(&folder.run(&app));
    let nightly = ["client", "add", "--name", "Nightly", "--scope", "mcp:tools"];
    let confidential = stdout(&folder.run(&nightly));
    let public = public.trim_end();
    assert!(!public.is_empty() && !public.contains('\t'), "{public}");
    let (nightly, secret) = confidential.trim_end().split_once('\t').unwrap();
    assert!(secret.len() >= 43, "{secret}");

    let listed = stdout(&folder.run(&["client", "list"]));
    assert!(!listed.contains(secret));
    for line in [
        format!("{public}\tApp\tnone\tauthorization_code,refresh_token\t20"),
        format!("{nightly}\tNightly\tclient_secret_basic\tclient_credentials\t20"),
    ] {
        assert!(
            listed.lines().any(|other| other.starts_with(&line)),
            "{listed}"
        );
    }
    let removed = folder.run(&["client", "remove", "--id", public]);
    assert_eq!(removed.status.code(), Some(0), "{}", stderr(&removed));
    let listed = stdout(&folder.run(&["client", "list"]));
    assert!(
        listed.starts_with(nightly) && listed.lines().count() == 1,
        "{listed}"
    );
    assert_refused(&folder.run(&["client", "remove", "--id", public]), 1);
}

#[test]
fn a_password_is_only_asked_for_at_a_terminal() {
    let folder = Folder::new();
    // A session of its own has no terminal to ask at.
    let mut command = Command::new("setsid");
    let output = command
        .args(["--wait", env!("CARGO_BIN_EXE_gatehouse"), "user", "add"])
        .args(["--username", "ada", "--role", "admin"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_refused(&output, 1);
    assert!(
        stderr(&output).contains("--password-stdin"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_token_is_issued_within_the_role_of_its_account() {
    let folder = Folder::new();
    assert!(folder.add_user("ada", "member", PASSWORD).status.success());
    let issue =
        |more: &[&str]| folder.run(&[&["token", "issue", "--username", "ada"][..], more].concat());
    let output = issue(&["--scope", "mcp:tools", "--ttl", "1m"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output).trim_end().split('.').count(), 3);
    assert_refused(&issue(&["--scope", "mcp:tools metrics:read"]), 64);
    assert_refused(&folder.run(&["token", "issue", "--username", "bob"]), 1);
    let keys = stdout(&folder.run(&["keys", "list"]));
    assert_eq!(keys.lines().count(), 1);
    assert!(keys.contains("\tES256\t20"), "{keys}");
    assert!(keys.ends_with("\tactive\n"), "{keys}");
}

#[test]
fn a_person_with_several_roles_has_the_scopes_of_all() {
    let folder = Folder::new();
    let add = ["user", "add", "--username", "ada", "--password-stdin"];
    let roles = ["--role", "member", "--role", "admin"];
    let mut command = folder.command(&[&add[..], &roles].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success());
    let listed = stdout(&folder.run(&["user", "list"]));
    assert!(listed.starts_with("ada\tadmin,member\t"), "{listed}");
    let scope = "mcp:tools metrics:read";
    let output = folder.run(&["token", "issue", "--username", "ada", "--scope", scope]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn serve_says_what_it_chose_and_what_is_left_to_do() {
    let folder = Folder::new();
    let file = folder.file("[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n");
    let mut child = folder
        .command(&["--config", &file, "serve"])
        .env("DATABASE_URL", "sqlite://other.db")
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        if line.contains("user add") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, address) = said.split_once("listening on http://").unwrap();
    let address = address.lines().next().unwrap();
    for part in [
        &format!("public URL     http://{address} (this machine only"),
        &format!("MCP endpoint   http://{address}/mcp\n"),
        &format!("configuration  {file}, then DATABASE_URL\n"),
        "database       sqlite://other.db\n",
        "Warning: the signing keys are encrypted with other.db.key",
        "weather.contact",
        &format!("gatehouse --config {file} user add --username you --role admin"),
    ] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
}
