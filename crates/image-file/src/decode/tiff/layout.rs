//! Arrangement of an image's samples in its file, as the directory describes it.

use tiff::tags::{ByteOrder, Tag};

use super::{Reader, refused, unsupported};
use crate::{Error, Format, Limits, Result};

/// Value of `PhotometricInterpretation` for grey that counts from white.
pub(super) const WHITE_IS_ZERO: u16 = 0;
/// Value of `PhotometricInterpretation` for grey that counts from black.
pub(super) const BLACK_IS_ZERO: u16 = 1;
/// Value of `PhotometricInterpretation` for RGB.
pub(super) const RGB: u16 = 2;
/// Value of `PhotometricInterpretation` for indices of a palette.
pub(super) const PALETTE: u16 = 3;
/// Value of `PhotometricInterpretation` for inks.
pub(super) const INKS: u16 = 5;
/// Value of `PhotometricInterpretation` for YCbCr.
pub(super) const YCBCR: u16 = 6;
/// Value of `ExtraSamples` for premultiplied alpha.
const PREMULTIPLIED: u16 = 1;
/// Value of `ExtraSamples` for alpha that is not multiplied.
const STRAIGHT: u16 = 2;
/// Value of `PlanarConfiguration` for separate planes.
const SEPARATE: u16 = 2;
/// Value of `InkSet` for cyan, magenta, yellow and black.
const CMYK: u16 = 1;

/// Options of fax group 3.
const T4_OPTIONS: Tag = Tag::Unknown(292);
const INK_SET: Tag = Tag::Unknown(332);

/// Alpha beside an image's colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    Straight,
    Premultiplied,
}

/// Compression of strips or tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// Fax codes without markers, each row in whole bytes.
    FaxRows,
    /// Fax codes of group 3, in two dimensions if true.
    FaxGroup3(bool),
    FaxGroup4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

/// Arrangement of samples.
#[derive(Debug)]
pub(super) struct Layout {
    /// Width and height in pixels.
    pub(super) size: [u32; 2],
    /// Bits of each sample, 1 to 16.
    pub(super) bits: u8,
    /// Samples of a pixel in the file.
    pub(super) stored: u16,
    /// Samples of a pixel that are its colour.
    pub(super) colours: u16,
    /// Meaning of the sample behind the colours, if it is alpha.
    pub(super) alpha: Option<Alpha>,
    /// Meaning of the colours.
    pub(super) photometric: u16,
    /// True if each sample has a plane of its own.
    pub(super) is_planar: bool,
    pub(super) compression: Compression,
    /// True if samples are differences from those of the pixel to the left.
    pub(super) is_predicted: bool,
    pub(super) is_big_endian: bool,
    /// Width and height of strips or tiles.
    pub(super) chunk: [u32; 2],
    /// Offsets of the strips or tiles in the file.
    pub(super) offsets: Vec<u64>,
    /// Lengths of the strips or tiles in the file.
    pub(super) lengths: Vec<u64>,
    /// Tables of JPEG that all strips or tiles share.
    pub(super) jpeg_tables: Option<Vec<u8>>,
}

impl Layout {
    /// Reads the directory of the first page.
    ///
    /// # Errors
    /// If it is damaged, or describes samples that are not decoded.
    pub(super) fn of(decoder: &mut Reader<'_>) -> Result<Self> {
        let (width, height) = decoder.dimensions().map_err(refused)?;
        let mut number = |tag, usual| number(decoder, tag, usual);
        let (stored, photometric) =
            (number(Tag::SamplesPerPixel, 1)?, number(Tag::PhotometricInterpretation, WHITE_IS_ZERO)?);
        let is_planar = number(Tag::PlanarConfiguration, 1)? == SEPARATE && stored > 1;
        check_inks(photometric, number(INK_SET, CMYK)?)?;
        let bits = bits(decoder)?;
        let compression = compression(decoder)?;
        let colours = colours(photometric)?;
        let (offsets, lengths) = chunks(decoder)?;
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        let layout = Self {
            size: [width, height],
            bits,
            stored,
            colours,
            alpha: alpha(decoder, photometric, stored)?,
            photometric,
            is_planar,
            compression,
            is_predicted: is_predicted(decoder, compression, bits)?,
            is_big_endian: decoder.byte_order() == ByteOrder::BigEndian,
            chunk: [chunk_width, chunk_height.min(height)],
            offsets,
            lengths,
            jpeg_tables: jpeg_tables(decoder, compression)?,
        };
        check_subsampling(decoder, &layout)?;
        if stored < layout.kept() {
            return Err(unsupported(format!("{stored} samples of {bits} bits for {}", name(photometric))));
        }
        Ok(layout)
    }

