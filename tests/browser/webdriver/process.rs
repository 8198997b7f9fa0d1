//! The process of chromedriver.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Programs that a browser needs; Debian has them in packages of these names, and `chromedriver` in `chromium-driver`.
const PROGRAMS: [&str; 2] = ["chromium", "chromedriver"];

/// Turn of the test that has a browser: several browsers and networks at once only wait for one another.
static TURN: Mutex<()> = Mutex::new(());

/// Running chromedriver.
pub struct Process {
    child: Child,
    address: String,
    _turn: MutexGuard<'static, ()>,
}

impl Process {
    pub fn start(test: &str) -> Option<Self> {
        if let Some(reason) = PROGRAMS.iter().find_map(|program| missing(program)) {
            // Not `eprintln`: the test harness captures it.
            let note = "install the packages chromium and chromium-driver";
            let mut stderr = io::stderr();
            writeln!(stderr, "SKIPPED {test}: {reason}; {note}").unwrap();
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut command = Command::new("chromedriver");
        let mut child = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
        let port = lines
            .filter_map(|line| line.split_once("successfully on port ").map(|(_, port)| port.to_owned()))
            .next();
        let port = port.expect("chromedriver names its port");
        let address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
        Some(Self { child, address, _turn: turn })
    }

    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Reason why a program cannot be used.
fn missing(program: &str) -> Option<String> {
    match Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("{program} --version ends with {status}")),
        Err(error) => Some(format!("no {program}: {error}")),
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
