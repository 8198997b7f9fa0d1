//! Markers and segments of a JPEG file, found without decoding (ITU-T T.81, annex B).

use crate::{Error, Format, Result};

/// Marker of a scan.
pub(super) const START_OF_SCAN: u8 = 0xDA;
/// Marker of Huffman tables.
pub(super) const HUFFMAN_TABLES: u8 = 0xC4;
/// Marker of the restart interval.
pub(super) const RESTART_INTERVAL: u8 = 0xDD;
const END_OF_IMAGE: u8 = 0xD9;
const JFIF: u8 = 0xE0;
/// Marker of Adobe's segment.
pub(super) const ADOBE: u8 = 0xEE;

/// Iterator over the segments of a JPEG file from the start of the image to its end. It ends after an error. Data after
/// the image, such as previews and gain maps, is ignored.
pub(super) struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
    is_over: bool,
}

/// A segment; that of the end of the image is empty.
pub(super) struct Segment<'a> {
    /// Second byte of the marker.
    pub(super) marker: u8,
    /// Position of the body in the file.
    pub(super) at: usize,
    /// Bytes after the length.
    pub(super) body: &'a [u8],
    /// Entropy-coded data after the header of a scan, with its restart markers.
    pub(super) codes: &'a [u8],
}

impl<'a> Segments<'a> {
    /// The segments of a file.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 2, is_over: false }
    }

    fn read(&mut self) -> Result<Segment<'a>> {
        loop {
            let (marker, at) = next_marker(self.bytes, self.at).ok_or_else(cut)?;
            match marker {
                END_OF_IMAGE => return Ok(Segment { marker, at, body: &[], codes: &[] }),
                0x01 | 0xD0..=0xD8 => self.at = at,
                _ => return self.read_body(marker, at),
            }
        }
    }

    fn read_body(&mut self, marker: u8, at: usize) -> Result<Segment<'a>> {
        let body = body(self.bytes, at)?;
        self.at = at + 2 + body.len();
        let mut codes: &[u8] = &[];
        if marker == START_OF_SCAN {
            let end = end_of_scan(self.bytes, self.at).ok_or_else(cut)?;
            codes = &self.bytes[self.at..end];
            self.at = end;
        }
        Ok(Segment { marker, at: at + 2, body, codes })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let segment = self.read();
        self.is_over = segment.as_ref().map_or(true, |segment| segment.marker == END_OF_IMAGE);
        Some(segment)
    }
}

/// Header of the first frame of a JPEG file, and what other segments say of its components.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FrameHeader {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// Identifiers of the components.
    pub(super) ids: Vec<u8>,
    /// Horizontal and vertical sampling factor of each component.
    pub(super) sampling: Vec<[u8; 2]>,
    /// True for progressive files.
    pub(super) is_progressive: bool,
    /// Colour transform by Adobe's segment.
    pub(super) adobe_transform: Option<u8>,
    /// True for JFIF, which always converts.
    pub(super) is_jfif: bool,
    /// True if a scan has fewer components than the frame.
    pub(super) is_split: bool,
}

impl FrameHeader {
    /// Finds the header.
    ///
    /// # Errors
    /// If the image has no end or no frame, or the frame is of a kind that is not decoded.
    pub(super) fn of(bytes: &[u8]) -> Result<Self> {
        let (mut frame, mut adobe_transform, mut is_jfif, mut is_split) = (None, None, false, false);
        for segment in Segments::of(bytes) {
            let Segment { marker, body, .. } = segment?;
            if is_frame(marker) && frame.is_none() {
                frame = Some(Self::of_frame(marker, body)?);
            } else if marker == START_OF_SCAN
                && let Some(frame) = &frame
            {
                is_split |= usize::from(body.first().copied().unwrap_or(0)) < frame.ids.len();
            } else if marker == ADOBE && body.starts_with(b"Adobe") {
                adobe_transform = body.get(11).copied();
            } else if marker == JFIF && body.starts_with(b"JFIF\0") {
                is_jfif = true;
            }
        }
        let frame = frame.ok_or_else(|| damaged("no frame before the end of the image"))?;
        Ok(Self { adobe_transform, is_jfif, is_split, ..frame })
    }

