//! Any bytes as a weights file, and as the pickle of a PyTorch archive: refused, or an extractor that can be
//! written and read again.

#![no_main]

use std::io::{Cursor, Write};

use burn::tensor::Device;
use extractor::{
    Extractor,
    weights::{Options, Weights},
};
use libfuzzer_sys::fuzz_target;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Numbers in storage 0 of the archive around a pickle.
const STORAGE: [u8; 256] = [0; 256];

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    // The checksums of a zip file would keep the fuzzer from its contents.
    if bytes.starts_with(&[0x80, 2]) {
        read(&archive(bytes));
    }
});

fn read(bytes: &[u8]) {
    let options = Options { heads: Some(3), ..Options::default() };
    let weights = Weights::parse(bytes, &options).or_else(|_| Weights::parse(bytes, &Options::default()));
    let Ok(weights) = weights else { return };
    let Ok(extractor) = Extractor::from_weights(&weights, &Device::flex()) else { return };
    let written = weights.to_bytes().expect("what was read is written");
    let again = Weights::parse(&written, &Options::default()).expect("what was written is read");
    let again = Extractor::from_weights(&again, &Device::flex()).expect("it is the same extractor");
    assert_eq!(again.fingerprint(), extractor.fingerprint());
}

fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("x/data.pkl", pickle), ("x/data/0", &STORAGE)] {
        zip.start_file(name, options).expect("a new entry");
        zip.write_all(bytes).expect("memory takes every byte");
    }
    zip.finish().expect("memory takes every byte").into_inner()
}
