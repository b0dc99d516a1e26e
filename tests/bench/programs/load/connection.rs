//! A connection that has one request under way.

use std::error::Error;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::answer::{self, Body, Head};

/// Whether an answer is there.
pub(crate) enum Step {
    Answered,
    Waits,
}

pub(crate) struct Connection {
    stream: TcpStream,
    asked_at: Instant,
    /// What has not been written yet.
    rest: Vec<u8>,
    /// What was read, at the beginning of a buffer.
    buffer: Vec<u8>,
    filled: usize,
    head: Option<Head>,
    asks: bool,
}

impl Connection {
    pub(crate) fn open(
        port: u16,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, Box<dyn Error>> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            asked_at: Instant::now(),
            rest: Vec::new(),
            buffer: vec![0; 16 * 1024],
            filled: 0,
            head: None,
            asks: false,
        })
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<(), Box<dyn Error>> {
        self.filled = 0;
        self.head = None;
        self.asks = true;
        self.asked_at = Instant::now();
        let written = match self.stream.write(request) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        self.rest.clear();
        self.rest.extend_from_slice(&request[written..]);
        Ok(())
    }

    /// Does what can be done without waiting.
    pub(crate) fn go_on(&mut self) -> Result<Step, Box<dyn Error>> {
        if !self.asks {
            return Ok(Step::Waits);
        }
        while !self.rest.is_empty() {
            match self.stream.write(&self.rest) {
                Ok(written) => drop(self.rest.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Step::Waits),
                Err(error) => return Err(error.into()),
            }
        }
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(length) => self.filled += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Step::Waits),
                Err(error) => return Err(error.into()),
            }
            if self.head.is_none() {
                self.head = answer::head(&self.buffer[..self.filled])?;
            }
            if self.is_whole()? {
                return Ok(Step::Answered);
            }
        }
    }

    /// Whether all of the answer was read; where it came in chunks, its body takes their place.
    fn is_whole(&mut self) -> Result<bool, &'static str> {
        let Some(Head { length, body, .. }) = self.head else {
            return Ok(false);
        };
        match body {
            Body::Length(body) => Ok(self.filled >= length + body),
            Body::Chunks => {
                let Some(body) = answer::of_chunks(&self.buffer[length..self.filled])? else {
                    return Ok(false);
                };
                self.filled = length + body.len();
                self.buffer[length..self.filled].copy_from_slice(&body);
                Ok(true)
            }
        }
    }

    /// Asks no more.
    pub(crate) fn rest(&mut self) {
        self.asks = false;
    }

    pub(crate) fn asked_at(&self) -> Instant {
        self.asked_at
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status)
    }

    pub(crate) fn body(&self) -> &[u8] {
        let head = self.head.as_ref().map_or(0, |head| head.length);
        &self.buffer[head..self.filled]
    }
}
