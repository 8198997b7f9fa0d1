//! Check of the entropy-coded data of a sequential JPEG file: one code sequence per block (ITU-T T.81, annexes F.2 and
//! C).
//!
//! Like libjpeg, zune-jpeg reads zeros after the end of the data and shows grey. This check reads the codes and skips
//! their values: a scan must end with its last block, and restarts must be where they are due, up to a few bytes that
//! some cameras write there. Progressive files are not checked, because each of their scans may end early.

use std::ops::Range;

use super::markers::{HUFFMAN_TABLES, RESTART_INTERVAL, START_OF_SCAN, Segment, Segments, damaged, is_frame};
use crate::{Error, Format, Result, deadline::Deadline};

/// Length in bits of the longest code that one table lookup decodes.
const LOOKUP_BITS: u32 = 9;
/// Units that are checked between two checks of the deadline.
const CHUNK: usize = 1 << 14;

/// Most bytes behind the last code, and before each restart, that count as surplus and not as missing pixels.
const MOST_SURPLUS: usize = 64;

/// Checks all scans of a file, and returns the positions of bytes between codes and markers that mean nothing.
///
/// # Errors
/// If a scan has too few or too many codes, or one that is in no table.
pub(super) fn surplus(bytes: &[u8], deadline: Deadline) -> Result<Vec<Range<usize>>> {
    let mut frame = Frame::default();
    let (mut tables, mut interval, mut surplus) = (Tables::default(), 0, Vec::new());
    for segment in Segments::of(bytes) {
        let Segment { marker, at, body, codes } = segment?;
        match marker {
            HUFFMAN_TABLES => tables.define(body)?,
            RESTART_INTERVAL => {
                interval = body.first_chunk().map_or(0, |n| usize::from(u16::from_be_bytes(*n)))
            }
            START_OF_SCAN => {
                // The decoder refuses a scan without tables.
                if let Some((units, blocks)) = frame.scan(body, &tables) {
                    let found =
                        Scan { codes: Codes::new(codes), interval, blocks }.surplus(units, deadline)?;
                    let start = at + body.len();
                    surplus.extend(found.into_iter().map(|range| start + range.start..start + range.end));
                }
            }
            _ if is_frame(marker) => frame = Frame::of(body).unwrap_or_default(),
            _ => {}
        }
    }
    Ok(surplus)
}

/// Height and width in pixels, and identifier and sampling factors of each component.
#[derive(Default)]
struct Frame {
    size: [usize; 2],
    components: Vec<(u8, [usize; 2])>,
}

impl Frame {
    fn of(body: &[u8]) -> Option<Self> {
        let [_, h1, h0, w1, w0, _, components @ ..] = body else { return None };
        let size = [[h1, h0], [w1, w0]].map(|side| usize::from(*side[0]) << 8 | usize::from(*side[1]));
        let component =
            |&[id, sampling, _]: &[u8; 3]| (id, [usize::from(sampling & 15), usize::from(sampling >> 4)]);
        Some(Self { size, components: components.as_chunks().0.iter().map(component).collect() })
    }

    /// Number of units (MCUs) of a scan, and the tables of each block of a unit.
    fn scan<'t>(&self, body: &[u8], tables: &'t Tables) -> Option<(usize, Vec<Block<'t>>)> {
        let (count, selectors) = body.split_first()?;
        let selectors = selectors.as_chunks::<2>().0.get(..usize::from(*count))?;
        let most = |axis: usize| self.components.iter().map(|(_, sampling)| sampling[axis]).max();
        let most = [most(0)?.max(1), most(1)?.max(1)];
        let (mut blocks, mut sampling) = (Vec::new(), [1, 1]);
        for [id, selected] in selectors {
            sampling = self.components.iter().find(|(other, _)| other == id)?.1;
            let block = Block { dc: tables.get(0, selected >> 4)?, ac: tables.get(1, selected & 15)? };
            // A scan of one component is not interleaved.
            let repeats = if *count == 1 { 1 } else { sampling[0] * sampling[1] };
            blocks.extend((0..repeats).map(|_| block));
        }
        let side = |axis: usize| {
            if *count == 1 {
                (self.size[axis] * sampling[axis]).div_ceil(most[axis]).div_ceil(8)
            } else {
                self.size[axis].div_ceil(8 * most[axis])
            }
        };
        Some((side(0) * side(1), blocks))
    }
}

