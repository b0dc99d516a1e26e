//! Event streams as they come in (HTML, server-sent events), each event with a bound.

use super::failure::Failure;

/// Reads events out of the pieces of a stream.
#[derive(Debug)]
pub(super) struct Events {
    buffer: Vec<u8>,
    /// How much of the buffer was looked at for the end of a line.
    looked: usize,
    data: Vec<u8>,
    has_data: bool,
    limit: usize,
    /// The id of the last event, where it had one.
    pub(super) last_id: Option<String>,
    /// After how many milliseconds to come back.
    pub(super) retry: Option<u64>,
}

/// How long an id may be that is sent back.
const LONGEST_ID: usize = 1024;

impl Events {
    /// A reader that refuses events of more than `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            looked: 0,
            data: Vec::new(),
            has_data: false,
            limit,
            last_id: None,
            retry: None,
        }
    }

    /// Adds what came.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        if self.buffer.len() + self.data.len() + piece.len() > self.limit {
            return Err(Failure::TooLarge);
        }
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    /// The data of the next event that is whole. Comments and events without data are no events.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        while let Some(line) = self.line() {
            if !line.is_empty() {
                self.read(&line);
            } else if std::mem::take(&mut self.has_data) && !self.data.is_empty() {
                return Some(std::mem::take(&mut self.data));
            }
        }
        None
    }

    /// The next line without its end: LF, CR LF, or CR that something follows.
    fn line(&mut self) -> Option<Vec<u8>> {
        let unseen = self.buffer.get(self.looked..).unwrap_or_default();
        let end = unseen.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(end) = end.map(|end| end + self.looked) else {
            self.looked = self.buffer.len();
            return None;
        };
        let length = match self.buffer.get(end..=end + 1) {
            Some(b"\r\n") => 2,
            Some(_) => 1,
            None if self.buffer.get(end) == Some(&b'\n') => 1,
            // A line feed may still come.
            None => {
                self.looked = end;
                return None;
            }
        };
        let rest = self.buffer.split_off(end + length);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        line.truncate(end);
        self.looked = 0;
        Some(line)
    }

    fn read(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"id" if value.len() <= LONGEST_ID && !value.contains(&0) => {
                self.last_id = String::from_utf8(value.to_vec()).ok();
            }
            b"retry" => {
                let text = std::str::from_utf8(value).unwrap_or_default();
                self.retry = text.parse().ok().or(self.retry);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> Vec<String> {
        let mut events = Events::new(1000);
        let mut found = Vec::new();
        for piece in pieces {
            events.push(piece.as_bytes()).unwrap();
            while let Some(data) = events.next() {
                found.push(String::from_utf8(data).unwrap());
            }
        }
        found
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let whole = "retry: 5\nid: 1\ndata:\n\n: hello\nevent: message\ndata: a\ndata:b\r\n\r\nid: 2\rdata: c\r\rdata: d\n\n";
        assert_eq!(read(&[whole]), ["a\nb", "c", "d"]);
        for at in 0..whole.len() {
            assert_eq!(
                read(&[&whole[..at], &whole[at..]]),
                ["a\nb", "c", "d"],
                "{at}"
            );
        }
    }

    #[test]
    fn k04_an_event_has_a_bound() {
        let mut events = Events::new(10);
        assert_eq!(events.push(b"data: 12345"), Err(Failure::TooLarge));
        let mut events = Events::new(20);
        for _ in 0..3 {
            events.push(b"data: 1\n").unwrap();
            assert!(events.next().is_none());
        }
        assert_eq!(events.data, b"1\n1\n1");
    }
}
