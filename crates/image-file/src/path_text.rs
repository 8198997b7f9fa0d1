//! Paths as text, reversibly: any file name is one printable line.

use std::path::{Path, PathBuf};

/// Beginning of a path in quotation.
const OPEN: &str = "$'";

/// Returns a path as one line of text, another one for each path.
///
/// Most paths are their own text. A path is quoted as bash does, `$'tab\there.jpg'`, if it is not UTF-8, holds a control
/// character or a line separator, begins or ends with white space, or begins with `$'`. Then a tab is `\t`, a line feed `\n`,
/// a carriage return `\r`, a backslash `\\`, an apostrophe `\'`, and every other byte of a control character or line
/// separator, or that is not UTF-8, is `\x` and two hexadecimal digits in lower case.
///
/// [`path_of_text`] returns the path.
///
/// ```
/// use std::path::Path;
///
/// use active_index_image_file::path_text;
///
/// assert_eq!(path_text(Path::new("très 'beau'\\.jpg")), "très 'beau'\\.jpg");
/// assert_eq!(path_text(Path::new("tab\there's.jpg")), r"$'tab\there\'s.jpg'");
/// ```
pub fn path_text(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) if is_its_own_text(text) => text.to_owned(),
        _ => quoted(bytes),
    }
}

fn is_its_own_text(text: &str) -> bool {
    text.trim() == text && !text.starts_with(OPEN) && !text.contains(breaks_a_line)
}

/// Returns true for control characters, among them most line breaks, and for the separators of lines and paragraphs.
fn breaks_a_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = OPEN.to_owned();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if breaks_a_line(character) || matches!(character, '\\' | '\'') {
                let mut buffer = [0; 4];
                push_escaped(&mut text, character.encode_utf8(&mut buffer).as_bytes());
            } else {
                text.push(character);
            }
        }
        push_escaped(&mut text, chunk.invalid());
    }
    text.push('\'');
    text
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    text.extend(bytes.iter().copied().flat_map(std::ascii::escape_default).map(char::from));
}

/// Returns the path of a text by [`path_text`]. Any other text is taken as the path itself.
///
/// ```
/// use active_index_image_file::path_of_text;
///
/// assert_eq!(path_of_text(r"$'tab\there.jpg'").to_str(), Some("tab\there.jpg"));
/// assert_eq!(path_of_text(r"no\tab.jpg").to_str(), Some(r"no\tab.jpg"));
/// ```
pub fn path_of_text(text: &str) -> PathBuf {
    let quoted = unquoted(text).and_then(path_of_bytes);
    quoted.filter(|path| path_text(path) == text).unwrap_or_else(|| text.into())
}

/// Returns the bytes of a quoted path, or `None` if the text is not one.
fn unquoted(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.strip_prefix(OPEN)?.strip_suffix('\'')?;
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend(plain.as_bytes());
        let (byte, length) = match escaped.as_bytes() {
            [b't', ..] => (b'\t', 1),
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [byte @ (b'\\' | b'\''), ..] => (*byte, 1),
            [b'x', ..] => (u8::from_str_radix(escaped.get(1..3)?, 16).ok()?, 3),
            _ => return None,
        };
        bytes.push(byte);
        rest = &escaped[length..];
    }
    bytes.extend(rest.as_bytes());
    Some(bytes)
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    Some(OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Texts that bash reads as these paths: `printf %s TEXT | xxd` of bash 5.2.
    #[test]
    fn odd_paths_are_quoted_as_bash_reads_them() {
        for (path, text) in [
            ("photos/a b.jpg", "photos/a b.jpg"),
            ("photos/a  b's \"c\".jpg", "photos/a  b's \"c\".jpg"),
            (r"C:\photos\new\tab.jpg", r"C:\photos\new\tab.jpg"),
            ("写真.jpg", "写真.jpg"),
            ("a\tb.jpg", r"$'a\tb.jpg'"),
            ("a\nb\r.jpg", r"$'a\nb\r.jpg'"),
            ("a\u{1b}[31m\u{7f}.jpg", r"$'a\x1b[31m\x7f.jpg'"),
            ("写\u{85}\u{2028}.jpg", r"$'写\xc2\x85\xe2\x80\xa8.jpg'"),
            ("it's\\\t.jpg", r"$'it\'s\\\t.jpg'"),
            (" a.jpg", "$' a.jpg'"),
            ("a.jpg\u{a0}", "$'a.jpg\u{a0}'"),
            ("$'a.jpg'", r"$'$\'a.jpg\''"),
            ("$a.jpg", "$a.jpg"),
            ("", ""),
        ] {
            assert_eq!(path_text(Path::new(path)), text);
            assert_eq!(path_of_text(text), Path::new(path), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn every_path_has_a_text_of_its_own() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let parts: [&[u8]; 16] = [
            b"a",
            b"\\",
            b"'",
            b"$'",
            b" ",
            b"\t",
            b"\n",
            b"\r",
            b"\x01",
            b"x41",
            b"t",
            b"\xff",
            b"\xc3",
            b"\xa9",
            "\u{2028}".as_bytes(),
            "é".as_bytes(),
        ];
        let mut texts = HashSet::new();
        let mut paths = HashSet::new();
        for n in 0..parts.len().pow(4) {
            let digits = [n % 16, n / 16 % 16, n / 256 % 16, n / 4096];
            let bytes = digits.map(|digit| parts[digit]).concat();
            let path = Path::new(OsStr::from_bytes(&bytes));
            let text = path_text(path);
            assert_eq!(path_of_text(&text), path, "{text}");
            assert!(text.trim() == text && !text.contains(breaks_a_line), "{text}");
            texts.insert(text);
            paths.insert(bytes);
        }
        assert_eq!(texts.len(), paths.len());
    }

    #[test]
    fn texts_that_are_no_quotations_are_paths_as_they_are() {
        for text in [
            "$'",
            "$''",
            "$'a'",
            "$'a b.jpg'",
            r"$'a\tb",
            r"$'a\qb'",
            r"$'a\x4'",
            r"$'a\x41'",
            r"$'a\x0'",
            r"$'\xFF'",
            r"$'a'\t'",
            r"$'\x+1'",
            r"$'\xé'",
            r"'a\tb'",
        ] {
            assert_eq!(path_of_text(text), Path::new(text), "{text}");
        }
    }
}
