//! The index that is searched: what its file holds, and what is added to it in memory.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use eval::distractors::Gaussian;
use index::{Index, Target, npy};

use super::{pipeline::Original, subjects::Subject};
use crate::{
    commands::index::add_file, engine::Engine, names::Names, output::Output, progress, provenance::Known,
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

/// Adds descriptors of files.
pub fn add_files(
    index: &mut Index,
    files: &[impl AsRef<Path>],
    engine: &Engine,
    output: &Output,
) -> Result<()> {
    for file in files.iter().map(AsRef::as_ref) {
        Known::descriptors(file)?.check(&Known::weights(engine.provenance()), output)?;
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
    Known::descriptors(like)?.check(&Known::weights(engine.provenance()), output)?;
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

/// An original in the index.
pub struct Entry {
    pub id: i64,
    /// The cell it is in, where the index has cells.
    pub cell: Option<i64>,
    /// What its code stands for `[d]`, where the index can say.
    pub point: Option<Vec<f32>>,
}

/// The entries of all originals.
pub struct Entries {
    /// By the subject's place.
    pub of: HashMap<usize, Entry>,
    /// How many of them were added.
    pub added: usize,
}

impl Entries {
    /// Finds the originals among `names`, and adds those that are not.
    pub fn new(
        index: &mut Index,
        names: &Names,
        subjects: &[Subject],
        originals: &[Original],
    ) -> Result<Self> {
        let ids: HashMap<&str, i64> = names.iter().map(|(id, name)| (name.as_str(), *id)).collect();
        let known = |number: usize| ids.get(subjects[number].name().as_str()).copied();
        let device = index.device();
        let unknown: Vec<&[f32]> =
            originals.iter().filter(|original| known(original.number).is_none()).map(Original::row).collect();
        let mut added =
            if unknown.is_empty() { 0..0 } else { index.add(matrix(unknown.iter().copied(), &device))? };
        let all = matrix(originals.iter().map(Original::row), &device);
        let cells = index.cells(all.clone())?;
        let points = points(index, all);
        let entry = |(i, Original { number, .. }): (usize, &Original)| {
            let id = known(*number).or_else(|| added.next()).context("fewer ids than images")?;
            let cell = cells.as_ref().map(|cells| cells[i]);
            Ok((*number, Entry { id, cell, point: points.as_ref().map(|points| points[i].clone()) }))
        };
        let of = originals.iter().enumerate().map(entry).collect::<Result<_>>()?;
        Ok(Self { of, added: unknown.len() })
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
