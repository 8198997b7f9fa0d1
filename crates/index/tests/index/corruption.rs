//! Every field of every kind of file, cut short and set to hostile values: always an error, never a panic, and
//! never an allocation beyond the file's own size.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::allocation::largest_allocation;
use crate::data::{D, KINDS, METRICS, bytes, filled, from_bytes};

/// Vectors stored in each file.
const N: usize = 30;
const NLIST: usize = 4;
const M: usize = 2;

/// Allowance for error messages and the device's own bookkeeping.
const SMALL: usize = 64 << 10;

struct Field {
    name: &'static str,
    start: usize,
    size: usize,
    /// Values, as bytes, that must be refused.
    hostile: Vec<Vec<u8>>,
}

/// The layout of a file, written down here a second time.
#[derive(Default)]
struct Layout {
    fields: Vec<Field>,
    end: usize,
}

impl Layout {
    fn field(&mut self, name: &'static str, size: usize, hostile: Vec<Vec<u8>>) {
        self.fields.push(Field { name, start: self.end, size, hostile });
        self.end += size;
    }

    fn fourcc(&mut self, name: &'static str) {
        self.field(name, 4, vec![b"XXXX".to_vec(), b"\xff\0\n\"".to_vec()]);
    }

    fn u8(&mut self, name: &'static str, hostile: &[u8]) {
        self.field(name, 1, hostile.iter().map(|&value| vec![value]).collect());
    }

    fn i32(&mut self, name: &'static str, hostile: &[i32]) {
        self.field(name, 4, hostile.iter().map(|value| value.to_le_bytes().to_vec()).collect());
    }

    fn u64(&mut self, name: &'static str, hostile: &[u64]) {
        self.field(name, 8, hostile.iter().map(|value| value.to_le_bytes().to_vec()).collect());
    }

    /// A count or size: everything but the right value is hostile.
    fn count(&mut self, name: &'static str, right: u64) {
        let all =
            [0, 1, right.wrapping_sub(1), right + 1, 1 << 32, 1 << 40, 1 << 61, 1 << 62, i64::MAX as u64];
        let wrong = all.into_iter().chain([u64::MAX]).filter(|&value| value != right);
        self.u64(name, &wrong.collect::<Vec<_>>());
    }

    fn floats(&mut self, name: &'static str, count: usize) {
        for _ in 0..count {
            let hostile = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
            self.field(name, 4, hostile.iter().map(|value| value.to_le_bytes().to_vec()).collect());
        }
    }

    fn header(&mut self, ntotal: u64) {
        self.fourcc("fourcc");
        self.i32("d", &[0, -1, i32::MIN, i32::MAX, D as i32 - 1, D as i32 + 1]);
        self.count("ntotal", ntotal);
        self.u64("first filler", &[0, u64::MAX]);
        self.u64("second filler", &[0, u64::MAX]);
        self.u8("is_trained", &[0, 2, 255]);
        self.i32("metric", &[2, 3, -1, i32::MAX]);
    }

    fn flat(&mut self, n: usize) {
        self.header(n as u64);
        self.count("vector count", (n * D) as u64);
        self.floats("vectors", n * D);
    }

    fn ivf_header(&mut self) {
        self.header(N as u64);
        self.count("nlist", NLIST as u64);
        self.u64("nprobe", &[0]);
        self.flat(NLIST);
        self.u8("direct map type", &[1, 2, 3, 255]);
        self.count("direct map count", 0);
    }

    fn product_quantiser(&mut self) {
        self.u8("by_residual", &[2, 255]);
        self.count("code_size", M as u64);
        self.count("pq d", D as u64);
        self.u64("pq m", &[0, 1, 3, 4, u64::MAX]);
        self.count("pq nbits", 8);
        self.count("codeword count", 256 * D as u64);
        self.floats("codewords", 256 * D);
    }

    /// Takes the sizes of the lists from the file, where they stand in full.
    fn lists(&mut self, file: &[u8], code_size: usize, codes_are_floats: bool) {
        self.fourcc("lists fourcc");
        self.count("lists nlist", NLIST as u64);
        self.count("lists code_size", code_size as u64);
        self.field("list type", 4, vec![b"sprs".to_vec(), b"XXXX".to_vec()]);
        self.count("list size count", NLIST as u64);
        let sizes: Vec<usize> = (0..NLIST).map(|list| read_u64(file, self.end + 8 * list) as usize).collect();
        sizes.iter().for_each(|&size| self.count("list size", size as u64));
        for size in sizes {
            if codes_are_floats {
                self.floats("codes", size * code_size / 4);
            } else {
                self.field("codes", size * code_size, vec![]);
            }
            self.field("ids", size * 8, vec![]);
        }
    }
}

fn read_u64(file: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(file[at..at + 8].try_into().expect("eight bytes"))
}

fn layout(kind: &str, file: &[u8]) -> Layout {
    let mut layout = Layout::default();
    match kind {
        "Flat" => layout.flat(N),
        "IVF4,Flat" => {
            layout.ivf_header();
            layout.lists(file, D * 4, true);
        }
        _ => {
            layout.ivf_header();
            layout.product_quantiser();
            layout.lists(file, M, false);
        }
    }
    assert_eq!(layout.end, file.len(), "{kind}: the layout covers the file");
    layout
}

