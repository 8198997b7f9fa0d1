//! Joining of small fragments: every change of a review makes one.

use std::{sync::Arc, time::Instant};

use chrono::{TimeDelta, Utc};
use collection::Result;
use lance::{
    Dataset,
    dataset::{
        cleanup::{CleanupPolicy, cleanup_old_versions},
        optimize::{CompactionOptions, compact_files},
    },
};

use super::Reviews;
use crate::{failure, table::is_conflict};

/// Small fragments from which they are joined.
pub const MOST_SMALL: usize = 64;
/// Reviews from which a fragment is not small. With their pictures they take 64 MiB at most.
const SMALL_ROWS: usize = 1024;
/// Reviews that are read at a time.
const BATCH: usize = 64;
/// Age from which old versions are removed: pages that are being read are of younger ones.
const OLD: TimeDelta = TimeDelta::hours(1);

impl Reviews {
    /// Joins small fragments if there are many, and removes old versions. Where it conflicts with others, it is left to them.
    ///
    /// # Errors
    /// A table that cannot be read or written. The reviews are as they were.
    pub async fn compact_when_due(&self) -> Result<()> {
        let dataset = self.table.recent().await?;
        let rows = dataset.fragments().iter().map(|fragment| fragment.physical_rows.unwrap_or(0));
        if rows.filter(|rows| *rows < SMALL_ROWS).count() < MOST_SMALL {
            return Ok(());
        }
        match self.compact(dataset.as_ref().clone()).await {
            Err(error) if !is_conflict(&error) => Err(failure::at(self.table.location())(error)),
            _ => Ok(()),
        }
    }

    async fn compact(&self, mut dataset: Dataset) -> lance::Result<()> {
        let options = CompactionOptions {
            target_rows_per_fragment: SMALL_ROWS,
            batch_size: Some(BATCH),
            ..CompactionOptions::default()
        };
        let asked = Instant::now();
        compact_files(&mut dataset, options, None).await?;
        let dataset = self.table.note(Arc::new(dataset), asked);
        let policy = CleanupPolicy { before_timestamp: Some(Utc::now() - OLD), ..CleanupPolicy::default() };
        cleanup_old_versions(&dataset, policy).await.map(drop)
    }
}
