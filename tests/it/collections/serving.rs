//! `serve`, started as a user starts it: it answers as `find` does, and ends well.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle, sleep},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::Folder;

/// Running service, which is killed if a test fails.
pub(super) struct Running {
    pub(super) child: Child,
    /// Address and port.
    host: String,
    /// Reads the log, so that the service never waits for a reader.
    log: Option<JoinHandle<String>>,
}

impl Running {
    pub(super) fn start(folder: &Folder, line: &str) -> Self {
        Self::logging_to(Stdio::piped(), folder, line)
    }

    /// Starts a service whose log goes elsewhere.
    pub(super) fn logging_to(log: Stdio, folder: &Folder, line: &str) -> Self {
        let mut command = folder.command(line);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        let host = address.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
        let host = host.unwrap_or_else(|| panic!("{address:?} is no address")).to_owned();
        let log = child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut log = String::new();
                let _ = stderr.read_to_string(&mut log);
                log
            })
        });
        Self { child, host, log }
    }

    /// Address and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Status and body of an answer.
    pub(super) fn send(&self, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
        self.try_send(head, body).expect("the service answers")
    }

    /// Sends requests one after another on a connection, and reads the answers, which must have a status of `allowed`.
    #[cfg(target_os = "linux")]
    fn send_all<'a>(&self, requests: impl Iterator<Item = &'a Vec<u8>>, allowed: &[u16]) {
        let mut stream = BufReader::new(TcpStream::connect(&self.host).expect("connects"));
        for request in requests {
            stream.get_mut().write_all(request).expect("sends");
            let (mut line, mut length) = (String::new(), 0);
            stream.read_line(&mut line).expect("an answer");
            let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
            assert!(status.is_some_and(|status| allowed.contains(&status)), "{line}");
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).expect("a header");
                let value = line.to_ascii_lowercase();
                let value = value.strip_prefix("content-length:").and_then(|value| value.trim().parse().ok());
                length = value.unwrap_or(length);
            }
            let body = std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink());
            assert_eq!(body.expect("a body"), length);
        }
    }

    /// Memory of the service that belongs to no file, in KiB.
    #[cfg(target_os = "linux")]
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a size");
        line.split_whitespace().next().and_then(|size| size.parse().ok()).expect("a number")
    }

    /// Status and body of an answer; `None` if the service is gone before it is whole. A body that begins with a bracket of
    /// JSON is that.
    pub(super) fn try_send(&self, head: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.host).ok()?;
        let media_type = match body.first() {
            Some(b'{' | b'[') => "application/json",
            _ => "application/octet-stream",
        };
        let head = format!(
            "{head} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&answer[..end]).expect("a head is text");
        let status = head[9..12].parse().expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let is_whole = length.is_none_or(|length| length.parse() == Ok(answer.len() - end - 4));
        is_whole.then(|| (status, answer.split_off(end + 4)))
    }

    /// Ends the program at once.
    pub(super) fn kill(&self) {
        Command::new("kill").args(["-KILL", &self.child.id().to_string()]).status().unwrap();
    }

    pub(super) fn wait_until_ready(&self) {
        let started = Instant::now();
        while self.send("GET /readyz", b"").0 != 200 {
            assert!(started.elapsed() < Duration::from_secs(60), "it never gets ready");
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal, and returns the exit code and what is on stderr.
    pub(super) fn end(&mut self, signal: &str) -> (Option<i32>, String) {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        let code = self.child.wait().unwrap().code();
        (code, self.log.take().map_or_else(String::new, |log| log.join().unwrap()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn a_service_answers_as_find_does_and_ends_with_its_signal() {
    let folder = Folder::with_photos(8);
    folder.done("collection add photos --collection shop");
    folder.put_edited("photos/3.png", "copy.jpg");
    let found = folder.done("find copy.jpg --collection shop");
    let copy = fs::read(folder.path("copy.jpg")).unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut service =
            Running::start(&folder, "serve --collection shop --listen 127.0.0.1:0 --log-json --workers 2");
        service.wait_until_ready();
        let (status, body) = service.send("POST /v1/find", &copy);
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 200, "{answer}");
        let [own, other] =
            [&answer, &found].map(|answer| answer["queries"][0]["matches"].as_array().unwrap());
        assert_eq!(own.len(), other.len(), "{answer} {found}");
        for (own, other) in own.iter().zip(other) {
            assert_eq!((&own["id"], &own["verdict"]), (&other["id"], &other["verdict"]));
            let cosines = [own, other].map(|found| found["cosine"].as_f64().unwrap());
            assert!((cosines[0] - cosines[1]).abs() < 1e-5, "{cosines:?}");
        }
        let (code, stderr) = service.end(signal);
        assert_eq!(code, Some(0), "{stderr}");
        let lines: Vec<&str> = stderr.lines().filter(|line| line.starts_with('{')).collect();
        let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |path: &str| events.iter().find(|event| event["span"]["path"] == path);
        assert_eq!(of("/v1/find").map(|event| &event["status"]), Some(&Value::from(200)), "{stderr}");
    }
}

/// A pipe holds 64 KiB, and the log of these requests is ten times as long.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_nobody_reads_stops_no_answer() {
    let folder = Folder::with_photos(1);
    let (reader, writer) = std::io::pipe().unwrap();
    let line = "serve --collection shop --listen 127.0.0.1:0";
    let service = Running::logging_to(writer.into(), &folder, line);
    let request = b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec();
    service.send_all(std::iter::repeat_n(&request, 5000), &[404]);
    drop(reader);
}

/// A leak of 100 bytes a request would add 9.5 MiB.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "slow: sends 120,000 requests"]
fn memory_is_flat_over_a_hundred_thousand_requests() {
    let folder = Folder::with_photos(8);
    folder.done("collection add photos --collection shop");
    folder.done("describe photos --out rows.npy");
    let service = Running::start(&folder, "serve --collection shop --listen 127.0.0.1:0");
    service.wait_until_ready();
    let request = |head: &str, body: &[u8]| {
        let head = format!("{head}\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let rows = fs::read(folder.path("rows.npy")).unwrap();
    let npy = "HTTP/1.1\r\ncontent-type: application/x-npy";
    let requests = [
        request(&format!("POST /v1/find {npy}"), &rows),
        request(&format!("POST /v1/find?where=licence=CC0 {npy}"), &rows[..rows.len() - 4]),
        request("GET /v1/entries?limit=5 HTTP/1.1", b""),
        request("POST /v1/find HTTP/1.1\r\ncontent-type: image/png", b"no picture"),
        request("GET /v1/collections/shop/status HTTP/1.1", b""),
        request("GET /nowhere HTTP/1.1", b""),
    ];
    let send = |count: usize| {
        thread::scope(|scope| {
            for first in 0..8 {
                let own = requests.iter().cycle().skip(first).take(count / 8);
                scope.spawn(|| service.send_all(own, &[200, 400, 404, 415, 422]));
            }
        });
    };
    send(20_000);
    let before = service.memory();
    send(100_000);
    let grown = service.memory().saturating_sub(before);
    assert!(grown < 4 << 10, "{grown} KiB more than {before} KiB after 100,000 requests");
}

#[test]
fn a_service_that_others_could_reach_needs_a_token() {
    let folder = Folder::with_photos(1);
    folder.refused("serve --collection shop --listen 0.0.0.0:0", "reachable from other machines");
    folder.refused("serve --collection nowhere", "no collection");
    folder.refused("serve --collection shop --collection shop", "two collections have the name");
    fs::write(folder.path("tokens"), "# none yet\n").unwrap();
    folder.refused("serve --collection shop --token-file tokens", "tokens: no line holds a token");
    fs::write(folder.path("tokens"), "short\n").unwrap();
    folder.refused("serve --collection shop --token-file tokens", "line 1");
}
