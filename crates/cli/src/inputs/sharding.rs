//! Shard of a run: named by the user, or by the scheduler that started the program.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use shard::{Environment, SHARDS, Shard};

use crate::{args::Sharding, session::Session};

/// Returns the shard of a run on images, or `None` for all of them. One that the environment names is noted on stderr.
///
/// # Errors
/// If the variables of the environment contradict each other.
pub fn shard(arguments: &Sharding, session: &Session) -> Result<Option<Shard>> {
    shard_of("images", arguments.shard, session)
}

/// Returns the shard of a run on `what`: the one that the user named, or that of the environment, or `None` for all.
///
/// # Errors
/// If the variables of the environment contradict each other.
pub fn shard_of(what: &str, named: Option<Shard>, session: &Session) -> Result<Option<Shard>> {
    let chosen = match named {
        Some(shard) => Some(shard),
        None => of_environment(what, session)?,
    };
    Ok(chosen.filter(|shard| shard.of() > 1))
}

/// Checks that a run is in no shard, because it takes a `.npy` file, which is `done` as a whole.
///
/// # Errors
/// If the user or the environment names a shard, or the variables of the environment contradict each other.
pub fn require_none(arguments: &Sharding, done: &str, session: &Session) -> Result<()> {
    let shard = shard(arguments, session)?;
    match (shard, arguments.shard) {
        (None, _) => Ok(()),
        (Some(_), Some(_)) => bail!("--shard: is for images; a .npy file is {done} as a whole"),
        (Some(shard), None) => bail!(
            "shard {shard} of the environment: shards are for images; a .npy file is {done} as a whole: pass --shard 0/1 in one task"
        ),
    }
}

fn of_environment(what: &str, session: &Session) -> Result<Option<Shard>> {
    Ok(match Environment::read(|name| env::var(name).ok())? {
        Environment::Nothing => None,
        Environment::Shard { shard, variable } => {
            session.note(&format!("shard {shard} of the {what}, by {variable}; --shard 0/1 takes all"));
            Some(shard)
        }
        Environment::Unsized { variable } => {
            session.note(&format!(
                "all {what}, although {variable} is set: {SHARDS} would tell the number of shards"
            ));
            None
        }
    })
}

/// Returns the shard's own output file for the one that the user named.
pub fn file_of(shard: Option<Shard>, path: &Path) -> PathBuf {
    shard.map_or_else(|| path.to_owned(), |shard| shard.file(path))
}

/// Gives output files that are named the shard's own names.
pub fn rename<'a>(shard: Option<Shard>, files: impl IntoIterator<Item = &'a mut Option<PathBuf>>) {
    for file in files.into_iter().flatten() {
        *file = file_of(shard, file);
    }
}
