//! Decompression of one strip or tile.

use std::{borrow::Cow, io::Read};

use flate2::bufread::ZlibDecoder;
use weezl::{BitOrder, LzwStatus, decode::Configuration};

use super::{
    fax, jpeg,
    layout::{Compression, Layout},
};
use crate::{Error, Format, Result};

/// Bytes by which the buffer of decompressed data grows, so that a small file cannot claim much memory.
const STEP: usize = 1 << 20;

/// The rows of a strip or tile, of [`Layout::row_bytes`] each. It may be larger than the image, and need not store what
/// lies below it.
///
/// # Errors
/// If the data are damaged or too short.
pub(super) fn decompressed<'a>(
    bytes: &'a [u8],
    layout: &Layout,
    chunk: usize,
    rows: u32,
) -> Result<Cow<'a, [u8]>> {
    let data = stored(bytes, layout, chunk)?;
    let length = layout.row_bytes() as usize * rows as usize;
    let decompressed = match layout.compression {
        Compression::None => Cow::Borrowed(data),
        Compression::Lzw => Cow::Owned(lzw(data, length)?),
        Compression::Deflate => Cow::Owned(deflate(data, length)?),
        Compression::PackBits => Cow::Owned(pack_bits(data, length)),
        Compression::Jpeg => Cow::Owned(jpeg::decoded(data, layout, rows)?),
        Compression::FaxRows | Compression::FaxGroup3(_) | Compression::FaxGroup4 => {
            Cow::Owned(fax::decoded(data, layout, rows)?)
        }
    };
    if decompressed.len() < length {
        return Err(Error::CutShort(Format::Tiff));
    }
    Ok(decompressed)
}

/// The data of a strip or tile, as far as the file has them.
fn stored<'a>(bytes: &'a [u8], layout: &Layout, chunk: usize) -> Result<&'a [u8]> {
    let range = layout.offsets.get(chunk).zip(layout.lengths.get(chunk));
    let (&offset, &length) = range.ok_or(Error::CutShort(Format::Tiff))?;
    let start = usize::try_from(offset).ok().and_then(|start| bytes.get(start..));
    let data = start.ok_or(Error::CutShort(Format::Tiff))?;
    Ok(&data[..data.len().min(usize::try_from(length).unwrap_or(usize::MAX))])
}

fn lzw(data: &[u8], length: usize) -> Result<Vec<u8>> {
    // Before TIFF 5, codes began at the lowest bit, and grew as in GIF: the first code is then 0x100 in this order.
    let configuration = match data {
        [0, second, ..] if second & 1 == 1 => Configuration::new(BitOrder::Lsb, 8),
        _ => Configuration::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    let (mut out, mut filled, mut read) = (Vec::new(), 0, 0);
    while filled < length {
        out.resize((filled + STEP).min(length), 0);
        let step = decoder.decode_bytes(&data[read..], &mut out[filled..]);
        (read, filled) = (read + step.consumed_in, filled + step.consumed_out);
        match step.status {
            Ok(LzwStatus::Ok) => {}
            Ok(LzwStatus::Done | LzwStatus::NoProgress) => break,
            Err(error) => return Err(Error::damaged(Format::Tiff)(format!("LZW: {error}"))),
        }
    }
    out.truncate(filled);
    Ok(out)
}

fn deflate(data: &[u8], length: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(data).take(length as u64).read_to_end(&mut out).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::CutShort(Format::Tiff),
        _ => Error::damaged(Format::Tiff)(format!("deflate: {error}")),
    })?;
    Ok(out)
}

/// Decodes PackBits (TIFF 6.0, section 9), up to a length.
fn pack_bits(mut data: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((&header, rest)) = data.split_first()
        && out.len() < length
    {
        data = match (header, rest.split_first()) {
            (0..=127, _) => {
                let (literal, behind) = rest.split_at(rest.len().min(usize::from(header) + 1));
                out.extend_from_slice(literal);
                behind
            }
            (129.., Some((&byte, behind))) => {
                out.resize(out.len() + 257 - usize::from(header), byte);
                behind
            }
            _ => rest,
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of TIFF 6.0, section 9.
    #[test]
    fn pack_bits_are_those_of_the_specification() {
        let packed =
            [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA, 0x80];
        let unpacked = [
            &[0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22][..],
            &[0xAA; 10],
        ]
        .concat();
        assert_eq!(pack_bits(&packed, 1000), unpacked);
        assert_eq!(pack_bits(&packed[..5], 1000), unpacked[..5]);
        assert!(pack_bits(&packed, 5).len() < unpacked.len());
    }

    #[test]
    fn lzw_is_read_in_both_orders_and_never_beyond_its_length() {
        let plain: Vec<u8> = (0..100_000_u64).map(|i| ((i * i) >> 7) as u8).collect();
        let encoded = |order: BitOrder, is_old: bool| {
            let mut encoder = match is_old {
                true => weezl::encode::Encoder::new(order, 8),
                false => weezl::encode::Encoder::with_tiff_size_switch(order, 8),
            };
            encoder.encode(&plain).unwrap()
        };
        for data in [encoded(BitOrder::Msb, false), encoded(BitOrder::Lsb, true)] {
            assert_eq!(lzw(&data, plain.len()).unwrap(), plain);
            assert_eq!(lzw(&data, 70_001).unwrap(), plain[..70_001]);
            assert!(lzw(&data[..data.len() / 2], plain.len()).unwrap().len() < plain.len());
        }
        assert!(lzw(&[0x80, 0x7F, 0xFF, 0xFF], 10).is_err());
    }
}
