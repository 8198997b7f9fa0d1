//! Images as queries: descriptors of their views.

use std::{num::NonZeroUsize, ops::Range};

use anyhow::Result;
use describe::{BatchRequest, Described, Input as NetworkInput, Prepared, network_input};
use image_file::{Pixels, Reader, path_text};

use super::Query;
use crate::{
    inputs::{extractor::LoadedExtractor, image_files::Input},
    session::{Session, output::one_line, progress},
};

/// Images that are read before the network needs them, for each view of one.
const AHEAD: usize = 16;

/// Descriptors of queries, view by view.
#[derive(Default)]
pub struct Views {
    /// Descriptors `[n][d]`.
    pub descriptors: Vec<Vec<f32>>,
    /// Places of the views of each query that could be read.
    pub groups: Vec<Range<usize>>,
}

/// Describes up to `looks` views of each image, the whole image first. Returns them with all queries, those that failed too.
///
/// # Errors
/// If the device fails.
pub fn describe(
    loaded: &LoadedExtractor,
    inputs: &[Input],
    looks: usize,
    reader: &Reader,
    session: &Session,
) -> Result<(Views, Vec<Query>)> {
    let bar = progress::bar(inputs.len(), "describing");
    let (mut views, mut queries) = (Views::default(), Vec::with_capacity(inputs.len()));
    let prepare = |input: &Input| -> describe::Result<Prepared<Vec<String>>> {
        let picture = reader.open(&input.path)?;
        Ok(Prepared { note: picture.notes, inputs: network_inputs(loaded, picture.pixels, looks)? })
    };
    let advance = |_: &Input| {
        bar.inc(1);
        Ok(())
    };
    let take = |input: &Input, described: describe::Result<Described<Vec<String>>>| {
        let query = path_text(&input.path);
        let mut entered = Query { query, error: None, looks: None, results: Vec::new() };
        match described {
            Ok(Described { note, descriptors }) => {
                bar.suspend(|| session.notes(&entered.query, &note));
                entered.looks = (looks > 1).then_some(descriptors.len());
                views.push(descriptors);
            }
            Err(error) => {
                let reason = one_line(&error.into());
                bar.suspend(|| session.failure(&entered.query, &reason));
                entered.error = Some(reason);
            }
        }
        queries.push(entered);
        anyhow::Ok(())
    };
    let ahead = NonZeroUsize::new(AHEAD / looks).unwrap_or(NonZeroUsize::MIN);
    loaded.describer(BatchRequest::Auto).stream(inputs, ahead, prepare, advance, take)?;
    bar.finish_and_clear();
    Ok((views, queries))
}

fn network_inputs(
    loaded: &LoadedExtractor,
    pixels: Pixels,
    looks: usize,
) -> describe::Result<Vec<NetworkInput>> {
    let input = |pixels: &Pixels| Ok(NetworkInput::Image(network_input(&loaded.extractor, pixels)?));
    let whole = input(&pixels)?;
    if looks == 1 {
        return Ok(vec![whole]);
    }
    let picture = pixels.into_rgb8();
    let further = looks::plan(&picture, looks).into_iter().skip(1);
    let further = further.map(|look| input(&Pixels::Eight(look.apply(&picture))));
    [Ok(whole)].into_iter().chain(further).collect()
}

impl Views {
    fn push(&mut self, descriptors: Vec<Vec<f32>>) {
        let first = self.descriptors.len();
        self.descriptors.extend(descriptors);
        self.groups.push(first..self.descriptors.len());
    }
}
