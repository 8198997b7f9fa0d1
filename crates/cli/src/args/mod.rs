//! The command line as typed; `verbs` resolves it.

mod activate;
mod address;
mod advise;
mod collection;
mod conditions;
mod describe;
mod entry_ids;
mod eval;
mod find;
mod globals;
mod healthcheck;
mod help;
mod index;
mod optimisation;
mod range;
mod reading;
mod release;
mod search;
mod serve;
mod sharding;
mod stop_rule;
mod transform;

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use self::{
    activate::Activate,
    address::Address,
    advise::Advise,
    collection::{
        CollectionAdd, CollectionCalibrate, CollectionCreate, CollectionExport, CollectionImport,
        CollectionIndex, CollectionList, CollectionVerb, NamedEntries,
    },
    conditions::Conditions,
    describe::{Describe, ResizeMode},
    entry_ids::{IdSet, IdSpan},
    eval::{Editing, EvalCopyDetection, EvalFind, EvalRetrieval, EvalVerb},
    find::{EffortLevel, Find, LookupBounds},
    globals::Globals,
    healthcheck::Healthcheck,
    index::{IndexAdd, IndexMerge, IndexRemove, IndexTrain, IndexVerb},
    optimisation::{GradientPrecision, Optimisation},
    reading::Reading,
    release::Release,
    search::Search,
    serve::{NamedCollection, Serve},
    sharding::{RecordedSharding, Sharding},
    transform::TransformArgs,
};

/// Make images findable before they are released, and find their edited copies.
#[derive(Debug, Parser)]
#[command(name = "active-index", version, propagate_version = true, arg_required_else_help = true)]
#[command(subcommand_value_name = "VERB")]
pub struct Arguments {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub verb: Verb,
}

impl Arguments {
    /// Returns the parser, whose top page of help lists the verbs in groups.
    pub fn parser() -> clap::Command {
        help::with_groups(Self::command())
    }

    /// Parses the arguments of the program.
    ///
    /// # Errors
    /// If they are invalid, or ask for a page of help or the version.
    pub fn read() -> Result<Self, clap::Error> {
        Self::from_arg_matches(&Self::parser().try_get_matches()?)
    }
}

/// A verb and its arguments.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Activate images for an index; without images, demonstrate it on the bundled samples
    #[command(after_help = activate::EXAMPLES)]
    Activate(Activate),
    /// Activate images for a collection, remember them, and write their released files
    #[command(after_help = release::EXAMPLES)]
    Release(Release),
    /// Find out whether images are in a collection
    #[command(after_help = find::EXAMPLES)]
    Find(Find),
    /// Answer lookups and release pictures over HTTP, with an API for other programs
    #[command(after_help = serve::EXAMPLES)]
    Serve(Serve),
    /// Take entries of a collection out of the answers
    #[command(after_help = collection::WITHDRAW)]
    Withdraw(NamedEntries),
    /// Put withdrawn entries back into the answers
    #[command(after_help = collection::RESTORE)]
    Restore(NamedEntries),
    /// Create, fill, list, check and export collections of images
    #[command(subcommand, after_help = collection::EXAMPLES)]
    #[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
    Collection(CollectionVerb),
    /// Estimate from a few photographs what activation gains for an index
    #[command(after_help = advise::EXAMPLES)]
    Advise(Advise),
    /// Compute descriptors of images
    #[command(after_help = describe::EXAMPLES)]
    Describe(Describe),
    /// Train, fill, change and inspect indexes
    #[command(subcommand, after_help = index::EXAMPLES)]
    #[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
    Index(IndexVerb),
    /// Find the nearest entries of an index
    #[command(after_help = search::EXAMPLES)]
    Search(Search),
    /// Measure how many edited copies an index finds
    #[command(subcommand, after_help = eval::EXAMPLES)]
    #[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
    Eval(EvalVerb),
    /// Apply one edit of the evaluation to an image
    #[command(after_help = transform::edits_and_examples())]
    Transform(TransformArgs),
    /// List the devices that --device can name, and why others cannot be used
    #[command(after_help = "Examples:\n  active-index devices\n  active-index devices --json")]
    Devices,
    /// Ask a service on this machine whether it answers
    #[command(after_help = healthcheck::EXAMPLES)]
    Healthcheck(Healthcheck),
    /// Print a shell's completion script
    #[command(after_help = "Example:\n  active-index completions bash > /etc/bash_completion.d/active-index")]
    Completions {
        /// Shell to complete in
        shell: clap_complete::Shell,
    },
    /// Write the manual pages of the program and its verbs
    #[command(after_help = "Example:\n  active-index man ~/.local/share/man/man1")]
    Man {
        /// Folder to write them into, which is created if necessary
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}