/// Tables of a block.
#[derive(Clone, Copy)]
struct Block<'t> {
    dc: &'t Table,
    ac: &'t Table,
}

/// A scan.
struct Scan<'a, 't> {
    codes: Codes<'a>,
    /// Number of units between restarts; 0 for no restarts.
    interval: usize,
    blocks: Vec<Block<'t>>,
}

impl Scan<'_, '_> {
    fn surplus(mut self, units: usize, deadline: Deadline) -> Result<Vec<Range<usize>>> {
        let mut surplus = Vec::new();
        for unit in 0..units {
            if unit % CHUNK == 0 {
                deadline.check()?;
            }
            if self.interval > 0 && unit > 0 && unit % self.interval == 0 {
                surplus.extend(self.codes.restart()?);
            }
            for block in &self.blocks {
                self.codes.block(*block)?;
            }
        }
        surplus.extend(self.codes.end()?);
        Ok(surplus)
    }
}

/// Bit reader of a scan.
struct Codes<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, from the most significant on.
    buffer: u64,
    count: u32,
}

impl<'a> Codes<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, buffer: 0, count: 0 }
    }

    /// Fills the buffer up to the next marker, without the zero byte after each 0xFF.
    #[inline]
    fn refill(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.bytes.get(self.at) else { return };
            if byte == 0xFF {
                if self.bytes.get(self.at + 1) != Some(&0) {
                    return;
                }
                self.at += 1;
            }
            self.at += 1;
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline]
    fn skip(&mut self, bits: u32) -> Result<()> {
        if bits > self.count {
            return Err(Error::CutShort(Format::Jpeg));
        }
        self.buffer <<= bits;
        self.count -= bits;
        Ok(())
    }

    #[inline]
    fn symbol(&mut self, table: &Table) -> Result<u8> {
        if self.count < 32 {
            self.refill();
        }
        let (symbol, bits) = table.find((self.buffer >> 48) as u16)?;
        self.skip(bits)?;
        Ok(symbol)
    }

    fn block(&mut self, Block { dc, ac }: Block<'_>) -> Result<()> {
        let bits = self.symbol(dc)?;
        self.skip(u32::from(bits.min(16)))?;
        let mut coefficient = 1;
        while coefficient < 64 {
            let symbol = self.symbol(ac)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => coefficient += 16,
                (_, 0) => return Ok(()),
                (zeros, bits) => {
                    coefficient += usize::from(zeros) + 1;
                    self.skip(u32::from(bits))?;
                }
            }
        }
        if coefficient > 64 {
            return Err(damaged("a block has more than 64 coefficients"));
        }
        Ok(())
    }

    /// Position behind the last byte of which a bit was read.
    fn position(&self) -> usize {
        (0..self.count / 8).fold(self.at, |at, _| {
            let is_stuffed = self.bytes[..at].ends_with(&[0xFF, 0]);
            at - if is_stuffed { 2 } else { 1 }
        })
    }

    /// Skips the restart marker that must follow, and returns the positions of surplus bytes before it.
    fn restart(&mut self) -> Result<Option<Range<usize>>> {
        let misplaced = || damaged("a restart is not where it is due");
        let start = self.position();
        let rest = self.bytes.get(start..).unwrap_or_default();
        let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF);
        let length = rest.windows(2).position(is_marker).ok_or_else(misplaced)?;
        let count = rest[..length].iter().filter(|&&byte| byte != 0xFF).count();
        if !matches!(rest[length + 1], 0xD0..=0xD7) || count > MOST_SURPLUS {
            return Err(misplaced());
        }
        (self.buffer, self.count, self.at) = (0, 0, start + length + 2);
        Ok((count > 0).then_some(start..start + length))
    }

    /// Checks that only padding is left, and returns the positions of surplus bytes.
    fn end(&self) -> Result<Option<Range<usize>>> {
        let start = self.position();
        let rest = self.bytes.get(start..).unwrap_or_default();
        let is_padding = |byte: &u8| matches!(byte, 0 | 0xFF | 0xD0..=0xD7);
        match rest.iter().filter(|&byte| !is_padding(byte)).count() {
            0 => Ok(None),
            1..=MOST_SURPLUS => Ok(Some(start..self.bytes.len())),
            _ => Err(damaged("codes are left over after the last block")),
        }
    }
}

