//! Ids of entries in a `.npy` file.

use std::{
    fmt::Display,
    fs::{self, File},
    io::{BufReader, Read, Seek},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use image_file::path_text;
use npyz::{DType, Deserialize, NpyFile, NpyHeader, TypeChar, TypeStr};

/// Reads ids `[n]` of any integer type and byte order.
///
/// # Errors
/// If the file has another shape or type, is cut short or cannot be read, or an id is too large for int64; the message names
/// the file.
pub fn read(path: &Path) -> Result<Vec<i64>> {
    let read = || -> Result<Vec<i64>> {
        ensure!(fs::metadata(path)?.is_file(), "is not a regular file");
        let mut file = BufReader::new(File::open(path)?);
        let header = NpyHeader::from_reader(&mut file)?;
        ensure!(header.shape().len() == 1, "expected [n] as the shape, found {:?}", header.shape());
        let left = file.get_ref().metadata()?.len().saturating_sub(file.stream_position()?);
        let bytes = header.dtype().num_bytes().unwrap_or(1) as u64;
        let fits = header.len().checked_mul(bytes).is_some_and(|bytes| bytes <= left);
        ensure!(fits, "the header announces {} values, {left} bytes follow it", header.len());
        let array = NpyFile::with_header(header, file);
        ids(array)
    };
    read().with_context(|| path_text(path))
}

/// Reads the ids of the rows of descriptors `[n, d]`.
///
/// # Errors
/// As [`read`]; another number of ids.
pub fn of_rows(path: &Path, n: usize) -> Result<Vec<i64>> {
    let ids = read(path)?;
    ensure!(ids.len() == n, "{}: expected {n} ids, one per vector, found {}", path_text(path), ids.len());
    Ok(ids)
}

/// Reads the values of an integer type.
fn ids(array: NpyFile<impl Read>) -> Result<Vec<i64>> {
    let kind = match array.dtype() {
        DType::Plain(kind) => kind,
        DType::Array(..) | DType::Record(_) => {
            bail!("expected an integer type such as int64, found a structured type")
        }
    };
    match (kind.type_char(), kind.size_field()) {
        (TypeChar::Int, 1) => widened::<i8>(array),
        (TypeChar::Int, 2) => widened::<i16>(array),
        (TypeChar::Int, 4) => widened::<i32>(array),
        (TypeChar::Int, 8) => Ok(array.into_vec()?),
        (TypeChar::Uint, 1) => widened::<u8>(array),
        (TypeChar::Uint, 2) => widened::<u16>(array),
        (TypeChar::Uint, 4) => widened::<u32>(array),
        (TypeChar::Uint, 8) => widened::<u64>(array),
        _ => bail!("expected an integer type such as int64, found {}", name(&kind)),
    }
}

fn widened<T: Deserialize + TryInto<i64> + Display + Copy>(array: NpyFile<impl Read>) -> Result<Vec<i64>> {
    let widen = |(row, value): (usize, std::io::Result<T>)| {
        let value = value?;
        let too_large = || format!("row {row}: expected an id of at most {}, found {value}", i64::MAX);
        value.try_into().ok().with_context(too_large)
    };
    array.data()?.enumerate().map(widen).collect()
}

/// Returns NumPy's name of a type.
fn name(kind: &TypeStr) -> String {
    let bits = 8 * kind.size_field();
    match kind.type_char() {
        TypeChar::Bool => "bool".to_owned(),
        TypeChar::Float => format!("float{bits}"),
        TypeChar::Complex => format!("complex{bits}"),
        TypeChar::TimeDelta => "timedelta64".to_owned(),
        TypeChar::DateTime => "datetime64".to_owned(),
        TypeChar::ByteStr => "bytes".to_owned(),
        TypeChar::UnicodeStr => "str".to_owned(),
        TypeChar::RawData => "void".to_owned(),
        TypeChar::Object => "object".to_owned(),
        _ => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::output::one_line;

    /// A file of the type and shape, as NumPy's `save` writes it.
    fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        let padding = 128 - 10 - 1 - header.len();
        let size = (header.len() + padding + 1) as u16;
        let header = format!("{header}{}\n", " ".repeat(padding));
        [b"\x93NUMPY\x01\0", &size.to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    fn read_bytes(bytes: &[u8]) -> Result<Vec<i64>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        read(file.path())
    }

    #[test]
    fn ids_of_every_integer_type_are_read() {
        let read = |kind, data: &[u8]| read_bytes(&npy(kind, "(2,)", data)).unwrap();
        assert_eq!(read("|i1", &[1, 0xFE]), [1, -2]);
        assert_eq!(read("|u1", &[1, 0xFE]), [1, 254]);
        assert_eq!(read("<i2", &[1, 2, 0, 0x80]), [0x0201, -32768]);
        assert_eq!(read(">u2", &[1, 2, 0x80, 0]), [0x0102, 32768]);
        assert_eq!(read("<i4", &[1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]), [1, -1]);
        assert_eq!(read(">i4", &[0, 0, 1, 0, 0x7F, 0xFF, 0xFF, 0xFF]), [256, 2_147_483_647]);
        assert_eq!(read("<u4", &[1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]), [1, 4_294_967_295]);
        let [one, largest] = [1_i64, i64::MAX];
        assert_eq!(read("<i8", &[one.to_le_bytes(), (-largest).to_le_bytes()].concat()), [one, -largest]);
        assert_eq!(read(">i8", &[one.to_be_bytes(), largest.to_be_bytes()].concat()), [one, largest]);
        assert_eq!(read("<u8", &[one.to_le_bytes(), largest.to_le_bytes()].concat()), [one, largest]);
    }

    #[test]
    fn other_types_are_refused_by_their_names() {
        let refused = |kind, shape, data: &[u8]| one_line(&read_bytes(&npy(kind, shape, data)).unwrap_err());
        for (kind, name) in [
            ("<f8", "float64"),
            ("<f4", "float32"),
            ("|b1", "bool"),
            ("<U5", "str"),
            ("|S8", "bytes"),
            ("<M8[s]", "datetime64"),
            ("|O", "object"),
        ] {
            let error = refused(kind, "(1,)", &[0; 20]);
            assert!(
                error.ends_with(&format!("expected an integer type such as int64, found {name}")),
                "{error}"
            );
        }
        let error = refused("<u8", "(2,)", &[[0; 8], [0xFF; 8]].concat());
        assert!(
            error.ends_with(
                "row 1: expected an id of at most 9223372036854775807, found 18446744073709551615"
            )
        );
        assert!(refused("<i4", "(9,)", &[0; 8]).contains("the header announces 9 values"));
        assert!(refused("<i4", "(1, 1)", &[0; 4]).contains("expected [n] as the shape"));
    }
}
