//! One side of a comparison: a process that answers requests.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::request::{Answer, Request};

/// Running process, ended when dropped.
pub struct Side {
    pub version: String,
    /// Folder of the process's files.
    pub folder: PathBuf,
    name: &'static str,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Side {
    /// Starts this program as our side.
    pub fn ours(folder: &Path, threads: usize) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--serve");
        Self::start("ours", command, folder, threads)
    }

    /// Starts faiss in the given Python.
    pub fn faiss(python: &Path, script: &Path, folder: &Path, threads: usize) -> Result<Self> {
        let mut command = Command::new(python);
        command.arg(script).arg("serve");
        Self::start("faiss", command, folder, threads)
    }

    fn start(name: &'static str, mut command: Command, folder: &Path, threads: usize) -> Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        for pool in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
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
    pub fn ask(&mut self, request: &Request) -> Result<f64> {
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
