//! The `curl` lines of the book, run as they stand there against a service.

use std::{
    fs,
    io::{self, Write},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Folder, serving::Running};
use crate::fixtures::root;

/// Pages of the book that have `curl` lines for a service.
const PAGES: [&str; 2] = ["docs/service.md", "docs/guide/service-tour.md"];
/// Address in the book of a service on the reader's machine, and of one that needs a token.
const LOCAL: &str = "127.0.0.1:8080";
const ELSEWHERE: &str = "server:8080";
/// Settings of curl: it writes the status and the type behind each body.
const SETTINGS: &str =
    "silent\nshow-error\nmax-time = 120\nwrite-out = \"\\n%{http_code} %{content_type}\"\n";
/// Variable that stands in the book for the id of a release.
const RELEASE: &str = "RELEASE";
/// Longest time until what was accepted is released.
const PATIENCE: Duration = Duration::from_secs(120);

/// Services that the lines are sent to, and the folder that they are run in.
struct Reader {
    folder: Folder,
    local: Running,
    guarded: Running,
}

impl Reader {
    fn new() -> Self {
        let folder = Folder::with_photos(20);
        folder.done("collection add photos --collection shop --meta licence=CC0");
        folder.put_edited("photos/3.png", "suspect.jpg");
        folder.put_edited("photos/4.png", "a.jpg");
        folder.put_edited("photos/8.png", "new.jpg");
        fs::copy(folder.path("photos/5.png"), folder.path("b.png")).unwrap();
        folder.done("describe photos/6.png photos/7.png --out queries.npy");
        fs::write(folder.path("tokens"), "0123456789abcdef0123456789abcdef\n").unwrap();
        fs::write(folder.path(".curlrc"), SETTINGS).unwrap();
        let serve = "serve --collection shop --listen 127.0.0.1:0";
        let local = Running::logging_to(Stdio::null(), &folder, serve);
        let tokens = format!("{serve} --token-file tokens");
        let guarded = Running::logging_to(Stdio::null(), &folder, &tokens);
        [&local, &guarded].iter().for_each(|service| service.wait_until_ready());
        let reader = Self { folder, local, guarded };
        // A bound that no match keeps makes a possible one of it, which is the review 1 of the book.
        let queue =
            format!("curl -F file=@suspect.jpg 'http://{LOCAL}/v1/find?review=true&k=1&max_e=1e-300'");
        assert_eq!(reader.run(&queue)["reviews"][0]["review"], 1);
        reader
    }

    /// Runs a line, and returns its answer, which must be of success and readable.
    fn run(&self, line: &str) -> Value {
        let sent = line.replace(LOCAL, self.local.host()).replace(ELSEWHERE, self.guarded.host());
        assert!(sent != line, "{line}: neither {LOCAL} nor {ELSEWHERE}");
        let mut shell = Command::new("sh");
        if line.contains(&format!("${RELEASE}")) {
            shell.env(RELEASE, self.released());
        }
        shell.args(["-c", &sent]).current_dir(self.folder.path("")).env("CURL_HOME", self.folder.path(""));
        let output = shell.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}: {text} {}", String::from_utf8_lossy(&output.stderr));
        let (body, end) = text.rsplit_once('\n').unwrap();
        let (status, kind) = end.split_once(' ').unwrap();
        assert!(status.starts_with('2'), "{line}: {status} {body}");
        match kind {
            "application/json" if !body.is_empty() => serde_json::from_str(body).unwrap(),
            _ => Value::from(body),
        }
    }

    /// Id of the newest release that is done, once none waits.
    fn released(&self) -> String {
        let started = Instant::now();
        loop {
            let answer = self.run(&format!("curl http://{LOCAL}/v1/releases"));
            let releases = answer["releases"].as_array().unwrap();
            let waits = |release: &Value| release["state"] == "queued" || release["state"] == "running";
            if !releases.iter().any(waits) {
                let done = releases.iter().find(|release| release["state"] == "done");
                return done.unwrap_or_else(|| panic!("{answer}"))["id"].as_str().unwrap().to_owned();
            }
            assert!(started.elapsed() < PATIENCE, "{answer}");
            sleep(Duration::from_millis(50));
        }
    }
}

/// `curl` commands of the `sh` blocks of a page; a backslash at the end of a line continues the command.
fn curl_lines(page: &str) -> Vec<String> {
    let text = page.replace("\\\n", " ");
    let mut is_shell = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(language) => is_shell = language == "sh",
            None if is_shell && line.starts_with("curl ") => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

fn has_curl() -> bool {
    let version = Command::new("curl").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

#[cfg(unix)]
#[test]
fn the_curl_lines_of_the_book_are_answered() {
    if !has_curl() {
        // Not `eprintln`: the test harness captures it.
        let mut stderr = io::stderr();
        writeln!(stderr, "SKIPPED the curl lines of the book: no curl").unwrap();
        return;
    }
    let reader = Reader::new();
    for page in PAGES {
        let lines = curl_lines(&fs::read_to_string(root().join(page)).unwrap());
        assert!(lines.len() >= 5, "{page} has {} curl lines", lines.len());
        for line in lines {
            let answer = reader.run(&line);
            if line.contains("/v1/find") {
                assert!(answer["queries"][0]["matches"].is_array(), "{line}: {answer}");
            }
        }
    }
}

#[test]
fn curl_lines_are_those_of_shell_blocks() {
    let page =
        "```sh\nserve\ncurl a\ncurl -F b \\\n  c\n```\n\n    curl no\n```json\ncurl no\n```\ncurl no\n";
    assert_eq!(curl_lines(page), ["curl a", "curl -F b    c"]);
}
