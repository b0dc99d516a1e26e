//! What is said to a person on stderr, printed as data on standard output, and asked in secret.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context as _, bail};

use crate::model::Secret;

pub(super) use crate::web::rfc3339 as date;

/// Longer than any password may be.
const PASSWORD_LIMIT: u64 = 4096;

/// Says something to whoever runs the command.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stderr.write_all(b"\n")?;
    }
    stderr.flush()
}

/// Prints a line of what the command was asked for.
pub(super) fn print(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Says something in the place of what was said before on the same line.
pub(super) fn overwrite(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "\r\x1b[2K{text}")?;
    stderr.flush()
}

/// Reads a password from standard input; the line's end is no part of it.
pub(super) fn read_password() -> anyhow::Result<Secret> {
    let mut text = String::new();
    io::stdin()
        .take(PASSWORD_LIMIT)
        .read_to_string(&mut text)
        .context("no password came on standard input")?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Asks for a new password twice, without showing it.
pub(super) fn ask_password(username: &str) -> anyhow::Result<Secret> {
    let ask = |prompt: String| {
        rpassword::prompt_password(prompt)
            .map(Secret::new)
            .context("no terminal to ask for the password: use --password-stdin")
    };
    let password = ask(format!("Password for {username}: "))?;
    if !password.matches(&ask("The same again: ".to_owned())?) {
        bail!("the two passwords differ");
    }
    Ok(password)
}
