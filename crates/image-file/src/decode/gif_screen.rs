//! The screen of a GIF file, enlarged to its first frame.

/// Length of the header and the screen's descriptor (GIF89a, section 18).
const HEADER: usize = 13;
const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2C;

/// The file with a screen that holds its first frame, as Pillow shows it; `None` if it does already. Files with a screen
/// of 0 x 0 exist, and the frame is what their writers mean.
pub(super) fn enlarged(bytes: &[u8]) -> Option<Vec<u8>> {
    let frame = first_frame(bytes)?;
    let sides = [0, 2].map(|axis| {
        let end = number(bytes, frame + axis)?.checked_add(number(bytes, frame + 4 + axis)?)?;
        Some((number(bytes, 6 + axis)?, end))
    });
    let [across, down] = [sides[0]?, sides[1]?];
    (across.1 > across.0 || down.1 > down.0).then(|| {
        let mut enlarged = bytes.to_vec();
        enlarged[6..8].copy_from_slice(&across.0.max(across.1).to_le_bytes());
        enlarged[8..10].copy_from_slice(&down.0.max(down.1).to_le_bytes());
        enlarged
    })
}

/// Position of the first frame's left, top, width and height.
fn first_frame(bytes: &[u8]) -> Option<usize> {
    let mut at = HEADER + table_length(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            FRAME => return Some(at + 1),
            EXTENSION => at = behind_blocks(bytes, at + 2)?,
            _ => return None,
        }
    }
}

/// Length of the colour table that these flags announce.
fn table_length(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Position behind data blocks, which end with an empty one.
fn behind_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|number| u16::from_le_bytes(*number))
}
