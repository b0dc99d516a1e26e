//! A process and all that it started, which end together.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::model::UpstreamProcess;

/// A process and all that it started. They end with this, whatever happens.
pub(super) struct Group {
    pub(super) child: Child,
    id: Option<Pid>,
    /// Removed with its content.
    _folder: Option<tempfile::TempDir>,
}

/// The standard streams of a process.
pub(super) struct Streams {
    pub(super) input: ChildStdin,
    pub(super) output: tokio::process::ChildStdout,
    pub(super) errors: tokio::process::ChildStderr,
}

/// How long a process is left to end by itself once its input ended, and after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// How long a line of the log of a process may be.
const LOG_LINE: usize = 2048;

impl Group {
    pub(super) fn start(settings: &UpstreamProcess) -> std::io::Result<(Self, Streams)> {
        let missing = || std::io::Error::from(std::io::ErrorKind::InvalidInput);
        let (program, arguments) = settings.command.split_first().ok_or_else(missing)?;
        let folder = match settings.folder {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let place = folder.as_ref().map(tempfile::TempDir::path);
        let place = settings.folder.as_deref().or(place).ok_or_else(missing)?;
        let environment = settings.environment.iter();
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment.map(|(name, value)| (name, value.expose())))
            .current_dir(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let streams = Streams {
            input: child.stdin.take().ok_or_else(missing)?,
            output: child.stdout.take().ok_or_else(missing)?,
            errors: child.stderr.take().ok_or_else(missing)?,
        };
        let group = Self {
            child,
            id: id.and_then(Pid::from_raw),
            _folder: folder,
        };
        Ok((group, streams))
    }

    /// Lets the process end, asks it to, then ends it (2025-11-25 basic/lifecycle, shutdown). Its
    /// input has ended by now.
    pub(super) async fn end(&mut self) {
        if tokio::time::timeout(GRACE, self.child.wait())
            .await
            .is_err()
        {
            self.signal(Signal::TERM);
            drop(tokio::time::timeout(GRACE, self.child.wait()).await);
        }
        // What it started goes with it, also where it ended by itself.
        self.signal(Signal::KILL);
        drop(self.child.wait().await);
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // There may be nobody left.
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Logs what the process says to those who run it.
pub(super) async fn log(errors: tokio::process::ChildStderr, label: String) {
    let mut errors = BufReader::new(errors);
    let mut text = Vec::new();
    loop {
        text.clear();
        let mut limited = tokio::io::AsyncReadExt::take(&mut errors, LOG_LINE as u64);
        match limited.read_until(b'\n', &mut text).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let line = String::from_utf8_lossy(&text);
                tracing::debug!(
                    server = label,
                    line = line.trim_end(),
                    "a mounted server says"
                );
            }
        }
    }
}
