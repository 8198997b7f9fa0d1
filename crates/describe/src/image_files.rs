//! Image files to descriptors.

use std::{num::NonZeroUsize, path::Path};

use image_file::Reader;

use crate::{
    describer::Describer,
    error::{Error, Result},
    network_input::network_input,
    stream::{Described, Input, Prepared},
};

impl Describer<'_> {
    /// Describes image files. Threads read, decode and resize them, two batches ahead of the network.
    ///
    /// `progress` is called after each file that was read, `take` with each file's descriptor `[d]` and the notes of its
    /// reader, or its failure. Both are called in the order of `paths`, and end the stream by an error.
    ///
    /// # Errors
    /// The first error of `progress` or `take`; [`Error::Device`], [`Error::Thread`].
    pub fn describe_files<P: AsRef<Path> + Sync, E: From<Error>>(
        &mut self,
        reader: &Reader,
        paths: &[P],
        progress: impl FnMut(&P) -> Result<(), E>,
        mut take: impl FnMut(&P, Result<(Vec<f32>, Vec<String>)>) -> Result<(), E>,
    ) -> Result<(), E> {
        let extractor = self.extractor();
        let prepare = |path: &P| -> Result<Prepared<Vec<String>>> {
            let picture = reader.open(path.as_ref())?;
            let input = Input::Image(network_input(extractor, &picture.pixels)?);
            Ok(Prepared { note: picture.notes, inputs: vec![input] })
        };
        let only = |described: Described<Vec<String>>| {
            (described.descriptors.into_iter().flatten().collect(), described.note)
        };
        let ahead = NonZeroUsize::new(2 * self.batch_size()).unwrap_or(NonZeroUsize::MIN);
        self.stream(paths, ahead, prepare, progress, |path, described| take(path, described.map(only)))
    }
}
