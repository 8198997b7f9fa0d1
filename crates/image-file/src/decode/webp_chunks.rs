//! Chunks of WebP files (RFC 9649, section 2), found without decoding.

/// Position of the flags of the extended format.
const FLAGS: usize = 20;
const ANIMATION: u8 = 1 << 1;
const ALPHA: u8 = 1 << 4;
/// Flags of chunks outside the image.
const DESCRIBED: [(&[u8; 4], u8); 3] = [(b"ICCP", 1 << 5), (b"EXIF", 1 << 3), (b"XMP ", 1 << 2)];

/// Names of the chunks of a file; `None` if one does not lie within it. image-webp allocates the lengths that they
/// announce.
pub(super) fn names(bytes: &[u8]) -> Option<Vec<[u8; 4]>> {
    let length = |at: usize| {
        let length: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*length)).ok()
    };
    let (end, mut at) = (length(4)?.checked_add(8).filter(|&end| end <= bytes.len())?, 12);
    let mut names = Vec::new();
    while at < end {
        names.push(*bytes.get(at..)?.first_chunk()?);
        // Chunks begin at even positions; the last one may lack its padding.
        at = length(at + 4)?.checked_add(at + 8).filter(|&end| end <= bytes.len())?;
        at += at % 2;
    }
    Some(names)
}

/// The file without the flags of chunks that it lacks; `None` if it has them all. Editors remove chunks and leave the
/// flags, and libwebp ignores those.
pub(super) fn without_stale_flags(bytes: &[u8]) -> Option<Vec<u8>> {
    let names = names(bytes)?;
    let flags = *bytes.get(FLAGS).filter(|_| names.first() == Some(b"VP8X"))?;
    let has = |name: &[u8; 4]| names.contains(name);
    let lacking = DESCRIBED.iter().filter(|(name, _)| !has(name)).fold(0, |all, (_, flag)| all | flag);
    // Lossless data contain their alpha, and so do the frames of animations.
    let is_opaque = flags & ANIMATION == 0 && has(b"VP8 ") && !has(b"ALPH");
    let stale = flags & (lacking | if is_opaque { ALPHA } else { 0 });
    (stale != 0).then(|| {
        let mut corrected = bytes.to_vec();
        corrected[FLAGS] = flags & !stale;
        corrected
    })
}