/// Huffman tables: four for DC and four for AC coefficients.
#[derive(Default)]
struct Tables([[Option<Box<Table>>; 4]; 2]);

impl Tables {
    fn get(&self, class: usize, place: u8) -> Option<&Table> {
        self.0[class].get(usize::from(place))?.as_deref()
    }

    fn define(&mut self, mut body: &[u8]) -> Result<()> {
        while let Some((&[place, ref counts @ ..], rest)) = body.split_first_chunk::<17>() {
            let total = counts.iter().map(|&n| usize::from(n)).sum::<usize>();
            let values = rest.get(..total).ok_or_else(|| damaged("a Huffman table is too short"))?;
            let class = self.0.get_mut(usize::from(place >> 4));
            let slot = class.and_then(|tables| tables.get_mut(usize::from(place & 15)));
            *slot.ok_or_else(|| damaged("a Huffman table has an invalid identifier"))? =
                Some(Box::new(Table::new(counts, values)));
            body = &rest[total..];
        }
        Ok(())
    }
}

/// A Huffman table: codes of 1 to 16 bits and their symbols.
struct Table {
    /// Symbol and code length by the next [`LOOKUP_BITS`] bits; length 0 for longer codes.
    short: [(u8, u8); 1 << LOOKUP_BITS],
    /// End of the codes of each length, left-aligned to 16 bits.
    ends: [u32; 17],
    /// Offset from a code of each length to the index of its symbol.
    places: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    fn new(counts: &[u8; 16], symbols: &[u8]) -> Self {
        let mut table = Self {
            short: [(0, 0); 1 << LOOKUP_BITS],
            ends: [0; 17],
            places: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0);
        for (bits, &count) in (1_u32..).zip(counts) {
            table.places[bits as usize] = place as i32 - code as i32;
            for &symbol in symbols.iter().skip(place).take(count.into()) {
                table.look_up(code, bits, symbol);
                code += 1;
            }
            place += usize::from(count);
            table.ends[bits as usize] = code << (16 - bits);
            code <<= 1;
        }
        table
    }

    fn look_up(&mut self, code: u32, bits: u32, symbol: u8) {
        if bits > LOOKUP_BITS {
            return;
        }
        let first = (code << (LOOKUP_BITS - bits)) as usize;
        if let Some(places) = self.short.get_mut(first..first + (1 << (LOOKUP_BITS - bits))) {
            places.fill((symbol, bits as u8));
        }
    }

    /// The symbol at the start of the next 16 bits, and the length of its code.
    #[inline]
    fn find(&self, next: u16) -> Result<(u8, u32)> {
        let (symbol, bits) = self.short[usize::from(next >> (16 - LOOKUP_BITS))];
        if bits > 0 {
            return Ok((symbol, bits.into()));
        }
        self.find_long(next)
    }

