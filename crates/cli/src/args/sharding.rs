//! Arguments of work in shards.

use clap::Args;
use shard::{RunName, Shard};

/// Share of the inputs that a run works on.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Work in shards")]
pub struct Sharding {
    /// Work on the I-th of N shards of the images, numbered from 0 to N-1; output files get names of their own, such as
    /// FILE.03-of-16.npy; 0/1 is all images [default: the task of a Slurm array, or of an indexed Kubernetes job of
    /// ACTIVE_INDEX_SHARDS tasks]
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
}

/// Share of the inputs, and the name under which the collection keeps how far it is done.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Work in shards")]
pub struct RecordedSharding {
    #[command(flatten)]
    pub sharding: Sharding,
    /// Name of the run in `collection info`, shared by its shards; with it, a run on all images is recorded, too [default: made
    /// from the verb, the inputs and N]
    #[arg(long, value_name = "NAME")]
    pub run: Option<RunName>,
}
