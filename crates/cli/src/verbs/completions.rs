//! `completions`: prints a shell's completion script.

use anyhow::Result;
use clap_complete::Shell;

use crate::{
    args::Arguments,
    session::{Outcome, Session},
};

pub fn run(shell: Shell, session: &Session) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::parser(), "active-index", &mut script);
    session.text(&String::from_utf8(script)?)?;
    Ok(Outcome::Done)
}
