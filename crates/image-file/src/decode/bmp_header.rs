//! Headers of BMP files of OS/2 2, as those of Windows.

/// Length of the file's header, before the image's.
const FILE_HEADER: usize = 14;
/// Length of the image's header of Windows.
const WINDOWS: usize = 40;
/// Lengths of the headers of OS/2 2, whole and as short as allowed. The first 40 bytes mean the same.
const OS_2: [u32; 2] = [64, 16];
/// Compressions that both number alike: none, and runs of 8 and of 4 bits.
const LAST_COMMON_COMPRESSION: u32 = 2;

/// The file with a header of Windows; `None` if it has no header of OS/2 2, or is compressed as only OS/2 does.
pub(super) fn of_windows(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = number(bytes, FILE_HEADER).filter(|length| OS_2.contains(length))? as usize;
    let (header, rest) = bytes.get(FILE_HEADER..)?.split_at_checked(length)?;
    let mut windows = header.to_vec();
    windows.resize(WINDOWS, 0);
    windows[..4].copy_from_slice(&(WINDOWS as u32).to_le_bytes());
    if number(&windows, 16)? > LAST_COMMON_COMPRESSION {
        return None;
    }
    let pixels = number(bytes, 10)?.wrapping_add(WINDOWS as u32).wrapping_sub(length as u32);
    Some([&bytes[..10], &pixels.to_le_bytes(), &windows, rest].concat())
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|number| u32::from_le_bytes(*number))
}
