//! Archives of one tensor: strides, refusals and damage.

use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

/// A pickle of `{"layer1.0.conv1.weight": tensor}` with the given shape and strides in storage 0 of `count` numbers.
fn pickle(count: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let mut bytes =
        b"\x80\x02}X\x15\x00\x00\x00layer1.0.conv1.weightctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    bytes.extend(b"X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK");
    bytes.push(count);
    bytes.extend(b"tQK\x00");
    for axes in [shape, strides] {
        bytes.push(b'(');
        bytes.extend(axes.iter().flat_map(|&n| [b'K', n]));
        bytes.push(b't');
    }
    bytes.extend(b"\x89ccollections\nOrderedDict\n)RtRs.");
    bytes
}

/// An archive with a pickle and storage 0.
fn archive(pickle: &[u8], storage: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in [("x/data.pkl", pickle), ("x/data/0", storage)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn read_bytes(bytes: Vec<u8>) -> Result<Checkpoint, String> {
    read(Cursor::new(bytes))
}

fn six() -> Vec<u8> {
    (0..6_u8).flat_map(|v| f32::from(v).to_le_bytes()).collect()
}

#[test]
fn a_strided_tensor_is_read_in_c_order() {
    let archive = archive(&pickle(6, &[3, 2], &[1, 3]), &six(), CompressionMethod::Stored);
    let array = read_bytes(archive).unwrap().take("layer1.0.conv1.weight").unwrap();
    assert_eq!((array.shape, array.values), (vec![3, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
}

#[test]
fn archives_unlike_pytorch_s_are_refused() {
    let refused =
        |pickle: &[u8], storage: &[u8], method| read_bytes(archive(pickle, storage, method)).unwrap_err();
    let (good, stored) = (pickle(6, &[6], &[1]), CompressionMethod::Stored);
    assert!(read_bytes(archive(&good, &six(), stored)).is_ok());
    assert!(refused(&good, &six(), CompressionMethod::Deflated).contains("is compressed"));
    assert!(refused(&good, &six()[4..], stored).contains("storage `0` has 20 bytes"));
    assert!(refused(&pickle(6, &[7], &[1]), &six(), stored).contains("outside its storage of 6"));
    // 100 views of the same six numbers would be larger than the file.
    assert!(refused(&pickle(6, &[200, 6], &[0, 1]), &six(), stored).contains("larger than the file"));
    assert!(refused(b"\x80\x02}.", &six(), stored).contains("none of the known networks"));
}

#[test]
fn archives_cut_short_or_changed_never_panic() {
    let good = archive(&pickle(6, &[6], &[1]), &six(), CompressionMethod::Stored);
    for length in 0..good.len() {
        assert!(read_bytes(good[..length].to_vec()).is_err(), "{length}");
    }
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = good.clone();
            changed[at] ^= flip;
            // Any answer will do.
            let _ = read_bytes(changed);
        }
    }
}
