//! Process of the peer.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};

/// Python process that measures on request.
pub struct Peer {
    pub version: String,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts a script of the folder `peers`.
    pub fn start(python: &OsStr, script: &str, arguments: &[&OsStr]) -> Result<Self> {
        let script = benches::root().join("benches/peers").join(script);
        let mut command = Command::new(python);
        command.arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot run PEER_PYTHON")?;
        let ask = process.stdin.take().context("no stdin")?;
        let mut answers = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let version = answers.next().context("the peer said nothing")??;
        Ok(Self { version, process, ask, answers })
    }

    /// Seconds that a request takes, or the peer's reason for failing.
    pub fn measure(&mut self, request: &str) -> Result<f64> {
        writeln!(self.ask, "{request}")?;
        match self.answers.next() {
            Some(answer) => {
                let answer = answer?;
                answer.parse().map_err(|_| anyhow!("{request}: {answer}"))
            }
            None => bail!("the peer stopped at `{request}`"),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The peer ends with its input; one that does not is not waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