    fn of_frame(marker: u8, body: &[u8]) -> Result<Self> {
        let &[precision, h1, h0, w1, w0, count, ref components @ ..] = body else {
            return Err(damaged("the frame header is too short"));
        };
        if let Some(feature) = unsupported(marker, precision) {
            return Err(refused(&feature));
        }
        let [height, width] = [[h1, h0], [w1, w0]].map(|side| u32::from(u16::from_be_bytes(side)));
        let Some(components) = components.as_chunks::<3>().0.get(..usize::from(count)) else {
            return Err(damaged("the frame header is too short"));
        };
        Ok(Self {
            width,
            height,
            ids: components.iter().map(|[id, ..]| *id).collect(),
            sampling: components.iter().map(|[_, factors, _]| [factors >> 4, factors & 15]).collect(),
            is_progressive: marker == 0xC2,
            ..Self::default()
        })
    }

    /// Number of components.
    pub(super) fn components(&self) -> usize {
        self.ids.len()
    }

    /// Returns true for files that zune-jpeg refuses, or gets wrong without an error: a factor of 3, a component that is
    /// sampled more finely than the first, and sequential scans of some of the components.
    pub(super) fn is_unusual(&self) -> bool {
        let [h, v] = self.sampling.first().copied().unwrap_or([1; 2]);
        let is_finer = self.sampling.iter().any(|factors| factors[0] > h || factors[1] > v);
        let is_odd = self.sampling.iter().any(|factors| factors.contains(&3));
        (is_finer || is_odd || self.is_split && !self.is_progressive) && self.components() > 1
    }

    /// Returns true if scans of single components have rows of blocks that are no whole units, which jpeg-decoder
    /// counts wrongly: sampling between the coarsest and the finest.
    pub(super) fn is_between(&self) -> bool {
        let is_between = |axis: usize| {
            let most = self.sampling.iter().map(|factors| factors[axis]).max().unwrap_or(1);
            self.sampling.iter().any(|factors| factors[axis] != 1 && factors[axis] != most)
        };
        self.is_split && (is_between(0) || is_between(1))
    }
}

/// An error of a feature that is not decoded.
pub(super) fn refused(feature: &str) -> Error {
    Error::UnsupportedFeature { format: Format::Jpeg, feature: feature.to_owned() }
}

/// Returns true for the marker of a frame header.
pub(super) fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7)
}

/// Feature of a frame that is not decoded; `None` if all are.
fn unsupported(marker: u8, precision: u8) -> Option<String> {
    match (marker, precision) {
        (0xF7, _) => Some("the coding of JPEG-LS".to_owned()),
        (0xC3, _) => Some("lossless coding".to_owned()),
        (0xC9..=0xCB | 0xCD..=0xCF, _) => Some("arithmetic coding".to_owned()),
        (0xC5..=0xC7, _) => Some("hierarchical coding".to_owned()),
        (_, 8) => None,
        (_, bits) => Some(format!("{bits} bits per channel")),
    }
}

/// The next marker from `at` on, and the position after it. Bytes between segments are skipped, as all decoders do.
fn next_marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut at = at + bytes.get(at..)?.iter().position(|&byte| byte == 0xFF)?;
    while *bytes.get(at)? == 0xFF {
        at += 1;
    }
    match bytes[at] {
        0 => next_marker_after_stuffing(bytes, at + 1),
        marker => Some((marker, at + 1)),
    }
}

/// Skips bytes that are no marker to the next marker, by iteration: damaged files contain millions of them.
fn next_marker_after_stuffing(bytes: &[u8], from: usize) -> Option<(u8, usize)> {
    let pairs = bytes.get(from..)?.windows(2);
    let found = pairs.enumerate().find(|(_, pair)| pair[0] == 0xFF && pair[1] != 0 && pair[1] != 0xFF)?;
    Some((found.1[1], from + found.0 + 2))
}

/// The bytes of a segment after its length.
fn body(bytes: &[u8], at: usize) -> Result<&[u8]> {
    let length = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or_else(cut)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length < 2 {
        return Err(damaged("a segment is shorter than its length"));
    }
    bytes.get(at + 2..at + length).ok_or_else(cut)
}

fn cut() -> Error {
    Error::CutShort(Format::Jpeg)
}

