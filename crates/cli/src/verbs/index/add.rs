//! `index add`: adds vectors to an index.

use anyhow::{Context, Result};
use burn::tensor::Device;
use image_file::path_text;
use index::{
    Index,
    npy::{self, Blocks},
};

use super::{open, save};
use crate::{
    args::IndexAdd,
    outputs::{Content, Outputs},
    session::{Session, progress},
    side_files::{
        entry_ids, entry_names,
        extractor_record::{self, Source},
    },
};

/// Number of rows of a file in memory at a time.
pub const BLOCK: usize = 1 << 16;

/// Adds vectors to an index, and returns it.
///
/// # Errors
/// If a file cannot be read or written, or vectors, ids, names and index do not fit together.
pub fn add(arguments: &IndexAdd, device: &Device, session: &Session) -> Result<Index> {
    let _lock = session.lock(&arguments.index)?;
    // The index itself is changed, not replaced.
    let names = Outputs::default().and(&entry_names::of_index(&arguments.index), Content::Names);
    names.check(
        [Some(&arguments.input), arguments.names.as_ref(), arguments.ids.as_ref()].into_iter().flatten(),
    )?;
    let mut index = open(&arguments.index, device)?;
    let (stored, added) = (Source::index(&arguments.index)?, Source::descriptors(&arguments.input)?);
    stored.check(&added, session)?;
    let was_empty = index.ntotal() == 0;
    let blocks = npy::read_blocks(&arguments.input, BLOCK)?;
    let n = blocks.n();
    let ids = arguments.ids.as_deref().map(|path| entry_ids::of_rows(path, n)).transpose()?;
    let rows = arguments.names.as_deref().map(|path| entry_names::of_rows(path, n)).transpose()?;
    let first = index.next_id();
    let id = |row: i64| ids.as_ref().map_or(first.saturating_add(row), |ids| ids[row as usize]);
    let names = match rows {
        Some(rows) => {
            let mut names = entry_names::of_entries(&arguments.index, index.ntotal())?;
            names.extend(rows.into_iter().map(|(row, name)| (id(row), name)));
            Some(names)
        }
        None => None,
    };
    let source = arguments.ids.as_ref().unwrap_or(&arguments.input);
    let entries = Entries { ids: ids.as_deref(), cells: arguments.cells.get() };
    fill(&mut index, blocks, entries, device).with_context(|| path_text(source))?;
    save(&index, &arguments.index, names)?;
    // Earlier entries without a record have an unknown origin, which stays so.
    if was_empty && stored.record.is_none() {
        extractor_record::replace(&extractor_record::of_index(&arguments.index), added.record.as_ref())?;
    }
    Ok(index)
}

/// Ids and cells of the rows to add.
#[derive(Clone, Copy)]
struct Entries<'a> {
    /// `[n]`; consecutive ids after the existing ones if `None`.
    ids: Option<&'a [i64]>,
    /// Number of nearest cells that each row is stored in.
    cells: usize,
}

/// Adds all rows of a file.
fn fill(index: &mut Index, blocks: Blocks, entries: Entries<'_>, device: &Device) -> Result<()> {
    let bar = progress::bar(blocks.n(), "adding");
    let mut done = 0;
    let Entries { ids, cells } = entries;
    for block in blocks {
        let block = block?;
        let n = block.n;
        let vectors = block.into_tensor(device);
        match ids {
            Some(ids) => index.add_to_lists(vectors, &ids[done..done + n], cells)?,
            None => index.add_to_nearest(vectors, cells).map(drop)?,
        }
        done += n;
        bar.set_position(done as u64);
    }
    bar.finish_and_clear();
    Ok(())
}
