//! What is read of an answer: its length, its status, and the text of a member of its body.

/// The length of a head with its empty line, the status, and how the end of the body is known.
pub(crate) struct Head {
    pub(crate) length: usize,
    pub(crate) status: u16,
    pub(crate) body: Body,
}

#[derive(Clone, Copy)]
pub(crate) enum Body {
    Length(usize),
    Chunks,
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
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            return value.parse().ok().map(Body::Length);
        }
        let chunks = name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked";
        chunks.then_some(Body::Chunks)
    });
    Ok(Some(Head {
        length: end + 4,
        status: status.ok_or("the answer has no status")?,
        body: body.ok_or("the answer does not say how long it is")?,
    }))
}

/// The body that chunks have (RFC 9112, section 7.1), without trailers; none where they are not all there.
pub(crate) fn of_chunks(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    let mut body = Vec::new();
    while let Some(end) = find(bytes, b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).ok();
        let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or("a chunk does not say how long it is")?;
        let rest = &bytes[end + 2..];
        let Some(chunk) = rest.get(..size + 2) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        bytes = &rest[size + 2..];
    }
    Ok(None)
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