/// Position of the marker that ends a scan. Within a scan, 0xFF is followed by 0 or is part of a restart marker.
fn end_of_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let pairs = bytes.get(from..)?.windows(2);
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
    pairs.enumerate().find(|(_, pair)| ends(pair)).map(|(at, _)| from + at)
}

/// An error of damaged JPEG data.
pub(super) fn damaged(reason: &str) -> Error {
    Error::Damaged { format: Format::Jpeg, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of 5 x 4 pixels with one component and one scan of `data`.
    fn file(frame: u8, precision: u8, data: &[u8]) -> Vec<u8> {
        let frame = [0xFF, frame, 0, 11, precision, 0, 4, 0, 5, 1, 1, 0x11, 0];
        let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0];
        [&[0xFF, 0xD8][..], &frame, &scan, data, &[0xFF, 0xD9]].concat()
    }

    #[test]
    fn kinds_of_frames_are_distinguished() {
        let header = FrameHeader::of(&file(0xC2, 8, &[1, 0xFF, 0, 0xFF, 0xD0, 2])).unwrap();
        let expected = FrameHeader {
            width: 5,
            height: 4,
            ids: vec![1],
            sampling: vec![[1, 1]],
            is_progressive: true,
            ..FrameHeader::default()
        };
        assert_eq!(header, expected);
        for (frame, precision, word) in
            [(0xC1, 12, "12 bits"), (0xC3, 8, "lossless"), (0xC9, 8, "arithmetic"), (0xC5, 8, "hierarchical")]
        {
            let refused = FrameHeader::of(&file(frame, precision, &[])).unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
        }
    }

    /// zune-jpeg shows stripes in place of these, where libjpeg is right.
    #[test]
    fn files_that_need_the_other_decoder_are_told() {
        let file = |sampling: [u8; 3], frame: u8, of_scan: u8| {
            let components =
                (1..).zip(sampling).flat_map(|(id, factors)| [id, factors, 0]).collect::<Vec<_>>();
            let selectors = (1..=of_scan).flat_map(|id| [id, 0]).collect::<Vec<_>>();
            [
                &[0xFF, 0xD8, 0xFF, frame, 0, 17, 8, 0, 4, 0, 5, 3][..],
                &components,
                &[0xFF, 0xDA, 0, 6 + 2 * of_scan, of_scan],
                &selectors,
                &[0, 63, 0, 0xFF, 0xD9],
            ]
            .concat()
        };
        let header = |sampling, frame, of_scan| FrameHeader::of(&file(sampling, frame, of_scan)).unwrap();
        for fine in [[0x11, 0x22, 0x22], [0x21, 0x12, 0x11], [0x11, 0x11, 0x12], [0x22, 0x41, 0x11]] {
            assert!(header(fine, 0xC0, 3).is_unusual() && header(fine, 0xC2, 1).is_unusual());
        }
        for usual in
            [[0x11; 3], [0x22, 0x11, 0x11], [0x21, 0x11, 0x11], [0x12, 0x11, 0x11], [0x41, 0x11, 0x11]]
        {
            assert!(!header(usual, 0xC0, 3).is_unusual() && !header(usual, 0xC2, 1).is_unusual());
            assert!(header(usual, 0xC1, 1).is_unusual() && header(usual, 0xC1, 2).is_unusual());
            assert!(!header(usual, 0xC1, 1).is_between());
        }
        assert!(
            header([0x41, 0x21, 0x21], 0xC0, 1).is_between()
                && header([0x22, 0x14, 0x11], 0xC2, 1).is_between()
        );
        assert!(!header([0x41, 0x21, 0x21], 0xC0, 3).is_between());
    }

    #[test]
    fn data_after_the_image_is_ignored() {
        let preview = [file(0xC0, 8, &[7]), b"\xFF\xD8\xFF\xDA preview cut".to_vec()].concat();
        assert!(FrameHeader::of(&preview).is_ok());
    }

    #[test]
    fn truncated_files_are_refused_at_every_length() {
        let whole = file(0xC0, 8, &[1, 2, 3, 0xFF, 0, 4]);
        for length in 2..whole.len() {
            assert!(matches!(FrameHeader::of(&whole[..length]), Err(Error::CutShort(_))), "{length}");
        }
    }
}