fn files() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let all = KINDS.into_iter().flat_map(|kind| METRICS.map(|metric| (kind, metric)));
    all.map(|(kind, metric)| (kind, bytes(&filled(kind, metric, N))))
}

/// Reads hostile bytes and checks that they are refused without a large allocation.
fn refuse(file: &[u8], what: impl Fn() -> String) {
    let (largest, result) = largest_allocation(|| from_bytes(file));
    assert!(result.is_err(), "{} was accepted", what());
    assert!(largest <= 2 * file.len() + SMALL, "{} allocated {largest} bytes for {}", what(), file.len());
}

#[test]
fn every_field_refuses_hostile_values() {
    for (kind, file) in files() {
        for field in layout(kind, &file).fields {
            for hostile in &field.hostile {
                let mut changed = file.clone();
                changed[field.start..field.start + field.size].copy_from_slice(hostile);
                refuse(&changed, || format!("{kind}: {} = {hostile:?}", field.name));
            }
        }
    }
}

#[test]
fn every_cut_is_an_error() {
    for (kind, file) in files() {
        for cut in 0..file.len() {
            refuse(&file[..cut], || format!("{kind}: the first {cut} bytes"));
        }
    }
}

#[test]
fn a_cut_names_the_field() {
    let file = bytes(&filled("Flat", METRICS[0], N));
    let message = from_bytes(&file[..10]).expect_err("cut inside ntotal").to_string();
    assert_eq!(message, "ntotal: expected 8 more bytes, found 2");
}

#[test]
fn trailing_bytes_are_an_error() {
    for (kind, mut file) in files() {
        file.push(0);
        let message = from_bytes(&file).expect_err(kind).to_string();
        assert_eq!(message, "expected the end of the file, found 1 bytes more");
    }
}

#[test]
fn unknown_kinds_are_named_beside_the_supported_ones() {
    let message = from_bytes(b"IxHe and more").expect_err("LSH").to_string();
    let expected = "index fourcc: unsupported fourcc \"IxHe\", supported are IxF2, IxFI, IwFl, IwPQ";
    assert_eq!(message, expected);
}

#[test]
fn metrics_must_agree() {
    let mut file = bytes(&filled("Flat", METRICS[0], N));
    file[33] = 0;
    refuse(&file, || "an IxF2 with the inner product".to_owned());
    let mut file = bytes(&filled("IVF4,Flat", METRICS[0], N));
    file[33] = 0;
    refuse(&file, || "an inverted file with a quantiser of another metric".to_owned());
}

/// `sprs` sizes come in pairs of list and size; two lists of one file are enough to break them.
#[test]
fn sparse_sizes_refuse_hostile_values() {
    let mut index = crate::data::empty("IVF4,PQ2x8", METRICS[0]);
    let one = crate::data::vectors(1, 2);
    index.add(one.clone()).expect("adds");
    index.add(one).expect("adds");
    let file = bytes(&index);
    let at = file.windows(4).position(|bytes| bytes == b"sprs").expect("one list of four is sparse") + 4;
    assert_eq!([read_u64(&file, at), read_u64(&file, at + 16)], [2, 2]);
    let hostile = [(0, 0), (0, 1), (0, 3), (0, u64::MAX), (8, 4), (8, u64::MAX), (16, 0), (16, 1), (16, 3)];
    for (offset, value) in hostile.into_iter().chain([(16, u64::MAX)]) {
        let mut changed = file.clone();
        changed[at + offset..at + offset + 8].copy_from_slice(&value.to_le_bytes());
        refuse(&changed, || format!("{value} at byte {offset} of the sizes"));
    }
    let mut twice = file[..at].to_vec();
    let list = read_u64(&file, at + 8);
    [4, list, 1, list, 1].iter().for_each(|value: &u64| twice.extend(value.to_le_bytes()));
    twice.extend(&file[at + 24..]);
    refuse(&twice, || "a list named twice".to_owned());
}

/// A direct map's places must exist.
#[test]
fn direct_maps_refuse_places_outside_the_lists() {
    for (name, first_place) in [("array", 8), ("hashtable", 24)] {
        let file = crate::file::fixture(&format!("ivf_flat_{name}.index"));
        let lists = file.windows(4).position(|bytes| bytes == b"ilar").expect("lists");
        let map = lists - if name == "array" { 8 + 10 * 8 } else { 16 + 10 * 16 };
        for hostile in [i64::MIN, i64::MAX, -2, 4 << 32, 1 << 31] {
            let mut changed = file.clone();
            changed[map + first_place..][..8].copy_from_slice(&hostile.to_le_bytes());
            refuse(&changed, || format!("{name}: place {hostile}"));
        }
        for hostile in [1u64, 9, 11, 1 << 59, 1 << 60, 1 << 61, u64::MAX] {
            let mut changed = file.clone();
            let count = if name == "array" { map } else { map + 8 };
            changed[count..count + 8].copy_from_slice(&hostile.to_le_bytes());
            refuse(&changed, || format!("{name}: count {hostile}"));
        }
    }
}

#[test]
fn random_damage_never_panics() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for (_, file) in files() {
        for _ in 0..400 {
            let mut changed = file.clone();
            for _ in 0..rng.random_range(1..8) {
                let at = rng.random_range(0..changed.len().min(400));
                changed[at] = rng.random();
            }
            let (largest, result) = largest_allocation(|| from_bytes(&changed));
            assert!(largest <= 2 * changed.len() + SMALL);
            drop(result);
        }
    }
}
