//! Prints the walk, a step at a time: what was done, and what it proved.

use std::io::{IsTerminal as _, Write};

/// Writes the steps to standard output.
pub(super) struct Report<'a> {
    out: &'a mut (dyn Write + Send),
    coloured: bool,
    number: usize,
    steps: usize,
}

/// The step that failed.
#[derive(Debug, thiserror::Error)]
#[error("step {number}, {title:?}, failed: {cause:#}")]
pub(super) struct Failure {
    number: usize,
    title: &'static str,
    cause: anyhow::Error,
}

/// How much of a proof is shown: the start of long texts says enough.
const LINES: usize = 6;
const COLUMNS: usize = 110;

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), steps: usize) -> Self {
        Self {
            out,
            coloured: std::io::stdout().is_terminal(),
            number: 0,
            steps,
        }
    }

    /// Does a step, and shows its proof or its failure.
    pub(super) async fn step<T>(
        &mut self,
        title: &'static str,
        work: impl Future<Output = anyhow::Result<(T, String)>>,
    ) -> Result<T, Failure> {
        self.number += 1;
        let number = self.number;
        let fail = |cause| Failure {
            number,
            title,
            cause,
        };
        match work.await {
            Ok((value, proof)) => {
                self.print("✓", "32", title, &proof)
                    .map_err(|error| fail(error.into()))?;
                Ok(value)
            }
            Err(cause) => {
                self.print("✗", "31", title, &format!("{cause:#}"))
                    .map_err(|error| fail(error.into()))?;
                Err(fail(cause))
            }
        }
    }

    fn print(&mut self, mark: &str, colour: &str, title: &str, text: &str) -> std::io::Result<()> {
        let Self { number, steps, .. } = *self;
        if self.coloured {
            writeln!(
                self.out,
                "\x1b[{colour}m{mark}\x1b[0m {number:>2}/{steps} \x1b[1m{title}\x1b[0m"
            )?;
        } else {
            writeln!(self.out, "{mark} {number:>2}/{steps} {title}")?;
        }
        let mut lines = text.lines();
        for line in lines.by_ref().take(LINES) {
            let shown: String = line.chars().take(COLUMNS).collect();
            let more = if shown.len() < line.len() { "…" } else { "" };
            writeln!(self.out, "        {shown}{more}")?;
        }
        if lines.next().is_some() {
            writeln!(self.out, "        …")?;
        }
        self.out.flush()
    }
}