    #[cold]
    fn find_long(&self, next: u16) -> Result<(u8, u32)> {
        let unknown = || damaged("a code is in no Huffman table");
        let bits = (LOOKUP_BITS as usize + 1..=16)
            .find(|&bits| u32::from(next) < self.ends[bits])
            .ok_or_else(unknown)?;
        let place = (i32::from(next) >> (16 - bits)) + self.places[bits];
        let symbol = usize::try_from(place).ok().and_then(|place| self.symbols.get(place));
        Ok((*symbol.ok_or_else(unknown)?, bits as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    fn noise(width: u32, height: u32) -> RgbImage {
        let level = |x: u32, y: u32, c: u32| {
            ((x * 2654435 + y * 40503 + c * 977).wrapping_mul(2_246_822_519) >> 24) as u8
        };
        RgbImage::from_fn(width, height, |x, y| Rgb([0, 1, 2].map(|c| level(x, y, c))))
    }

    fn file(image: &RgbImage, sampling: SamplingFactor, restart: u16, optimised: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 80);
        encoder.set_sampling_factor(sampling);
        encoder.set_restart_interval(restart);
        encoder.set_optimized_huffman_tables(optimised);
        encoder.encode(image, image.width() as u16, image.height() as u16, ColorType::Rgb).unwrap();
        bytes
    }

    fn checked(bytes: &[u8]) -> Result<Vec<Range<usize>>> {
        surplus(bytes, Deadline::starting_now(f64::INFINITY))
    }

    #[test]
    fn whole_files_of_all_samplings_pass() {
        use SamplingFactor::{F_1_1, F_1_2, F_2_1, F_2_2, F_4_1};
        for sampling in [F_1_1, F_2_1, F_1_2, F_2_2, F_4_1] {
            for (width, height) in [(1, 1), (16, 16), (37, 61), (64, 8)] {
                for (restart, optimised) in [(0, false), (1, false), (5, false), (0, true)] {
                    let whole = file(&noise(width, height), sampling, restart, optimised);
                    let surplus = checked(&whole)
                        .unwrap_or_else(|e| panic!("{sampling:?} {width}x{height} {restart}: {e}"));
                    assert_eq!(surplus, []);
                }
            }
        }
    }

    #[test]
    fn missing_and_surplus_codes_are_refused() {
        let whole = file(&noise(48, 48), SamplingFactor::F_2_2, 0, false);
        let start = whole.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14;
        let mut noticed = 0;
        for end in start..whole.len() - 3 {
            let cut = [&whole[..end], &[0xFF, 0xD9]].concat();
            noticed += usize::from(checked(&cut).is_err());
        }
        assert_eq!(noticed, whole.len() - 3 - start);
        let mut taller = whole.clone();
        let frame = whole.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        taller[frame + 6] = 49 + 16;
        assert!(checked(&taller).is_err());
        taller[frame + 6] = 16;
        assert!(checked(&taller).is_err());
    }

    /// libjpeg shows such files whole, with a warning of extraneous bytes.
    #[test]
    fn a_few_bytes_between_codes_and_markers_are_found() {
        let whole = file(&noise(48, 48), SamplingFactor::F_1_1, 4, false);
        let start = whole.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14;
        let markers: Vec<usize> =
            (start..whole.len() - 1).filter(|&at| whole[at] == 0xFF && whole[at + 1] != 0).collect();
        assert_eq!(markers.len(), 9, "eight restarts and the end");
        for added in [&[0x5A][..], &[0, 0x5A, 0x17, 0xFF, 0, 0xFF, 0], &[0x55; MOST_SURPLUS]] {
            for &at in &markers {
                let longer = [&whole[..at], added, &whole[at..]].concat();
                let found = checked(&longer).unwrap();
                assert_eq!((found.len(), &found[0]), (1, &(at..at + added.len())));
            }
        }
        for &at in &markers {
            let far_longer = [&whole[..at], &[0x55; MOST_SURPLUS + 1], &whole[at..]].concat();
            assert!(checked(&far_longer).is_err());
        }
    }
}