    /// Number of samples of a pixel that are decoded.
    pub(super) fn kept(&self) -> u16 {
        self.colours + u16::from(self.alpha.is_some())
    }

    /// Number of samples of a pixel within a strip or tile.
    pub(super) fn interleaved(&self) -> u16 {
        if self.is_planar { 1 } else { self.stored }
    }

    /// Bytes of a row of a strip or tile, which begins at a whole byte.
    pub(super) fn row_bytes(&self) -> u64 {
        (u64::from(self.chunk[0]) * u64::from(self.interleaved()) * u64::from(self.bits)).div_ceil(8)
    }

    /// Checks the size of the image, and that of one strip or tile.
    ///
    /// # Errors
    /// If one of them exceeds a limit.
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        let bytes = u64::from(self.bits).div_ceil(8);
        let [width, height] = self.size;
        // The samples, and the pixels in RGB or RGBA.
        limits.check(width, height, (u64::from(self.kept()) + 4) * bytes)?;
        let [width, height] = self.chunk;
        limits.check(width, height, u64::from(self.interleaved()) * bytes)
    }
}

fn number(decoder: &mut Reader<'_>, tag: Tag, usual: u16) -> Result<u16> {
    Ok(decoder.find_tag_unsigned(tag).map_err(refused)?.unwrap_or(usual))
}

fn numbers(decoder: &mut Reader<'_>, tag: Tag) -> Result<Vec<u16>> {
    Ok(decoder.find_tag_unsigned_vec(tag).map_err(refused)?.unwrap_or_default())
}

/// Bits of each sample, which are all of one type.
fn bits(decoder: &mut Reader<'_>) -> Result<u8> {
    let bits = numbers(decoder, Tag::BitsPerSample)?.first().copied().unwrap_or(1);
    match (numbers(decoder, Tag::SampleFormat)?.first().copied().unwrap_or(1), bits) {
        (1 | 4, 1..=16) => Ok(bits as u8),
        (1 | 4, _) => Err(unsupported(format!("samples of {bits} bits"))),
        (2, _) => Err(unsupported("samples that may be negative".to_owned())),
        (3, _) => Err(unsupported("floating-point samples".to_owned())),
        (other, _) => Err(unsupported(format!("samples of type {other}"))),
    }
}

fn compression(decoder: &mut Reader<'_>) -> Result<Compression> {
    Ok(match number(decoder, Tag::Compression, 1)? {
        1 => Compression::None,
        2 => Compression::FaxRows,
        3 => {
            let options = decoder.find_tag_unsigned::<u32>(T4_OPTIONS).map_err(refused)?.unwrap_or(0);
            Compression::FaxGroup3(options & 1 != 0)
        }
        4 => Compression::FaxGroup4,
        5 => Compression::Lzw,
        7 => Compression::Jpeg,
        8 | 32946 => Compression::Deflate,
        32773 => Compression::PackBits,
        other => return Err(unsupported(compression_name(other))),
    })
}

fn compression_name(number: u16) -> String {
    let name = match number {
        6 => "old-style JPEG",
        34712 => "JPEG 2000",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "Zstandard",
        50001 => "WebP",
        50002 => "JPEG XL",
        _ => return format!("compression {number}"),
    };
    format!("{name} compression")
}

