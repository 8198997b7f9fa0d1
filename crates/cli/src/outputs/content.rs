//! Content of output files, as the first bytes of an existing file tell it.

use std::{
    borrow::Cow,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use image_file::path_text;
use index::Index;

use crate::objects::objects;

/// Number of bytes that tell what a file holds.
const START: u64 = 1024;

/// Content of an output file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Descriptors in a `.npy` file.
    Descriptors,
    /// Arrays in a `.npz` file.
    Arrays,
    /// A JSON document of this program.
    Document,
    /// An HTML page.
    Page,
    /// A CSV table whose first column has this heading.
    Table(&'static str),
    /// Names of entries or rows.
    Names,
    /// Record of an extractor.
    Record,
    /// An image of any format.
    Image,
    /// A manual page.
    Manual,
    /// Descriptors that `eval --resume` keeps.
    Kept,
    /// An index. One with entries is only replaced without an advice.
    Index(Option<&'static str>),
    /// A folder, which is not replaced.
    Folder,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptors => f.write_str(".npy file"),
            Self::Arrays => f.write_str(".npz file"),
            Self::Document => f.write_str("JSON document of this program"),
            Self::Page => f.write_str("HTML page"),
            Self::Table(column) => write!(f, "CSV table that begins with `{column}`"),
            Self::Names => f.write_str("table of names"),
            Self::Record => f.write_str("extractor record"),
            Self::Image => f.write_str("image"),
            Self::Manual => f.write_str("manual page"),
            Self::Kept => f.write_str("file of kept descriptors"),
            Self::Index(_) => f.write_str("index that can be read"),
            Self::Folder => f.write_str("folder"),
        }
    }
}

impl Content {
    /// Checks that `path` may be written with this content: there is no file, an empty one, or one of the same kind.
    ///
    /// # Errors
    /// If it may not; the message names the file.
    pub fn check(self, path: &Path) -> Result<()> {
        let named = || path_text(path);
        let about = match fs::metadata(path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(named),
        };
        if self == Self::Folder {
            ensure!(about.is_dir(), "{}: exists and is no folder", named());
            return Ok(());
        }
        ensure!(about.is_file(), "{}: exists and is not a regular file: name another file", named());
        if about.len() == 0 {
            return Ok(());
        }
        match self {
            Self::Index(advice) => check_index(path, advice),
            _ => {
                let is_same = self.has_begun(&start(path).with_context(named)?);
                ensure!(is_same, "{}: {}: name another file", named(), self.refusal());
                Ok(())
            }
        }
    }

    /// Checks that the object at an address may be written with this content, see [`Self::check`]. Of a folder, only the address is
    /// checked: its objects replace nothing.
    ///
    /// # Errors
    /// If it may not, or the store does not answer; the message names the object.
    pub fn check_object(self, address: &Path) -> Result<()> {
        let named = || path_text(address);
        if self == Self::Folder {
            return objects().check(address).with_context(named);
        }
        let start = objects().start(address, START).with_context(named)?.unwrap_or_default();
        let is_same = start.is_empty() || self.has_begun(&start);
        ensure!(is_same, "{}: {}: name another file", named(), self.refusal());
        Ok(())
    }

    /// Returns the message for a file of another kind.
    fn refusal(self) -> String {
        match self {
            Self::Kept => "holds no descriptors of an earlier run".to_owned(),
            _ => format!("exists and is no {self}"),
        }
    }

    /// Returns true if a file that begins with these bytes has this content.
    fn has_begun(self, start: &[u8]) -> bool {
        let text = text(start);
        let heading = text.lines().next().unwrap_or_default();
        match self {
            Self::Descriptors => start.starts_with(b"\x93NUMPY"),
            Self::Arrays => first_in_archive(start).is_some_and(|name| name.ends_with(b".npy")),
            Self::Document => {
                let version = text.strip_prefix("{\"schema\":").unwrap_or_default();
                version.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(",\"seconds\":")
            }
            Self::Page => {
                let doctype = text.trim_start().get(..14).unwrap_or_default();
                doctype.eq_ignore_ascii_case("<!doctype html")
            }
            Self::Table(column) => heading.split(',').next() == Some(column),
            Self::Names => heading.ends_with("\tpath"),
            Self::Record => text.trim_start().starts_with('{'),
            Self::Image => image::guess_format(start).is_ok(),
            Self::Manual => text.lines().any(|line| line.starts_with(".TH ")),
            Self::Kept => start.starts_with(b"descriptors1"),
            Self::Index(_) | Self::Folder => false,
        }
    }
}

