//! Lists of files, on stdin or in files: paths that end with NUL bytes, or lines.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use image_file::{Format, path_text};
use object_files::is_address;

use crate::{objects::objects, session::Session};

/// Largest list in bytes.
const MAX_BYTES: u64 = 1 << 30;
/// Largest number of paths: each takes some hundred bytes of memory.
const MAX_PATHS: usize = 100_000_000;
/// Longest path in bytes, longer than any system allows.
const MAX_PATH: usize = 1 << 15;

/// Reads the list on stdin.
///
/// # Errors
/// If stdin is a terminal, was read before, cannot be read, or holds something else.
pub fn read_stdin(session: &Session) -> Result<Vec<PathBuf>> {
    session.take_stdin()?;
    let stdin = io::stdin();
    ensure!(
        !stdin.is_terminal(),
        "`-` reads a list of files from stdin, which is a terminal: pipe the list in, or name a file called - as ./-"
    );
    let bytes = bounded(stdin.lock()).context("cannot read the list of files on stdin")?;
    parse(&bytes).context("the list of files on stdin")
}

/// Reads the list in a file, or in an object of an object store.
///
/// # Errors
/// If the file is none, cannot be read, or holds something else; the message names it.
pub fn read_file(path: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        if is_address(path) {
            return parse(&objects().read(path, MAX_BYTES)?);
        }
        ensure!(path.metadata()?.is_file(), "is no regular file");
        parse(&bounded(File::open(path)?)?)
    };
    read().with_context(|| format!("{}: cannot be read as a list of files", path_text(path)))
}

fn bounded(list: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    list.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= MAX_BYTES, "has more than {MAX_BYTES} bytes");
    Ok(bytes)
}

/// Returns the paths of a list. A NUL byte anywhere means that each path ends with one; otherwise each is a line.
fn parse(bytes: &[u8]) -> Result<Vec<PathBuf>> {
    parse_up_to(bytes, MAX_PATHS)
}

fn parse_up_to(bytes: &[u8], max_paths: usize) -> Result<Vec<PathBuf>> {
    check(bytes)?;
    let mut paths = Vec::new();
    for (i, path) in split(bytes).enumerate().filter(|(_, path)| !path.is_empty()) {
        ensure!(path.len() <= MAX_PATH, "entry {}: expected a path, found {} bytes", i + 1, path.len());
        ensure!(paths.len() < max_paths, "has more than {max_paths} paths: split it into several lists");
        paths.push(path_of(path).with_context(|| format!("entry {}", i + 1))?);
    }
    Ok(paths)
}

/// Refuses what is no list: an image, descriptors, text of Windows in 16 bits.
fn check(bytes: &[u8]) -> Result<()> {
    match bytes {
        _ if !bytes.contains(&0) => Ok(()),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => bail!("is UTF-16 text: write it as UTF-8"),
        _ if bytes.starts_with(b"\x93NUMPY") => bail!("expected paths, found a .npy file: name the file"),
        _ if Format::is_image(bytes) => bail!("expected paths, found an image: name the file"),
        _ => Ok(()),
    }
}

/// Returns the entries of a list, empty ones among them, one at a time: a list of line breaks alone has 2^30 of them.
fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_text = !bytes.contains(&0);
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").filter(|_| is_text).unwrap_or(bytes);
    let end = if is_text { b'\n' } else { 0 };
    let has_returns = is_text && all_end_in_returns(bytes);
    bytes.split(move |byte| *byte == end).map(move |entry| match entry {
        [line @ .., b'\r'] if has_returns => line,
        entry => entry,
    })
}

/// Returns true if a carriage return is in front of every line break. A name may end in one; where all lines do, it belongs to the
/// line break.
fn all_end_in_returns(text: &[u8]) -> bool {
    let is_end = |byte: &u8| *byte == b'\n';
    // The last line has no line break behind it.
    let ended = text.iter().rposition(is_end).map(|last| &text[..last]);
    ended.is_some_and(|lines| lines.split(is_end).all(|line| line.ends_with(b"\r")))
}

/// Returns the path that these bytes are on this system.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "fails on other systems")]
pub fn path_of(bytes: &[u8]) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(bytes).into())
}

/// Returns the path that these bytes are on this system.
#[cfg(not(unix))]
pub fn path_of(bytes: &[u8]) -> Result<PathBuf> {
    Ok(std::str::from_utf8(bytes).context("is not UTF-8")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::output::one_line;

    fn paths(list: &[u8]) -> Vec<String> {
        parse(list).unwrap().iter().map(|path| path.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn lists_are_separated_by_what_they_hold() {
        assert_eq!(paths(b"a.jpg\nb c.jpg\n\n./d.jpg"), ["a.jpg", "b c.jpg", "./d.jpg"]);
        assert_eq!(paths(b"a\nb.jpg\0c\r\n\0\0 d "), ["a\nb.jpg", "c\r\n", " d "]);
        assert_eq!(paths(b"a.jpg\r\nb.jpg\r\n\r\nc.jpg"), ["a.jpg", "b.jpg", "c.jpg"]);
        assert_eq!(paths(b"a.jpg\r\nb.jpg\r"), ["a.jpg", "b.jpg"]);
        assert_eq!(paths(b"a.jpg\nIcon\r\n"), ["a.jpg", "Icon\r"]);
        assert_eq!(paths(b"\xEF\xBB\xBFa.jpg\n-\n-x.jpg"), ["a.jpg", "-", "-x.jpg"]);
        assert_eq!(paths(b"GIF89a"), ["GIF89a"]);
        assert!(paths(b"").is_empty() && paths(b"\n\n").is_empty() && paths(b"\0").is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn paths_need_not_be_text() {
        use std::os::unix::ffi::OsStrExt;
        let found = parse(b"caf\xE9\t.jpg\n\xFFa.jpg\n").unwrap();
        let bytes: Vec<&[u8]> = found.iter().map(|path| path.as_os_str().as_bytes()).collect();
        assert_eq!(bytes, [&b"caf\xE9\t.jpg"[..], b"\xFFa.jpg"]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let refused = |bytes: &[u8]| one_line(&parse(bytes).unwrap_err());
        assert_eq!(refused(b"\xFF\xD8\xFF\xE0\0"), "expected paths, found an image: name the file");
        assert_eq!(refused(b"\x93NUMPY\x01\0"), "expected paths, found a .npy file: name the file");
        assert_eq!(refused(b"\xFF\xFEa\0.\0"), "is UTF-16 text: write it as UTF-8");
        let long = [b"a.jpg\n".as_slice(), &[b'x'; MAX_PATH + 1]].concat();
        assert_eq!(refused(&long), "entry 2: expected a path, found 32769 bytes");
    }

    #[test]
    fn paths_are_counted_and_empty_entries_are_not() {
        for list in [&b"\n\na\n\nb\n\nc\n\n"[..], b"a\0\0b\0c\0\0", b"a\r\n\r\nb\r\nc"] {
            assert_eq!(parse_up_to(list, 3).unwrap().len(), 3, "{list:?}");
            let error = one_line(&parse_up_to(list, 2).unwrap_err());
            assert_eq!(error, "has more than 2 paths: split it into several lists", "{list:?}");
        }
    }
}
