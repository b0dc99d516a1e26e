//! What a run is to do: its arguments, and the requests in their order.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::answer;

/// Where a value stands in a request.
const PLACE: &str = "{}";

/// What a run is to do.
pub(crate) struct Plan {
    pub(crate) port: u16,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// What every answer must be, where that is known.
    pub(crate) expected: Option<Vec<u8>>,
    /// A member of every answer, and the file that it is written to.
    pub(crate) collect: Option<(String, PathBuf)>,
    head: String,
    body: String,
    values: Vec<String>,
    values_file: Option<PathBuf>,
    mode: Mode,
}

/// What stands in the place of a value.
enum Mode {
    /// Nothing: all requests are the same.
    Same,
    /// Each value once.
    Each,
    /// All values again and again.
    Turns,
    /// What the connection's last answer had there.
    Carry(String),
}

/// The requests, in their order.
pub(crate) struct Source<'a> {
    plan: &'a Plan,
    next: usize,
    /// The requests that are the same each time, whole.
    whole: Vec<Vec<u8>>,
    last: Vec<u8>,
    /// What each connection would go on with.
    carried: Vec<String>,
}

impl Plan {
    pub(crate) fn of_arguments() -> Result<Self, Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let mut next = |what: &str| arguments.next().ok_or(format!("no {what} was given"));
        let port = next("port")?.parse()?;
        let connections = next("number of connections")?.parse()?;
        let time = Duration::from_secs_f64(next("number of seconds")?.parse()?);
        let request = fs::read_to_string(next("request")?)?;
        let (head, body) = request
            .split_once("\n\n")
            .ok_or("the request has no empty line after its head")?;
        let mut expected = None;
        let (values_file, mode) = match (next("values"), next("mode")) {
            (Ok(file), Ok(mode)) if mode == "expected" => {
                expected = Some(fs::read(file)?);
                (None, Mode::Same)
            }
            (Ok(file), Ok(mode)) if file != "-" => (Some(PathBuf::from(file)), Mode::named(&mode)),
            _ => (None, Mode::Same),
        };
        let values = values_file.as_ref().map(fs::read_to_string).transpose()?;
        let values = values.unwrap_or_default();
        let collect = match (next("member"), next("file")) {
            (Ok(member), Ok(file)) => Some((member, file.into())),
            _ => None,
        };
        Ok(Self {
            port,
            connections,
            time,
            expected,
            collect,
            head: head.to_owned(),
            body: body.trim_end_matches('\n').to_owned(),
            values: values.lines().map(str::to_owned).collect(),
            values_file,
            mode,
        })
    }

    fn request(&self, value: &str) -> Vec<u8> {
        let head = self.head.replace(PLACE, value).replace('\n', "\r\n");
        let body = if self.values.is_empty() {
            self.body.clone()
        } else {
            self.body.replace(PLACE, value)
        };
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

impl Mode {
    fn named(name: &str) -> Self {
        match name {
            "each" => Self::Each,
            "turns" => Self::Turns,
            member => Self::Carry(member.to_owned()),
        }
    }
}

impl<'a> Source<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let whole = match plan.mode {
            Mode::Same => vec![plan.request("")],
            // Made ahead, so that the run itself does nothing but ask.
            Mode::Each | Mode::Turns => plan
                .values
                .iter()
                .map(|value| plan.request(value))
                .collect(),
            Mode::Carry(_) => Vec::new(),
        };
        Self {
            plan,
            next: 0,
            whole,
            last: Vec::new(),
            carried: plan.values.clone(),
        }
    }

    /// Where values are carried on, another run goes on with the last ones.
    pub(crate) fn keep(&mut self, connection: usize, body: &[u8]) -> Result<(), Box<dyn Error>> {
        if let Mode::Carry(member) = &self.plan.mode
            && let Some(value) = answer::member(body, member)
            && let Some(carried) = self.carried.get_mut(connection)
            && let Some(file) = &self.plan.values_file
        {
            *carried = String::from_utf8_lossy(value).into_owned();
            fs::write(file, self.carried.join("\n"))?;
        }
        Ok(())
    }

    /// The next request of a connection, whose last one was answered with `body`.
    pub(crate) fn next(&mut self, connection: usize, body: Option<&[u8]>) -> Option<&[u8]> {
        let number = self.next;
        self.next += 1;
        match &self.plan.mode {
            Mode::Same => self.whole.first().map(Vec::as_slice),
            Mode::Each => self.whole.get(number).map(Vec::as_slice),
            Mode::Turns => self
                .whole
                .get(number % self.whole.len().max(1))
                .map(Vec::as_slice),
            Mode::Carry(member) => {
                let value = match body {
                    Some(body) => std::str::from_utf8(answer::member(body, member)?).ok()?,
                    None => self.plan.values.get(connection)?,
                };
                self.last = self.plan.request(value);
                Some(&self.last)
            }
        }
    }
}
