//! From the content of queries to pictures and descriptors.

use image::RgbImage;
use image_file::{Pixels, Reader};

use super::{Content, Query};
use crate::{network::Network, problem::Problem};

/// Longest side in pixels of what is kept of a picture for further looks and comparisons, as on the command line.
const LONGEST: u32 = 1024;
/// Pixels of whole pictures from which on they are described before further ones are read.
const PIXELS: u64 = 1 << 24;

/// Query with its name, or the reason why it cannot be looked up.
pub type Prepared = (String, Result<find::Query, Problem>);

/// Reads pictures and describes them as a whole.
pub struct Preparation<'a> {
    network: &'a Network,
    reader: Reader,
    prepared: Vec<Prepared>,
    /// Whole pictures that are not described yet, and their places in `prepared`: `[n]` each.
    pictures: Vec<RgbImage>,
    places: Vec<usize>,
}

impl<'a> Preparation<'a> {
    /// Preparation without queries.
    pub fn new(network: &'a Network, reader: Reader) -> Self {
        Self { network, reader, prepared: Vec::new(), pictures: Vec::new(), places: Vec::new() }
    }

    /// Prepares queries, in their order.
    ///
    /// # Errors
    /// If the network fails.
    pub fn run(mut self, queries: Vec<Query>) -> Result<Vec<Prepared>, Problem> {
        for Query { name, content } in queries {
            let query = match content {
                Content::Descriptor(row) => Ok(find::Query::descriptor(row)),
                Content::File(bytes) => self.read(&bytes),
                Content::Missing(problem) => Err(problem),
            };
            self.prepared.push((name, query));
            let pixels: u64 = self.pictures.iter().map(pixels).sum();
            if pixels >= PIXELS {
                self.describe()?;
            }
        }
        self.describe()?;
        Ok(self.prepared)
    }

    /// Reads a picture, which is described later.
    fn read(&mut self, bytes: &[u8]) -> Result<find::Query, Problem> {
        let whole = self
            .reader
            .decode(bytes)
            .map_err(|error| Problem::unreadable("the picture", error))?
            .pixels
            .into_rgb8();
        let reduced = Pixels::Eight(whole.clone()).into_reduced(LONGEST);
        self.pictures.push(whole);
        self.places.push(self.prepared.len());
        Ok(find::Query::picture(reduced))
    }

    fn describe(&mut self) -> Result<(), Problem> {
        let (pictures, places) = (std::mem::take(&mut self.pictures), std::mem::take(&mut self.places));
        if pictures.is_empty() {
            return Ok(());
        }
        let rows = self.network.describe(pictures).map_err(Problem::internal)?;
        for (place, row) in places.into_iter().zip(rows) {
            let query = &mut self.prepared[place].1;
            match row {
                Err(error) => *query = Err(Problem::unprocessable(error)),
                Ok(row) => {
                    if let Ok(query) = query {
                        query.descriptor = Some(row);
                    }
                }
            }
        }
        Ok(())
    }
}

fn pixels(picture: &RgbImage) -> u64 {
    u64::from(picture.width()) * u64::from(picture.height())
}
