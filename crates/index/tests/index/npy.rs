//! `.npy` files, compared with another implementation of the format.

use std::{fs, path::PathBuf};

use active_index_index::{Error, npy};
use burn::tensor::Device;
use npyz::{NpyFile, WriterBuilder};

use crate::{
    allocation::largest_allocation,
    data::{D, rows, tensor, values},
};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.path();
        fs::write(&path, bytes).expect("writes");
        path
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("a.npy")
    }
}

/// File of version 1 with the given header text and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn npyz_file<T: npyz::Serialize + npyz::AutoSerialize + Copy>(shape: &[u64], values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes);
    let mut writer = options.begin_nd().expect("begins");
    writer.extend(values.iter().copied()).expect("writes");
    writer.finish().expect("finishes");
    bytes
}

#[test]
fn written_files_are_read_by_other_libraries_and_back() {
    let folder = Folder::new();
    let stored = rows(17, 1);
    npy::write(&folder.path(), &stored, D).expect("writes");
    let bytes = fs::read(folder.path()).expect("reads");
    let file = NpyFile::new(&bytes[..]).expect("a npy file");
    assert_eq!(file.shape(), [17, D as u64]);
    assert_eq!(file.into_vec::<f32>().expect("float32"), stored);
    let matrix = npy::read(&folder.path()).expect("reads");
    assert_eq!((matrix.n, matrix.d, &matrix.values), (17, D, &stored));
    npy::write_tensor(&folder.path(), tensor(&stored)).expect("writes");
    assert_eq!(fs::read(folder.path()).expect("reads"), bytes);
    let read = npy::read_descriptors(&folder.path(), &Device::flex()).expect("reads");
    assert_eq!(read.dims(), [17, D]);
    assert_eq!(values(read), stored);
}

#[test]
fn files_of_other_libraries_are_read() {
    let folder = Folder::new();
    let stored = rows(5, 1);
    let path = folder.file(&npyz_file(&[5, D as u64], &stored));
    assert_eq!(npy::read(&path).expect("reads").values, stored);
    let path = folder.file(&npyz_file::<f32>(&[0, 4], &[]));
    let empty = npy::read(&path).expect("no rows are rows too");
    assert_eq!((empty.n, empty.d), (0, 4));
}

#[test]
fn other_kinds_of_arrays_are_named_in_errors() {
    let folder = Folder::new();
    let refuse = |bytes: Vec<u8>, part: &str| {
        let message = npy::read(&folder.file(&bytes)).expect_err(part).to_string();
        assert!(message.contains("a.npy") && message.contains(part), "{message}");
    };
    refuse(
        npyz_file(&[2, 2], &[1.0f64; 4]),
        "npy descr: expected '<f4' (little-endian float32), found '<f8'",
    );
    refuse(npyz_file(&[4], &[1.0f32; 4]), "npy shape: expected (n, d)");
    refuse(npyz_file(&[1, 2, 2], &[1.0f32; 4]), "npy shape: expected (n, d)");
    refuse(npyz_file::<f32>(&[4, 0], &[]), "npy shape: expected (n, d)");
    let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }\n";
    refuse(file(fortran, &[0; 4]), "npy fortran_order");
    let big_endian = "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }\n";
    refuse(file(big_endian, &[0; 4]), "npy descr");
    refuse(file("{'descr': '<f4', 'shape': (1, 1), }\n", &[0; 4]), "the key 'fortran_order'");
    refuse(b"PK\x03\x04 a zip archive".to_vec(), "npy magic");
    refuse(b"\x93NUMPY\x09\x00\x00\x00".to_vec(), "npy version");
    refuse(file(&"(".repeat(60_000), &[]), "npy header size");
}

#[test]
fn sizes_are_checked_before_anything_is_allocated() {
    let folder = Folder::new();
    let shapes =
        ["(2, 2)", "(1, 1)", "(4294967296, 4294967296)", "(1099511627776, 1)", "(18446744073709551615, 4)"];
    for shape in shapes {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let path = folder.file(&file(&header, &[0; 12]));
        let (largest, result) = largest_allocation(|| npy::read(&path));
        assert!(result.is_err(), "{shape}");
        assert!(largest < 16 << 10, "{shape}: {largest}");
    }
    let long = [b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes()].concat();
    assert!(npy::read(&folder.file(&long)).is_err());
}

