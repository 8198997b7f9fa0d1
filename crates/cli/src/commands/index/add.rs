//! `index add`.

use std::{ops::Range, path::Path};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor};
use index::{
    Index,
    npy::{self, Blocks},
};

use super::{open, read_ids, save};
use crate::{
    args::IndexAdd,
    names::{self, Names},
    output::Output,
    progress,
    provenance::{self, Known},
};

/// Rows of a file that are in memory at once.
pub const BLOCK: usize = 1 << 16;

pub fn add(arguments: &IndexAdd, device: &Device, output: &Output) -> Result<Index> {
    let mut index = open(&arguments.index, device)?;
    let (known, added) = (Known::index(&arguments.index)?, Known::descriptors(&arguments.input)?);
    known.check(&added, output)?;
    let was_empty = index.ntotal() == 0;
    let blocks = npy::read_blocks(&arguments.input, BLOCK)?;
    let n = blocks.n();
    let ids = arguments.ids.as_deref().map(|path| ids_of_rows(path, n)).transpose()?;
    let rows = arguments.names.as_deref().map(|path| names_of_rows(path, n)).transpose()?;
    let first = index.next_id();
    let id = |row: i64| ids.as_ref().map_or(first.saturating_add(row), |ids| ids[row as usize]);
    let names = match rows {
        Some(rows) => {
            let mut names = names::of_entries(&arguments.index, index.ntotal())?;
            names.extend(rows.into_iter().map(|(row, name)| (id(row), name)));
            Some(names)
        }
        None => None,
    };
    let source = arguments.ids.as_ref().unwrap_or(&arguments.input);
    let entries = Entries { ids: ids.as_deref(), cells: arguments.cells.get() };
    fill(&mut index, blocks, entries, device).with_context(|| source.display().to_string())?;
    save(&index, &arguments.index, names)?;
    // Of entries that were there before nothing is known.
    if was_empty && known.provenance.is_none() {
        provenance::replace(&provenance::of_index(&arguments.index), added.provenance.as_ref())?;
    }
    Ok(index)
}

/// How rows are stored.
#[derive(Clone, Copy)]
struct Entries<'a> {
    /// `[n]`, counted on from what is there if not given.
    ids: Option<&'a [i64]>,
    /// Lists that each row is stored in.
    cells: usize,
}

/// Adds all rows; the index itself says how many come before them.
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
            None => add_rows(index, vectors, cells).map(|_| ())?,
        }
        done += n;
        bar.set_position(done as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Adds vectors `[n, d]` to the lists of as many nearest cells, under consecutive ids, which are returned.
fn add_rows(index: &mut Index, vectors: Tensor<2>, cells: usize) -> index::Result<Range<i64>> {
    if cells == 1 {
        return index.add(vectors);
    }
    let [n, _] = vectors.dims();
    let ids: Vec<i64> = (index.next_id()..).take(n).collect();
    index.add_to_lists(vectors, &ids, cells)?;
    Ok(ids.first().map_or(0..0, |first| *first..first + n as i64))
}

fn ids_of_rows(path: &Path, n: usize) -> Result<Vec<i64>> {
    let ids = read_ids(path)?;
    ensure!(ids.len() == n, "{} holds {} ids, but there are {n} vectors", path.display(), ids.len());
    Ok(ids)
}

fn names_of_rows(path: &Path, n: usize) -> Result<Names> {
    let rows = names::read(path)?;
    let outside = rows.keys().find(|&&row| !(0..n as i64).contains(&row));
    if let Some(row) = outside {
        bail!("{} names row {row}, but there are {n} rows, the first of them 0", path.display());
    }
    Ok(rows)
}
