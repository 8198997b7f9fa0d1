//! The index that is searched: what its file holds, and what is added to it in memory.

use std::{collections::HashMap, num::NonZeroUsize, path::Path};

use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use evaluation::distractors::Gaussian;
use index::{Index, Target, npy};

use super::{pipeline::Original, subjects::Subject};
use crate::{
    commands::index::{add_file, add_rows},
    engine::Engine,
    names::Names,
    output::Output,
    progress, provenance,
};

/// An index of this extractor's descriptors.
pub fn open(engine: &Engine, path: &Path, output: &Output) -> Result<Index> {
    let index = engine.index(Some(path), output)?;
    let (d, made) = (index.d(), engine.extractor.dimension());
    ensure!(
        d == made,
        "{}: of dimension {d}, but the extractor makes {made} numbers: name its weights with --weights",
        path.display()
    );
    Ok(index)
}

/// Refuses descriptors of another extractor.
fn check_extractor(file: &Path, engine: &Engine, output: &Output) -> Result<()> {
    let ours = provenance::Known::weights(engine.provenance());
    provenance::Known::descriptors(file)?.check(&ours, output)
}

/// Adds descriptors of files.
pub fn add_files(
    index: &mut Index,
    files: &[impl AsRef<Path>],
    engine: &Engine,
    output: &Output,
) -> Result<()> {
    for file in files.iter().map(AsRef::as_ref) {
        check_extractor(file, engine, output)?;
        add_file(index, file, &engine.device)?;
    }
    Ok(())
}

/// Adds `n` synthetic descriptors that look like those of a file.
pub fn add_synthetic(
    index: &mut Index,
    n: usize,
    like: &Path,
    seed: u64,
    engine: &Engine,
    output: &Output,
) -> Result<()> {
    check_extractor(like, engine, output)?;
    let real = npy::read_descriptors(like, &engine.device)?;
    let [rows, d] = real.dims();
    ensure!(rows >= 2, "{}: {rows} descriptors, expected at least 2 to fit a Gaussian to", like.display());
    ensure!(d == index.d(), "{}: of dimension {d}, but the index is of {}", like.display(), index.d());
    let bar = progress::bar(n, "adding");
    for block in Gaussian::fit(real, seed).blocks(n) {
        let [rows, _] = block.dims();
        index.add(block)?;
        bar.inc(rows as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Refuses numbers of cells that originals cannot be stored in, before anything is computed.
pub fn check_cells(index: &Index, cells: &[NonZeroUsize]) -> Result<()> {
    let mut several = cells.iter().map(|cells| cells.get()).filter(|&cells| cells > 1);
    several.try_for_each(|cells| {
        let any = Tensor::ones([1, index.d()], &index.device());
        Ok(add_rows(&mut index.clone(), any, cells).map(|_| ())?)
    })
}

/// Which originals the index knows by name.
pub struct Named<'a>(HashMap<&'a str, i64>);

impl<'a> Named<'a> {
    pub fn new(names: &'a Names) -> Self {
        Self(names.iter().map(|(id, name)| (name.as_str(), *id)).collect())
    }

    pub fn id(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }
}

/// An original in the index.
pub struct Entry {
    pub id: i64,
    /// The cells that it is in, where the index has cells.
    pub cells: Option<Vec<usize>>,
    /// What its code in the nearest cell stands for `[d]`, where the index can say.
    pub point: Option<Vec<f32>>,
}

/// An index with the entries of all originals.
pub struct Filled {
    pub index: Index,
    /// By the subject's place.
    pub of: HashMap<usize, Entry>,
    /// How many of the originals were added.
    pub added: usize,
    /// Entries of the originals in all cells.
    pub count: usize,
}

impl Filled {
    /// Finds the originals among those that the index knows, and adds those that are not to as many nearest cells.
    pub fn new(
        mut index: Index,
        named: &Named,
        subjects: &[Subject],
        originals: &[Original],
        cells: usize,
    ) -> Result<Self> {
        let id = |original: &Original| named.id(&subjects[original.number].name());
        let unknown: Vec<&Original> = originals.iter().filter(|original| id(original).is_none()).collect();
        let mut new = 0..0;
        if !unknown.is_empty() {
            let rows = matrix(unknown.iter().map(|original| original.row()), &index.device());
            new = add_rows(&mut index, rows, cells)?;
        }
        let id = |original| id(original).or_else(|| new.next()).context("fewer ids than images");
        let ids: Vec<i64> = originals.iter().map(id).collect::<Result<_>>()?;
        let cells = index.cells_of(&ids);
        let points = points(&index, matrix(originals.iter().map(Original::row), &index.device()));
        let entry = |(i, (original, id)): (usize, (&Original, &i64))| {
            let cells = cells.as_ref().map(|cells| cells.get(id).cloned().unwrap_or_default());
            (
                original.number,
                Entry { id: *id, cells, point: points.as_ref().map(|points| points[i].clone()) },
            )
        };
        let of: HashMap<usize, Entry> = originals.iter().zip(&ids).enumerate().map(entry).collect();
        let count = of.values().map(|entry| entry.cells.as_ref().map_or(1, Vec::len)).sum();
        Ok(Self { index, of, added: unknown.len(), count })
    }

    /// Bytes of one entry: its code, and in an inverted file its id.
    pub fn entry_size(&self) -> usize {
        self.index.code_size() + self.index.nlist().map_or(0, |_| size_of::<i64>())
    }
}

/// What the index stores, or would store, for each row; `None` where its transforms cannot be undone.
fn points(index: &Index, rows: Tensor<2>) -> Option<Vec<Vec<f32>>> {
    let aim = index.target(rows, Target::Reconstruction).ok()?;
    let values: Vec<f32> = aim.points.into_data().try_to_vec().ok()?;
    Some(values.chunks_exact(index.d()).map(<[f32]>::to_vec).collect())
}

/// Rows of one length as a tensor `[n, d]`.
pub fn matrix<'a>(rows: impl Iterator<Item = &'a [f32]>, device: &Device) -> Tensor<2> {
    let mut n = 0;
    let values: Vec<f32> = rows.inspect(|_| n += 1).flatten().copied().collect();
    let d = values.len() / n.max(1);
    Tensor::from_data(TensorData::new(values, [n, d]), device)
}