#[test]
fn every_cut_is_an_error() {
    let folder = Folder::new();
    let bytes = npyz_file(&[3, 2], &[1.0f32; 6]);
    for cut in 0..bytes.len() {
        assert!(npy::read(&folder.file(&bytes[..cut])).is_err(), "{cut}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(npy::read(&folder.file(&longer)).is_err());
}

#[test]
fn descriptors_must_be_finite() {
    let folder = Folder::new();
    let mut stored = rows(4, 1);
    stored[3 * D + 2] = f32::NAN;
    npy::write(&folder.path(), &stored, D).expect("writes any values");
    assert!(npy::read(&folder.path()).is_ok());
    match npy::read_descriptors(&folder.path(), &Device::flex()) {
        Err(Error::File { source, .. }) => assert!(matches!(*source, Error::NotFinite { row: 3, .. })),
        other => panic!("{other:?}"),
    }
}

#[test]
fn half_a_row_is_not_written() {
    let folder = Folder::new();
    assert!(npy::write(&folder.path(), &[1.0, 2.0, 3.0], 2).is_err());
    assert!(npy::write(&folder.path(), &[], 0).is_err());
    assert!(!folder.path().exists());
}

#[test]
fn blocks_are_the_rows_in_order() {
    let folder = Folder::new();
    let stored = rows(10, 1);
    npy::write(&folder.path(), &stored, D).expect("writes");
    for size in [1, 3, 5, 9, 10, 11, usize::MAX] {
        let blocks = npy::read_blocks(&folder.path(), size).expect("opens");
        assert_eq!((blocks.n(), blocks.d()), (10, D));
        let blocks: Vec<_> = blocks.map(|block| block.expect("reads")).collect();
        assert_eq!(blocks.len(), 10usize.div_ceil(size));
        assert!(blocks.iter().rev().skip(1).all(|block| block.n == size), "only the last is smaller");
        assert!(blocks.iter().all(|block| block.values.len() == block.n * D));
        let all: Vec<f32> = blocks.into_iter().flat_map(|block| block.values).collect();
        assert_eq!(all, stored);
    }
    let path = folder.file(&npyz_file::<f32>(&[0, 4], &[]));
    assert_eq!(npy::read_blocks(&path, 3).expect("opens").count(), 0);
}

#[test]
fn blocks_take_no_more_memory_than_their_rows() {
    let folder = Folder::new();
    npy::write(&folder.path(), &rows(10_000, 1), D).expect("writes");
    let (largest, n) = largest_allocation(|| {
        let blocks = npy::read_blocks(&folder.path(), 100).expect("opens");
        blocks.map(|block| block.expect("reads").n).sum::<usize>()
    });
    assert_eq!(n, 10_000);
    assert!(largest <= 100 * D * 4, "{largest}");
}

#[test]
fn blocks_end_at_the_first_bad_row() {
    let folder = Folder::new();
    let mut stored = rows(10, 1);
    stored[7 * D + 2] = f32::INFINITY;
    npy::write(&folder.path(), &stored, D).expect("writes any values");
    let mut blocks = npy::read_blocks(&folder.path(), 3).expect("opens");
    assert!(blocks.by_ref().take(2).all(|block| block.is_ok()));
    let error = blocks.next().expect("a block").expect_err("row 7 is not finite");
    assert!(
        error.to_string().ends_with("a.npy: descriptors: row 7 contains a value that is not finite"),
        "{error}"
    );
    assert!(blocks.next().is_none());

    npy::write(&folder.path(), &rows(10, 1), D).expect("writes");
    let mut blocks = npy::read_blocks(&folder.path(), 3).expect("opens");
    let file = fs::OpenOptions::new().write(true).open(folder.path()).expect("opens");
    file.set_len(fs::metadata(folder.path()).expect("is there").len() - 1).expect("cuts");
    assert_eq!(blocks.by_ref().filter(|block| block.is_ok()).count(), 3, "the file shrank meanwhile");
    assert!(blocks.next().is_none());

    assert!(npy::read_blocks(&folder.path(), 0).is_err());
    assert!(npy::read_blocks(&folder.path(), 3).is_err(), "the sizes are checked before any row is read");
}