fn start(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(START).read_to_end(&mut start)?;
    Ok(start)
}

/// Returns the text of a file's start, without a byte order mark.
fn text(start: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start))
}

/// Returns the name of the first file of a ZIP archive: its length is at 26, the name at 30 (APPNOTE 4.3.7).
fn first_in_archive(start: &[u8]) -> Option<&[u8]> {
    let header = start.strip_prefix(b"PK\x03\x04")?;
    let length = u16::from_le_bytes(header.get(22..24)?.try_into().ok()?);
    header.get(26..26 + usize::from(length))
}

fn check_index(path: &Path, advice: Option<&str>) -> Result<()> {
    let index = Index::open(path, &Device::flex()).with_context(|| {
        format!("{}: {}: name another file", path_text(path), Content::Index(None).refusal())
    })?;
    match advice {
        Some(advice) if index.ntotal() > 0 => {
            anyhow::bail!("{}: exists and holds {} entries: {advice}", path_text(path), index.ntotal())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::output::one_line;

    /// The beginnings that the formats' own descriptions state, as numpy, PIL and this program write them.
    #[test]
    fn a_file_is_replaced_by_its_own_kind_only() {
        let archive = |name: &str| {
            [&b"PK\x03\x04"[..], &[0; 22], &(name.len() as u16).to_le_bytes(), &[0; 2], name.as_bytes()]
                .concat()
        };
        let (npz, torch) = (archive("D.npy"), archive("a/data.pkl"));
        let contents: [(Content, &[u8]); 9] = [
            (Content::Descriptors, b"\x93NUMPY\x01\0v\0{'descr': '<f4'"),
            (Content::Arrays, &npz),
            (Content::Page, b"\xEF\xBB\xBF\n<!doctype HTML><html>"),
            (Content::Table("image"), b"image,edit\n"),
            (Content::Names, b"row\tpath\n0\ta.jpg\n"),
            (Content::Record, b"{\"schema\":1}"),
            (Content::Image, b"\x89PNG\r\n\x1a\n"),
            (Content::Manual, b".ie \\n(.g .ds Aq \\(aq\n.TH active-index 1\n"),
            (Content::Kept, b"descriptors1\0\x02\0\0"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (written, bytes) in contents {
            fs::write(&path, bytes).unwrap();
            for (content, _) in contents {
                assert_eq!(content.check(&path).is_ok(), content == written, "{content} over {written}");
            }
            let error = Content::Index(None).check(&path).unwrap_err();
            assert!(one_line(&error).contains("file: exists and is no index that can be read"), "{error}");
            assert!(Content::Folder.check(&path).is_err());
        }
        assert!(Content::Document.has_begun(b"{\"schema\":1,\"seconds\":0.1,"));
        assert!(!Content::Document.has_begun(b"{\"schema\":1,\"fingerprint\":"));
        assert!(!Content::Arrays.has_begun(&torch));
        assert!(!Content::Table("image").has_begun(b"images,are,notes\n"));
    }

    #[test]
    fn nothing_and_an_empty_file_may_be_written_but_a_folder_may_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        Content::Page.check(&path).unwrap();
        fs::write(&path, b"").unwrap();
        for content in [Content::Page, Content::Image, Content::Index(Some("do not"))] {
            content.check(&path).unwrap();
            assert!(content.check(folder.path()).is_err());
            assert!(content.check(&path.join("below")).is_err());
        }
        Content::Folder.check(folder.path()).unwrap();
    }
}
