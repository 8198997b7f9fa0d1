//! Shards that schedulers name by variables of the environment.

use crate::{
    error::{Error, Result},
    shard::Shard,
};

/// Variable with the number of shards, which Kubernetes does not tell, and which fixes it for parts of a Slurm array that are
/// run again. Tasks are then numbered from 0.
pub const SHARDS: &str = "ACTIVE_INDEX_SHARDS";
const SLURM: &str = "SLURM_ARRAY_TASK_ID";
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

/// Shard, as far as the environment tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environment {
    /// The program runs in no array or indexed job.
    Nothing,
    /// The shard of the task.
    Shard {
        /// The shard.
        shard: Shard,
        /// Variable that numbers the tasks.
        variable: &'static str,
    },
    /// The program runs in an indexed job whose number of tasks is unknown.
    Unsized {
        /// Variable that numbers the tasks.
        variable: &'static str,
    },
}

impl Environment {
    /// Reads the shard from environment variables, through a lookup function.
    ///
    /// `ACTIVE_INDEX_SHARDS` is the number of shards, and tasks are numbered from 0. Without it, it is the size of a Slurm array
    /// whose tasks are numbered without gaps from 0 or 1: other numbers may be a part of an array that runs again.
    ///
    /// # Errors
    /// If variables are no numbers or contradict each other. The message says what to set.
    ///
    /// ```
    /// use active_index_shard::Environment;
    ///
    /// let slurm = |name: &str| match name {
    ///     "SLURM_ARRAY_TASK_ID" => Some("3".to_owned()),
    ///     "SLURM_ARRAY_TASK_MIN" => Some("1".to_owned()),
    ///     "SLURM_ARRAY_TASK_COUNT" => Some("16".to_owned()),
    ///     _ => None,
    /// };
    /// let Environment::Shard { shard, .. } = Environment::read(slurm)? else { panic!("no shard") };
    /// assert_eq!(shard.to_string(), "2/16");
    /// # Ok::<(), active_index_shard::Error>(())
    /// ```
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let number = |name| number(name, variable(name));
        let shards = match number(SHARDS)? {
            Some(n) => Some(
                u32::try_from(n)
                    .ok()
                    .filter(|&n| n > 0)
                    .ok_or_else(|| Error::NoNumber { name: SHARDS, value: n.to_string() })?,
            ),
            None => None,
        };
        let (name, index) = match (number(SLURM)?, number(KUBERNETES)?) {
            (Some(_), Some(_)) => return Err(Error::TwoTasks),
            (Some(index), None) => (SLURM, index),
            (None, Some(index)) => (KUBERNETES, index),
            (None, None) => return shards.map_or(Ok(Self::Nothing), |n| Err(Error::NoTask(n))),
        };
        match shards {
            Some(of) => numbered(name, index, of),
            None if name == SLURM => of_array(index, number),
            None => Ok(Self::Unsized { variable: name }),
        }
    }
}

fn number(name: &'static str, value: Option<String>) -> Result<Option<u64>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| Error::NoNumber { name, value })
}

/// Shard of a task that is numbered from 0.
fn numbered(variable: &'static str, index: u64, of: u32) -> Result<Environment> {
    let shard = u32::try_from(index).ok().and_then(|index| Shard::new(index, of));
    let shard = shard.ok_or(Error::OutOfRange { name: variable, index, of })?;
    Ok(Environment::Shard { shard, variable })
}

/// Shard of a task of an array of `n` tasks, numbered 0 to `n - 1` or 1 to `n`.
fn of_array(id: u64, number: impl Fn(&'static str) -> Result<Option<u64>>) -> Result<Environment> {
    let min = number("SLURM_ARRAY_TASK_MIN")?.filter(|&min| min <= 1).ok_or(Error::Part)?;
    let count = number("SLURM_ARRAY_TASK_COUNT")?.ok_or(Error::Part)?;
    let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1);
    let last = count.checked_sub(1).and_then(|n| n.checked_add(min)).ok_or(Error::Part)?;
    let max = number("SLURM_ARRAY_TASK_MAX")?.unwrap_or(last);
    let index = id.checked_sub(min).and_then(|index| u32::try_from(index).ok());
    let shard = index.zip(u32::try_from(count).ok()).and_then(|(index, of)| Shard::new(index, of));
    match shard {
        Some(shard) if max == last && step <= 1 => Ok(Environment::Shard { shard, variable: SLURM }),
        _ => Err(Error::Part),
    }
}
