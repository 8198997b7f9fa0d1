//! `index train`: trains an empty index.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use image_file::path_text;
use index::{
    Index, TrainConfig, TrainProgress, TrainStage,
    npy::{self, Matrix},
};
use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;

use super::{add::BLOCK, save};
use crate::{
    args::IndexTrain,
    outputs::Outputs,
    session::{Session, progress},
    side_files::{
        entry_names::Names,
        extractor_record::{self, Source},
    },
};

/// Trains an empty index, writes it and returns it.
///
/// # Errors
/// If a file cannot be read or written, or the kind of index does not fit the vectors.
pub fn train(arguments: &IndexTrain, device: &Device, session: &Session) -> Result<Index> {
    let advice = (!arguments.force).then_some("pass --force to replace it");
    let outputs = Outputs::default().and_index(&arguments.out, advice);
    outputs.check([&arguments.input])?;
    let vectors = match arguments.train_size {
        Some(size) => draw(&arguments.input, size.get(), arguments.seed, device)?,
        None => npy::read_descriptors(&arguments.input, device)?,
    };
    let config = TrainConfig { metric: arguments.metric, seed: arguments.seed, ..TrainConfig::default() };
    let bar = progress::bar(0, "training");
    let index = Index::train_with_progress(&arguments.factory, vectors, &config, &mut |p| show(&bar, p))
        .with_context(|| format!("cannot train {} on {}", arguments.factory, path_text(&arguments.input)))?;
    bar.finish_and_clear();
    let _lock = session.lock_output(&arguments.out)?;
    // Another run may have filled an index of this name meanwhile.
    outputs.check([&arguments.input])?;
    // The names and the record of a previous index in the file do not apply to this one.
    let record = extractor_record::of_index(&arguments.out);
    let trained_on = Source::descriptors(&arguments.input)?.record;
    extractor_record::replace(&record, None)?;
    save(&index, &arguments.out, Some(Names::new()))?;
    extractor_record::replace(&record, trained_on.as_ref())?;
    Ok(index)
}

fn show(bar: &indicatif::ProgressBar, progress: TrainProgress) {
    let stage = match progress.stage {
        TrainStage::Transform => "transform".to_owned(),
        TrainStage::Coarse => "coarse quantiser".to_owned(),
        TrainStage::Subquantiser { j, m } => format!("sub-quantiser {} of {m}", j + 1),
    };
    bar.set_message(stage);
    bar.set_length(progress.iterations as u64);
    bar.set_position(progress.iteration as u64 + 1);
}

/// Draws `size` rows of a file at random and returns them in their order, or all rows if there are not more.
fn draw(path: &Path, size: usize, seed: u64, device: &Device) -> Result<Tensor<2>> {
    let blocks = npy::read_blocks(path, BLOCK)?;
    let (n, d) = (blocks.n(), blocks.d());
    if size >= n {
        return Ok(npy::read_descriptors(path, device)?);
    }
    let mut rows = sample(&mut ChaCha8Rng::seed_from_u64(seed), n, size).into_vec();
    rows.sort_unstable();
    let mut rows = rows.into_iter().peekable();
    let mut values = Vec::with_capacity(size * d);
    let mut start = 0;
    for block in blocks {
        let block = block?;
        while let Some(row) = rows.next_if(|&row| row < start + block.n) {
            let at = (row - start) * d;
            values.extend_from_slice(&block.values[at..at + d]);
        }
        start += block.n;
    }
    Ok(Matrix { values, n: size, d }.into_tensor(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_drawn_once_each_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let n = BLOCK + 100;
        let values: Vec<f32> = (0..n).flat_map(|row| [row as f32, -(row as f32)]).collect();
        npy::write(&path, &values, 2).unwrap();
        let draw = |size, seed| -> Vec<f32> {
            draw(&path, size, seed, &Device::flex()).unwrap().into_data().iter().collect()
        };
        let drawn = draw(n - 50, 7);
        assert_eq!(drawn.len(), 2 * (n - 50));
        assert!(drawn.chunks(2).all(|row| row[0] == -row[1]));
        assert!(drawn.chunks(2).is_sorted_by(|a, b| a[0] < b[0]));
        assert_eq!(draw(5, 7), draw(5, 7));
        assert_ne!(draw(5, 7), draw(5, 8));
        assert_eq!(draw(n + 1, 7), values);
    }
}
