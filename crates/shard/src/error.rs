//! Failures of naming a shard.

/// Reason why a shard is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text names no shard.
    #[error("expected I/N with I from 0 to N-1, such as 0/16, found {0}")]
    NoShard(String),
    /// A variable of the environment is no number.
    #[error("the variable {name} is {value:?}, expected a number")]
    NoNumber {
        /// Name of the variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A task is numbered outside the shards.
    #[error("{name} is {index}, expected 0 to {}: number the tasks from 0, or pass --shard I/N", .of - 1)]
    OutOfRange {
        /// Variable with the number of the task.
        name: &'static str,
        /// Its value.
        index: u64,
        /// Number of shards.
        of: u32,
    },
    /// The tasks of an array are not numbered from 0 or 1 without gaps: it may be a part of an array that runs again.
    #[error(
        "the tasks of this Slurm array are not 0 to N-1 or 1 to N: set ACTIVE_INDEX_SHARDS to the number of shards, whose tasks are numbered from 0, or pass --shard I/N"
    )]
    Part,
    /// The number of shards is known, and no variable tells which one is meant.
    #[error(
        "ACTIVE_INDEX_SHARDS is {0}, and neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: pass --shard I/{0}"
    )]
    NoTask(u32),
    /// Two schedulers name a task.
    #[error("both SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX are set: pass --shard I/N")]
    TwoTasks,
    /// A text names no run.
    #[error("expected 1 to 64 letters, digits, `.`, `-` and `_`, and no `.` in front, found {0:?}")]
    NoRun(String),
}

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
