//! Strips and tiles in JPEG, by zune-jpeg. Their colours stay as stored: the directory says what they are.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::layout::Layout;
use crate::{Error, Format, Result};

/// Bytes of a marker.
const MARKER: usize = 2;

/// Decodes a strip or tile to at least `rows` rows.
pub(super) fn decoded(data: &[u8], layout: &Layout, rows: u32) -> Result<Vec<u8>> {
    let damaged = |reason: String| Error::damaged(Format::Tiff)(format!("JPEG: {reason}"));
    let failed = |error: zune_jpeg::errors::DecodeErrors| {
        damaged(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let whole = with_tables(data, layout.jpeg_tables.as_deref());
    let options = DecoderOptions::default().set_max_width(1 << 16).set_max_height(1 << 16);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(whole), options);
    decoder.decode_headers().map_err(failed)?;
    let colours = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
    let [width, height] = decoder.dimensions().map_or([0; 2], |(width, height)| [width, height]);
    let expected = [layout.chunk[0] as usize, usize::from(layout.interleaved())];
    let is_whole = rows as usize <= height && height <= (layout.chunk[1] as usize).next_multiple_of(16);
    if layout.bits != 8 || [width, colours.num_components()] != expected || !is_whole {
        return Err(damaged(format!("{width} x {height} pixels of {}", colours.num_components())));
    }
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    decoder.decode().map_err(failed)
}

/// The stream with the shared tables between its start and the rest.
fn with_tables(data: &[u8], tables: Option<&[u8]>) -> Vec<u8> {
    match (tables, data.get(MARKER..)) {
        (Some(tables), Some(rest)) if tables.len() > 2 * MARKER => {
            [&tables[..tables.len() - MARKER], rest].concat()
        }
        _ => data.to_vec(),
    }
}
