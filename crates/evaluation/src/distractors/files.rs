//! Entries from files of descriptors, and from a Gaussian that is fitted to one.

use std::path::Path;

use index::{
    Index,
    npy::{self, Blocks},
};

use super::gaussian::Gaussian;
use crate::{
    error::{Error, Result},
    events::{Events, Task},
};

/// Rows of a file that are in memory at once.
const BLOCK: usize = 1 << 16;

/// Adds the descriptors of a file, float32 `[n, d]`, to the index under consecutive ids.
///
/// # Errors
/// [`Error::Index`] if the file cannot be read, [`Error::InFile`] if the index refuses its descriptors.
pub fn add_file(index: &mut Index, file: &Path, events: &dyn Events) -> Result<()> {
    let blocks = npy::read_blocks(file, BLOCK)?;
    events.begin(Task::Adding, blocks.n());
    let added = add_blocks(index, blocks, events);
    events.end();
    added.map_err(|error| Error::InFile { path: file.to_owned(), source: Box::new(error) })
}

fn add_blocks(index: &mut Index, blocks: Blocks, events: &dyn Events) -> Result<()> {
    let device = index.device();
    for block in blocks {
        let block = block?;
        let n = block.n;
        index.add(block.into_tensor(&device))?;
        events.advance(n);
    }
    Ok(())
}

/// Adds `n` synthetic descriptors to the index, from a Gaussian that is fitted to the descriptors of `file`.
///
/// # Errors
/// [`Error::Index`], [`Error::FewDescriptors`], [`Error::Dimension`].
pub fn add_synthetic(index: &mut Index, n: usize, file: &Path, seed: u64, events: &dyn Events) -> Result<()> {
    let real = npy::read_descriptors(file, &index.device())?;
    let [rows, d] = real.dims();
    if rows < 2 {
        return Err(Error::FewDescriptors { path: file.to_owned(), found: rows, least: 2 });
    }
    if d != index.d() {
        return Err(Error::Dimension { path: file.to_owned(), found: d, expected: index.d() });
    }
    events.begin(Task::Adding, n);
    let mut blocks = Gaussian::fit(real, seed).blocks(n);
    let added = blocks.try_for_each(|block| {
        let [rows, _] = block.dims();
        index.add(block)?;
        events.advance(rows);
        Ok(())
    });
    events.end();
    added
}
