//! Any bytes as a witness: refused in one line, or compared with a query.

#![no_main]

use std::sync::OnceLock;

use image::{Rgb, RgbImage};
use libfuzzer_sys::fuzz_target;
use witness::{Query, Witness};

fn query() -> &'static Query {
    static QUERY: OnceLock<Query> = OnceLock::new();
    let grey = |x: u32, y: u32| (x / 7).wrapping_mul(0x9e37_79b1) ^ (y / 7).wrapping_mul(0x85eb_ca6b);
    QUERY.get_or_init(|| Query::of(&RgbImage::from_fn(200, 150, |x, y| Rgb([(grey(x, y) >> 24) as u8; 3]))))
}

fuzz_target!(|bytes: &[u8]| {
    match Witness::from_bytes(bytes) {
        Ok(witness) => {
            assert_eq!(witness.to_bytes(), bytes, "what was read is written as it was");
            query().compare(&witness);
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error:?}"),
    }
});