/// Number of colours of a pixel.
fn colours(photometric: u16) -> Result<u16> {
    match photometric {
        WHITE_IS_ZERO | BLACK_IS_ZERO | PALETTE => Ok(1),
        RGB | YCBCR => Ok(3),
        INKS => Ok(4),
        other => Err(unsupported(name(other))),
    }
}

/// Name of a photometric interpretation.
pub(super) fn name(photometric: u16) -> String {
    let name = match photometric {
        WHITE_IS_ZERO | BLACK_IS_ZERO => "grey",
        RGB => "RGB",
        PALETTE => "a palette",
        4 => "a transparency mask",
        INKS => "CMYK",
        YCBCR => "YCbCr",
        8..=10 => "L*a*b* colours",
        32803 => "samples of a colour filter array",
        32844 | 32845 => "logarithmic luminance",
        other => return format!("photometric interpretation {other}"),
    };
    name.to_owned()
}

fn check_inks(photometric: u16, set: u16) -> Result<()> {
    match photometric == INKS && set != CMYK {
        true => Err(unsupported("inks other than CMYK".to_owned())),
        false => Ok(()),
    }
}

/// Alpha behind the colours: the first extra sample, or the fourth sample of RGB if none is described.
fn alpha(decoder: &mut Reader<'_>, photometric: u16, stored: u16) -> Result<Option<Alpha>> {
    let extra = numbers(decoder, Tag::ExtraSamples)?;
    let alpha = match extra.first() {
        Some(&PREMULTIPLIED) => Some(Alpha::Premultiplied),
        Some(&STRAIGHT) => Some(Alpha::Straight),
        None if (photometric, stored) == (RGB, 4) => Some(Alpha::Straight),
        _ => None,
    };
    match photometric {
        INKS | YCBCR if alpha.is_some() => Err(unsupported(format!("{} with alpha", name(photometric)))),
        _ => Ok(alpha),
    }
}

/// Returns true if samples are differences. As in libtiff, only LZW and deflate have a predictor.
fn is_predicted(decoder: &mut Reader<'_>, compression: Compression, bits: u8) -> Result<bool> {
    if !matches!(compression, Compression::Lzw | Compression::Deflate) {
        return Ok(false);
    }
    match (number(decoder, Tag::Predictor, 1)?, bits) {
        (1, _) => Ok(false),
        (2, 8 | 16) => Ok(true),
        (2, _) => Err(unsupported(format!("differences of {bits} bits"))),
        (predictor, _) => Err(unsupported(format!("predictor {predictor} for integers"))),
    }
}

fn jpeg_tables(decoder: &mut Reader<'_>, compression: Compression) -> Result<Option<Vec<u8>>> {
    if compression != Compression::Jpeg {
        return Ok(None);
    }
    let tables = decoder.find_tag(Tag::JPEGTables).map_err(refused)?;
    tables.map(|tables| tables.into_u8_vec().map_err(refused)).transpose()
}

/// Offsets and lengths of the strips or tiles.
fn chunks(decoder: &mut Reader<'_>) -> Result<(Vec<u64>, Vec<u64>)> {
    for [offsets, lengths] in
        [[Tag::StripOffsets, Tag::StripByteCounts], [Tag::TileOffsets, Tag::TileByteCounts]]
    {
        let mut numbers = |tag| decoder.find_tag_unsigned_vec(tag).map_err(refused);
        if let Some(offsets) = numbers(offsets)? {
            return Ok((offsets, numbers(lengths)?.unwrap_or_default()));
        }
    }
    Err(Error::damaged(Format::Tiff)("no strips and no tiles".to_owned()))
}

/// Refuses subsampled chroma outside JPEG.
fn check_subsampling(decoder: &mut Reader<'_>, layout: &Layout) -> Result<()> {
    if layout.photometric != YCBCR || layout.compression == Compression::Jpeg {
        return Ok(());
    }
    match numbers(decoder, Tag::ChromaSubsampling)?.as_slice() {
        [1, 1] => Ok(()),
        _ => Err(unsupported("subsampled chroma outside JPEG".to_owned())),
    }
}
