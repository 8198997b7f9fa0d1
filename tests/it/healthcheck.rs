//! `healthcheck` against answers of every kind.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::command_line::{json, run};

/// Answers one request with `answer`; returns the exit code, the report, and the first line of the request.
fn check(answer: &'static [u8], options: &[&str]) -> (Option<i32>, Value, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(answer).unwrap();
        String::from_utf8_lossy(&request[..length]).lines().next().unwrap_or_default().to_owned()
    });
    let output = run(&[&["healthcheck", &address, "--json"], options].concat());
    (output.status.code(), json(&output), service.join().unwrap())
}

#[test]
fn only_a_success_is_healthy() {
    let (code, report, request) = check(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", &[]);
    assert_eq!((code, report["healthy"].as_bool()), (Some(0), Some(true)), "{report}");
    assert_eq!(request, "GET /healthz HTTP/1.1");
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        b"no answer\r\n\r\n",
        b"",
    ];
    for answer in answers {
        let (code, report, request) = check(answer, &["--ready"]);
        assert_eq!((code, report["healthy"].as_bool()), (Some(1), Some(false)), "{report}");
        assert!(report["error"].is_string(), "{report}");
        assert_eq!(request, "GET /readyz HTTP/1.1");
    }
}

#[test]
fn a_service_that_is_absent_or_silent_is_not_healthy() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [absent, silent.local_addr().unwrap()] {
        let started = Instant::now();
        let output = run(&["healthcheck", &address.to_string()]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{output:?}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
