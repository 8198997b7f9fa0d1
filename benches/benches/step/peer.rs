//! The peer's process.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};

/// A Python process that measures when asked.
pub struct Peer {
    pub version: String,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// A script of the folder `peers`.
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

    /// The seconds that a request takes, or what the peer says instead.
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
        // It ends with its input; a peer that does not is not waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
