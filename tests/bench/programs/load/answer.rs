//! What is read of an answer: its length, its status, and the text of a member of its body.

/// The length of a head with its empty line, the status, and the length of the body.
pub(crate) struct Head {
    pub(crate) length: usize,
    pub(crate) status: u16,
    pub(crate) body: usize,
}

/// The head that `bytes` begin with; none where it is not all there.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| "the head is not text")?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12));
    let status = status.and_then(|status| status.parse().ok());
    let body = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let length = name.eq_ignore_ascii_case("content-length");
        length.then(|| value.trim().parse().ok()).flatten()
    });
    Ok(Some(Head {
        length: end + 4,
        status: status.ok_or("the answer has no status")?,
        body: body.ok_or("the answer does not say how long it is")?,
    }))
}

/// The text of a member whose text has no escapes, such as a token.
pub(crate) fn member<'a>(body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let begin = format!("\"{name}\":\"");
    let from = find(body, begin.as_bytes())? + begin.len();
    let rest = body.get(from..)?;
    let length = rest.iter().position(|byte| *byte == b'"')?;
    rest.get(..length)
}

/// An answer of MCP with status 200 may be an error all the same; which one it is stands near its beginning or its end.
pub(crate) fn tells_of_failure(body: &[u8]) -> bool {
    let begin = &body[..body.len().min(64)];
    let end = &body[body.len().saturating_sub(64)..];
    find(begin, b"\"error\":").is_some() || find(end, b"\"isError\":true").is_some()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
