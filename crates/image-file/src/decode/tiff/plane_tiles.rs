//! Tiles of separate planes, placed one by one.
//!
//! The crate's own assembly crops the last row of tiles in the first plane only, and writes beyond the others.

use tiff::{
    ColorType,
    decoder::{ChunkType, DecodingResult},
    tags::Tag,
};

use super::{Reader, Samples, other_samples, refused, unsupported};
use crate::Result;

/// Value of `PlanarConfiguration` for separate planes.
const SEPARATE: u16 = 2;
/// Most channels of a colour: four inks and alpha. Memory is checked for as many.
const MOST_CHANNELS: u16 = 5;

/// Returns true for an image of several planes in tiles.
pub(super) fn are_in(decoder: &mut Reader<'_>, colour: ColorType) -> bool {
    let planes = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration);
    colour.num_samples() > 1
        && decoder.get_chunk_type() == ChunkType::Tile
        && planes.is_ok_and(|planes| planes == Some(SEPARATE))
}

/// Reads the samples of an image of `[width, height]` pixels, interleaved by pixel.
pub(super) fn read(
    decoder: &mut Reader<'_>,
    colour: ColorType,
    [width, height]: [u32; 2],
) -> Result<Samples> {
    let layout = Layout { channels: u32::from(colour.num_samples()), width, height };
    let count = width as usize * height as usize * usize::from(colour.num_samples().min(MOST_CHANNELS));
    match colour.bit_depth() {
        _ if colour.num_samples() > MOST_CHANNELS => Err(unsupported(format!("{colour:?} samples"))),
        8 => {
            let mut samples = vec![0; count];
            layout.read(decoder, &mut samples, |tile| match tile {
                DecodingResult::U8(tile) => Ok(tile),
                _ => Err(other_samples(colour)),
            })?;
            Ok(Samples::Eight(samples))
        }
        16 => {
            let mut samples = vec![0; count];
            layout.read(decoder, &mut samples, |tile| match tile {
                DecodingResult::U16(tile) => Ok(tile),
                _ => Err(other_samples(colour)),
            })?;
            Ok(Samples::Sixteen(samples))
        }
        _ => Err(other_samples(colour)),
    }
}

/// Channels, width and height of an image.
struct Layout {
    channels: u32,
    width: u32,
    height: u32,
}

impl Layout {
    /// Reads all tiles into `samples`, `[height, width, channels]`.
    fn read<T: Copy>(
        &self,
        decoder: &mut Reader<'_>,
        samples: &mut [T],
        of_type: impl Fn(DecodingResult) -> Result<Vec<T>>,
    ) -> Result<()> {
        let (tile_width, tile_height) = decoder.chunk_dimensions();
        let (across, down) = (self.width.div_ceil(tile_width), self.height.div_ceil(tile_height));
        for chunk in 0..self.channels * across * down {
            let (channel, place) = (chunk / (across * down), chunk % (across * down));
            let (left, top) = (place % across * tile_width, place / across * tile_height);
            let tile = of_type(decoder.read_chunk(chunk).map_err(refused)?)?;
            // Tiles come cropped to the width of the image, but not all to its height.
            let row_length = tile_width.min(self.width - left) as usize;
            for (y, row) in (top..self.height).zip(tile.chunks_exact(row_length)) {
                self.place(samples, [left, y, channel], row);
            }
        }
        Ok(())
    }

    /// Writes a row of one channel from the pixel `x`, `y` on.
    fn place<T: Copy>(&self, samples: &mut [T], [x, y, channel]: [u32; 3], row: &[T]) {
        let pixel = y as usize * self.width as usize + x as usize;
        let start = pixel * self.channels as usize + channel as usize;
        let places = samples[start..].iter_mut().step_by(self.channels as usize);
        places.zip(row).for_each(|(place, &sample)| *place = sample);
    }
}
