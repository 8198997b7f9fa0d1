//! Results of a search, for each query and as arrays in a file.

use std::{io::Seek, ops::Range, path::Path};

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use image_file::path_text;
use index::{Index, Metric, Neighbours, RangeNeighbours};
use npyz::{AutoSerialize, Serialize, WriteOptions, WriterBuilder, npz::file_name_from_array_name};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{args::Search, session::whole_file::write_whole};

/// Results of a search: the nearest entries of every query, or all within a radius.
pub enum Results {
    Nearest(Neighbours),
    Within(RangeNeighbours),
}

impl Results {
    /// Searches for descriptors `[n, d]` in `nprobe` cells.
    ///
    /// # Errors
    /// If `d` is not that of the index, or the kind of index does not support the search.
    pub fn search(index: &Index, descriptors: Tensor<2>, arguments: &Search, nprobe: usize) -> Result<Self> {
        Ok(match arguments.radius {
            Some(radius) => Self::Within(index.range_search(descriptors, radius, nprobe)?),
            None => Self::Nearest(index.search(descriptors, arguments.k.get(), nprobe)?),
        })
    }

    /// Returns the results of groups of rows, each entry at its least distance, see [`Neighbours::grouped`].
    pub fn grouped(&self, groups: &[Range<usize>], metric: Metric) -> Self {
        match self {
            Self::Nearest(found) => Self::Nearest(found.grouped(groups, metric)),
            Self::Within(found) => Self::Within(found.grouped(groups, metric)),
        }
    }

    /// Iterates over the ids and distances of one query, the nearest first.
    pub fn of_query(&self, query: usize) -> impl Iterator<Item = (i64, f32)> {
        let (ids, distances) = self.row(query);
        let missing = matches!(self, Self::Nearest(_));
        let pairs = ids.iter().copied().zip(distances.iter().copied());
        pairs.take_while(move |&(id, _)| !missing || id != -1)
    }

    /// Returns the ids and distances of one query, padded with -1 up to `k`.
    fn row(&self, query: usize) -> (&[i64], &[f32]) {
        match self {
            Self::Nearest(found) => (found.ids_of(query), found.distances_of(query)),
            Self::Within(found) => {
                let row = found.limits[query]..found.limits[query + 1];
                (&found.ids[row.clone()], &found.distances[row])
            }
        }
    }

    /// Writes arrays D (float32) and I (int64), `[n, k]`; for a radius one-dimensional, with `lims` `[n + 1]` (int64) as
    /// faiss's range search returns them. `answered` marks the queries that were searched; the others have NaN and -1,
    /// or no results.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path, answered: &[bool]) -> Result<()> {
        let mut buffer = std::io::Cursor::new(Vec::new());
        self.write_arrays(&mut buffer, answered)
            .with_context(|| format!("cannot write {}", path_text(path)))?;
        write_whole(path, |file| file.write_all(buffer.get_ref()))
    }

    fn write_arrays(&self, sink: &mut (impl std::io::Write + Seek), answered: &[bool]) -> Result<()> {
        let (mut ids, mut distances, mut limits) = (Vec::new(), Vec::new(), vec![0_i64]);
        let mut query = 0..;
        for &answered in answered {
            match (answered.then(|| query.next()).flatten(), self) {
                (Some(query), _) => {
                    let row = self.row(query);
                    ids.extend_from_slice(row.0);
                    distances.extend_from_slice(row.1);
                }
                (None, Self::Nearest(found)) => {
                    ids.resize(ids.len() + found.k, -1);
                    distances.resize(distances.len() + found.k, f32::NAN);
                }
                (None, Self::Within(_)) => {}
            }
            limits.push(ids.len() as i64);
        }
        let mut archive = ZipWriter::new(sink);
        let shape = match self {
            Self::Nearest(found) => vec![answered.len() as u64, found.k as u64],
            Self::Within(_) => {
                put(&mut archive, "lims", &[limits.len() as u64], &limits)?;
                vec![ids.len() as u64]
            }
        };
        put(&mut archive, "D", &shape, &distances)?;
        put(&mut archive, "I", &shape, &ids)?;
        archive.finish()?;
        Ok(())
    }
}

fn put<T: Serialize + AutoSerialize + Copy>(
    archive: &mut ZipWriter<impl std::io::Write + Seek>,
    name: &str,
    shape: &[u64],
    values: &[T],
) -> Result<()> {
    archive.start_file(file_name_from_array_name(name), SimpleFileOptions::default())?;
    let mut array = WriteOptions::new().default_dtype().shape(shape).writer(archive).begin_nd()?;
    array.extend(values.iter().copied())?;
    Ok(array.finish()?)
}
