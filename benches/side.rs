//! Processes that answer requests: one JSON object a line, numbers in return.

use std::{
    io::{BufRead, BufReader, Lines, Write, stdin, stdout},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Environment variables by which pools of threads take their size.
const POOLS: [&str; 4] =
    ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LANCE_CPU_THREADS"];

/// The answer to a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Value(f64),
    Error(String),
}

/// Running process of one side of a comparison, ended when dropped.
pub struct Side {
    /// First line that the process said: its name and version.
    pub version: String,
    /// Folder of the process's files.
    pub folder: PathBuf,
    name: &'static str,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Side {
    /// Starts a process in the folder `name` below `folder`.
    ///
    /// # Errors
    /// If the process cannot be started or says nothing.
    pub fn start(name: &'static str, mut command: Command, folder: &Path, threads: usize) -> Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        for pool in POOLS {
            command.env(pool, threads.to_string());
        }
        command.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let ask = process.stdin.take().context("no stdin")?;
        let mut answers = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let version = answers.next().with_context(|| format!("{name} said nothing"))??;
        Ok(Self { version, folder, name, process, ask, answers })
    }

    /// Sends a request and returns the number that answers it.
    ///
    /// # Errors
    /// The error that the process answers; if it stopped.
    pub fn ask(&mut self, request: &impl Serialize) -> Result<f64> {
        writeln!(self.ask, "{}", serde_json::to_string(request)?)?;
        let line = self.answers.next().with_context(|| format!("{} stopped", self.name))??;
        match serde_json::from_str(&line)? {
            Answer::Value(value) => Ok(value),
            Answer::Error(error) => bail!("{}: {error}", self.name),
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // The process ends with its input; one that does not is not waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says `version`, then answers the requests of the standard input until it ends.
///
/// # Errors
/// If a stream fails.
pub fn serve<R: DeserializeOwned>(version: &str, mut answer: impl FnMut(R) -> Result<f64>) -> Result<()> {
    let mut out = stdout();
    writeln!(out, "{version}")?;
    for line in stdin().lock().lines() {
        let answer = serde_json::from_str(&line?).map_err(Into::into).and_then(&mut answer);
        let answer = answer.map_or_else(|error| Answer::Error(format!("{error:#}")), Answer::Value);
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        out.flush()?;
    }
    Ok(())
}
