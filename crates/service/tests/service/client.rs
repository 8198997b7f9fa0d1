//! Requests written byte by byte, and their answers.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longest time that a test waits for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Request whose answer ends the connection.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// Lookup of a body.
    pub fn find(query: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mark = if query.is_empty() { "" } else { "?" };
        Self::new("POST", format!("/v1/find{mark}{query}")).body(media_type, body)
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        if media_type.is_empty() { self } else { self.header("content-type", media_type) }
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Bytes of the head.
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target);
        let has = |name: &str| self.headers.iter().any(|(own, _)| own == name);
        if !has("host") {
            head += "host: localhost\r\n";
        }
        if !has("transfer-encoding") && (self.method != "GET" || !self.body.is_empty()) {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        (head + "\r\n").into_bytes()
    }

    pub fn send(&self, address: SocketAddr) -> Answer {
        let sent = exchange(address, &[self.head(), self.body.clone()].concat());
        sent.unwrap_or_else(|| panic!("no answer to {} {}", self.method, self.target))
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Sends bytes, and reads the answer to its end; `None` if there is none.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    // The answer may come, and the connection end, before all is sent.
    let _ = stream.write_all(bytes);
    read_answer(&mut stream)
}

/// Reads an answer to the end of the connection.
pub fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 1 << 14]);
    while let Ok(n @ 1..) = stream.read(&mut chunk) {
        bytes.extend(&chunk[..n]);
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Answer { status, headers: lines.filter_map(pair).collect(), body: bytes[end + 4..].to_vec() })
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reason of a problem.
    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// Ids of the matches of each query.
    pub fn ids(&self) -> Vec<Vec<i64>> {
        let json = self.json();
        let queries = json["queries"].as_array().unwrap_or_else(|| panic!("{}", self.text()));
        let ids = |query: &Value| {
            let matches = query["matches"].as_array().expect("matches");
            matches.iter().map(|found| found["id"].as_i64().expect("an id")).collect()
        };
        queries.iter().map(ids).collect()
    }

    /// Id of the first match of each query; -1 where the first is no more than possible, or there is none.
    pub fn best(&self) -> Vec<i64> {
        let json = self.json();
        let queries = json["queries"].as_array().unwrap_or_else(|| panic!("{}", self.text()));
        let best = |query: &Value| match &query["matches"][0] {
            found if found["verdict"] == "match" => found["id"].as_i64().expect("an id"),
            _ => -1,
        };
        queries.iter().map(best).collect()
    }
}
