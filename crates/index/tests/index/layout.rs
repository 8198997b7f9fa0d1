//! Independent description of the layout of index files, with invalid values for every field.

/// Field at a position of a file.
pub struct Field {
    /// Name, as in error messages or in faiss.
    pub name: &'static str,
    pub at: usize,
    pub size: usize,
    /// Values, as bytes, that the reader must refuse.
    pub hostile: Vec<Vec<u8>>,
    /// Values, as bytes, that the reader must accept and that must be safe to use.
    pub odd: Vec<Vec<u8>>,
}

/// Fields of a valid file, in order.
pub fn fields(file: &[u8]) -> Vec<Field> {
    let mut walk = Walk { file, at: 0, in_map: false, fields: Vec::new() };
    walk.index();
    assert_eq!(walk.at, file.len(), "the layout covers the file");
    walk.fields
}

/// Fields with the given name.
pub fn named<'a>(fields: &'a [Field], name: &str) -> impl Iterator<Item = &'a Field> {
    fields.iter().filter(move |field| field.name == name)
}

pub fn read_u64(file: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(file[at..at + 8].try_into().expect("eight bytes"))
}

fn read_i32(file: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"))
}

struct Walk<'a> {
    file: &'a [u8],
    at: usize,
    /// True within a map of ids and beside finer codes, where ids of inverted lists are positions.
    in_map: bool,
    fields: Vec<Field>,
}

/// Dimension and number of vectors of an index.
struct Header {
    d: usize,
    ntotal: usize,
}

const NOT_FINITE: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

/// Bits of a component, and which ranges are trained, of each type of scalar quantiser.
const SCALAR_TYPES: [(usize, &str); 9] = [
    (8, "each"),
    (4, "each"),
    (8, "one"),
    (4, "one"),
    (16, "none"),
    (8, "none"),
    (6, "each"),
    (16, "none"),
    (8, "none"),
];

/// Sums of a few such values overflow float32.
const HUGE: f32 = 3e38;

impl Walk<'_> {
    fn field<const N: usize>(&mut self, name: &'static str, hostile: &[[u8; N]], odd: &[[u8; N]]) -> usize {
        let [hostile, odd] = [hostile, odd].map(|values| values.iter().map(|v| v.to_vec()).collect());
        self.fields.push(Field { name, at: self.at, size: N, hostile, odd });
        self.at += N;
        self.at - N
    }

    fn fourcc(&mut self, name: &'static str) {
        self.field(name, &[*b"XXXX", *b"\xff\0\n\"", *b"IxFX"], &[]);
    }

    fn flag(&mut self, name: &'static str, hostile: &[u8]) -> bool {
        let at = self.field(name, &[[2], [255]], &[]);
        self.fields.last_mut().expect("just pushed").hostile.extend(hostile.iter().map(|&value| vec![value]));
        self.file[at] != 0
    }

    fn i32(&mut self, name: &'static str, hostile: &[i32], odd: &[i32]) -> i32 {
        let [hostile, odd] =
            [hostile, odd].map(|values| values.iter().map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        let at = self.field(name, &hostile, &odd);
        read_i32(self.file, at)
    }

    fn f32(&mut self, name: &'static str, hostile: &[f32], odd: &[f32]) {
        let [hostile, odd] =
            [hostile, odd].map(|values| values.iter().map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        self.field(name, &hostile, &odd);
    }

    fn u64(&mut self, name: &'static str, hostile: &[u64], odd: &[u64]) -> usize {
        let [hostile, odd] =
            [hostile, odd].map(|values| values.iter().map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        let at = self.field(name, &hostile, &odd);
        read_u64(self.file, at) as usize
    }

    /// Adds a count or size; all other values are hostile.
    fn count(&mut self, name: &'static str) -> usize {
        let right = read_u64(self.file, self.at);
        let near = [0, 1, right.wrapping_sub(1), right.wrapping_add(1), right.wrapping_neg()];
        let far = [1 << 32, 1 << 40, 1 << 59, 1 << 60, 1 << 61, 1 << 62, i64::MAX as u64, 1 << 63, u64::MAX];
        let wrong = near.into_iter().chain(far).filter(|&value| value != right);
        self.u64(name, &wrong.collect::<Vec<_>>(), &[])
    }

    /// Adds a 32-bit dimension or size; all other values are hostile.
    fn count32(&mut self, name: &'static str) -> usize {
        let right = read_i32(self.file, self.at);
        let all = [0, 1, -1, -right, right - 1, right + 1, i32::MIN, i32::MAX];
        let wrong: Vec<i32> = all.into_iter().filter(|&value| value != right).collect();
        self.i32(name, &wrong, &[]) as usize
    }

    /// Adds the first, middle and last of `count` elements.
    fn elements(&mut self, count: usize, size: usize, mut element: impl FnMut(&mut Self)) {
        let (start, end) = (self.at, self.at + count * size);
        let mut chosen = vec![0, count / 2, count.saturating_sub(1)];
        chosen.dedup();
        for i in chosen.into_iter().filter(|&i| i < count) {
            self.at = start + i * size;
            element(self);
        }
        self.at = end;
    }

    /// Adds trained values, which must be finite.
    fn floats(&mut self, name: &'static str, count: usize) {
        self.elements(count, 4, |walk| walk.f32(name, &NOT_FINITE, &[HUGE, -HUGE, 1e-40]));
    }

    fn counted_floats(&mut self, count_name: &'static str, name: &'static str) {
        let count = self.count(count_name);
        self.floats(name, count);
    }

    /// Adds stored vectors, which are not read when a file is opened.
    fn stored_floats(&mut self, count: usize) {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, HUGE, -HUGE];
        self.elements(count, 4, |walk| walk.f32("stored vectors", &[], &odd));
    }

    fn codes(&mut self, count: usize) {
        self.elements(count, 1, |walk| {
            walk.field("codes", &[], &[[0], [255], [0x5a]]);
        });
    }

    fn ids(&mut self, count: usize) {
        let hostile = [i64::MIN, -2, -1, 1 << 40, i64::MAX].map(|id| id as u64);
        if self.in_map {
            return self.elements(count, 8, |walk| {
                walk.u64("ids of the inverted lists", &hostile, &[]);
            });
        }
        let odd = [i64::MIN, -2, -1, 0, 1 << 40, i64::MAX - 1, i64::MAX].map(|id| id as u64);
        self.elements(count, 8, |walk| {
            walk.u64("ids", &[], &odd);
        });
    }

    /// Adds an index header; `fixed_metric` is true if another field, such as the enclosing index, determines
    /// the metric as well.
    fn header(&mut self, fixed_metric: bool) -> Header {
        let fixed_metric = fixed_metric || self.at > 0;
        self.fourcc("fourcc");
        let d = self.count32("d");
        let ntotal = self.count("ntotal");
        self.u64("first header filler", &[0, u64::MAX], &[]);
        self.u64("second header filler", &[0, u64::MAX], &[]);
        self.flag("is_trained", &[0]);
        let other = 1 - read_i32(self.file, self.at);
        let known = [2, 3, -1, i32::MAX];
        self.i32("metric_type", &known, if fixed_metric { &[] } else { &[1, 0] });
        if fixed_metric {
            self.fields.last_mut().expect("just pushed").hostile.push(other.to_le_bytes().to_vec());
        }
        Header { d, ntotal }
    }

    fn index(&mut self) {
        match &self.file[self.at..self.at + 4] {
            b"IxF2" | b"IxFI" => self.flat(false),
            b"IxPq" => self.exhaustive_pq(),
            b"IxSQ" => self.exhaustive_sq(),
            b"IxHe" => self.hashed(),
            b"Ixrq" => self.exhaustive_rabitq(),
            b"Iwrq" => self.ivf_rabitq(),
            b"IHNf" => self.graph(|walk| walk.flat(false)),
            b"IHNs" => self.graph(Self::exhaustive_sq),
            b"IHNp" => self.graph(Self::exhaustive_pq),
            b"IwFl" => self.ivf_flat(),
            b"IwPQ" => self.ivf_pq(false),
            b"IwQR" => self.ivf_pq_residual(),
            b"IwSq" => self.ivf_sq(),
            b"IwPf" => self.ivf_fast_scan(),
            b"IxPT" => self.transformed(),
            b"IxRF" => self.refined(),
            b"IxMp" | b"IxM2" => self.mapped(),
            other => panic!("no layout for fourcc {:?}", other.escape_ascii().to_string()),
        }
    }

    fn flat(&mut self, trained: bool) {
        let header = self.header(true);
        let count = self.count("flat vector count");
        assert_eq!(count, header.d * header.ntotal);
        if trained { self.floats("coarse centroids", count) } else { self.stored_floats(count) }
    }

    fn exhaustive_pq(&mut self) {
        self.header(false);
        self.product_quantiser();
        let count = self.count("code byte count");
        self.codes(count);
        self.i32("search_type", &[], &[-1, 1, 6, i32::MAX]);
        self.flag("encode_signs", &[]);
        self.i32("polysemous_ht", &[], &[i32::MIN, 0, i32::MAX]);
    }

    fn exhaustive_sq(&mut self) {
        self.header(false);
        self.scalar_quantiser();
        let count = self.count("code byte count");
        self.codes(count);
    }

    fn exhaustive_rabitq(&mut self) {
        self.header(true);
        self.rabitq();
        let count = self.count("code byte count");
        self.codes(count);
        self.counted_floats("count of the centre", "centre");
        self.field("qb of RaBitQ", &[[9], [255]], &[[0], [1], [8]]);
    }

    fn ivf_rabitq(&mut self) {
        self.ivf_header();
        self.rabitq();
        self.count("code_size");
        self.flag("by_residual of RaBitQ", &[0]);
        self.field("qb of RaBitQ", &[[9], [255]], &[[0], [1], [8]]);
        self.array_lists(false);
    }

    fn rabitq(&mut self) {
        self.count("d of RaBitQ");
        self.count("code_size of RaBitQ");
        let other = 1 - read_i32(self.file, self.at);
        self.i32("metric_type of RaBitQ", &[other, 2, -1, i32::MAX], &[]);
    }

    fn hashed(&mut self) {
        self.header(true);
        self.count32("nbits of LSH");
        let trained = u8::from(self.file[self.at] == 0);
        let rotated = self.flag("rotate_data", &[trained]);
        let trained = u8::from(self.file[self.at] == 0);
        self.flag("train_thresholds", &[trained]);
        self.counted_floats("thresholds of LSH", "thresholds of LSH");
        self.count32("code_size of LSH");
        self.fourcc("rotation fourcc of LSH");
        self.flag("have_bias", &[1]);
        self.counted_floats("rotation of LSH", "rotation of LSH");
        self.counted_floats("bias of the rotation of LSH", "bias of the rotation of LSH");
        self.count32("d_in of the rotation of LSH");
        self.count32("d_out of the rotation of LSH");
        self.flag("is_trained of the rotation of LSH", &[u8::from(!rotated)]);
        let count = self.count("code byte count");
        self.codes(count);
    }

    fn ivf_flat(&mut self) {
        self.ivf_header();
        self.array_lists(true);
    }

    /// Adds an inverted file of PQ codes, which are of residuals where `finer` codes follow.
    fn ivf_pq(&mut self, finer: bool) {
        self.ivf_header();
        self.flag("by_residual", if finer { &[0] } else { &[] });
        self.count("code_size");
        self.product_quantiser();
        self.array_lists(false);
    }

    fn ivf_pq_residual(&mut self) {
        let in_map = std::mem::replace(&mut self.in_map, true);
        self.ivf_pq(true);
        self.in_map = in_map;
        self.product_quantiser();
        let count = self.count("finer code byte count");
        self.codes(count);
        self.f32("k_factor", &[f32::NAN, f32::INFINITY, 0.0, 0.5, -1.0, 1e30], &[1.5, 1e6]);
    }

    fn ivf_sq(&mut self) {
        self.ivf_header();
        self.scalar_quantiser();
        self.count("code_size");
        self.flag("by_residual", &[]);
        self.array_lists(false);
    }

    fn ivf_fast_scan(&mut self) {
        self.ivf_header();
        self.flag("by_residual", &[]);
        self.count("code_size");
        self.i32("bbs", &[0, -1, 31, 33, 64, i32::MIN, i32::MAX], &[]);
        self.count("M2");
        self.i32("implem", &[], &[i32::MIN, -1, 14, i32::MAX]);
        self.u64("qbs2", &[], &[1, 0x3333, u64::MAX]);
        self.product_quantiser();
        self.block_lists();
    }

    fn ivf_header(&mut self) {
        self.header(true);
        self.count("nlist");
        self.u64("nprobe", &[0], &[1, 1 << 40, u64::MAX]);
        if &self.file[self.at..self.at + 4] == b"IHNf" {
            self.graph(|walk| walk.flat(true));
        } else {
            self.flat(true)
        }
        self.field("direct map type", &[[1], [2], [3], [255]], &[]);
        self.count("direct map array count");
    }

    fn graph(&mut self, storage: impl FnOnce(&mut Self)) {
        let n = self.header(true).ntotal as i32;
        let probas = self.count("assign_probas");
        self.elements(probas, 8, |walk| {
            walk.u64("assign_probas", &[], &[f64::NAN.to_bits(), f64::INFINITY.to_bits(), 0]);
        });
        let count = self.count("cum_nneighbor_per_level");
        self.i32("cum_nneighbor_per_level", &[1, -1, i32::MIN, i32::MAX], &[]);
        self.i32("cum_nneighbor_per_level", &[-1, 0, 1, i32::MIN, i32::MAX], &[]);
        self.at += (count - 2) * 4;
        let count = self.count("levels");
        let top = count as i32 + 1;
        self.elements(count, 4, |walk| {
            walk.i32("levels", &[0, -1, top, i32::MIN, i32::MAX], &[]);
        });
        let count = self.count("offsets");
        self.elements(count, 8, |walk| {
            walk.count("offsets");
        });
        let count = self.count("neighbors");
        self.elements(count, 4, |walk| {
            walk.i32("neighbors", &[-2, n, i32::MIN, i32::MAX], &[-1]);
        });
        self.i32("entry_point", &[-1, n, i32::MIN, i32::MAX], &[]);
        self.i32("max_level", &[-1, 9, i32::MIN, i32::MAX], &[]);
        self.i32("efConstruction", &[], &[i32::MIN, 0, i32::MAX]);
        self.i32("efSearch", &[0, -1, i32::MIN], &[1, i32::MAX]);
        self.i32("upper_beam", &[], &[i32::MIN, 0, i32::MAX]);
        storage(self);
    }

    fn product_quantiser(&mut self) {
        self.count("d of the product quantiser");
        // Divisors of d may be consistent with all other fields.
        self.u64("m of the product quantiser", &[0, 3, 5, 16, 1 << 32, 1 << 61, u64::MAX], &[]);
        self.count("nbits of the product quantiser");
        self.counted_floats("codeword count", "codewords");
    }

    fn scalar_quantiser(&mut self) {
        let qtype = read_i32(self.file, self.at) as usize;
        let types: Vec<i32> = (0..9).filter(|&other| other as usize != qtype).collect();
        let is_like = |&other: &i32| SCALAR_TYPES[other as usize] == SCALAR_TYPES[qtype];
        let (like, unlike): (Vec<i32>, Vec<i32>) = types.iter().partition(|other| is_like(other));
        self.i32("qtype of the scalar quantiser", &[unlike, vec![-1, 9, 17, i32::MAX]].concat(), &like);
        self.i32("rangestat", &[], &[-1, 3, i32::MAX]);
        self.f32("rangestat_arg", &[], &[f32::NAN, -HUGE]);
        self.count("d of the scalar quantiser");
        self.count("code_size of the scalar quantiser");
        self.counted_floats("count of ranges", "ranges");
    }

    /// Adds inverted lists, whose sizes must be stored in full.
    fn array_lists(&mut self, codes_are_floats: bool) {
        self.fourcc("inverted lists fourcc");
        let nlist = self.count("nlist of the inverted lists");
        let code_size = self.count("code_size of the inverted lists");
        assert_eq!(&self.file[self.at..self.at + 4], b"full");
        self.field("list type fourcc", &[*b"sprs", *b"XXXX"], &[]);
        self.count("list size count");
        let sizes: Vec<usize> = (0..nlist).map(|_| self.count("size of an inverted list")).collect();
        for size in sizes {
            if codes_are_floats {
                self.stored_floats(size * code_size / 4)
            } else {
                self.codes(size * code_size)
            }
            self.ids(size);
        }
    }

    fn block_lists(&mut self) {
        self.fourcc("inverted lists fourcc");
        let nlist = self.count("nlist of the inverted lists");
        self.count("code_size of the inverted lists");
        self.count("n_per_block");
        self.count("block_size");
        for _ in 0..nlist {
            let ids = self.count("id count of an inverted list");
            self.ids(ids);
            // The last codes of a block may belong to no entry.
            let codes = self.count("code bytes of an inverted list");
            self.codes(codes);
        }
    }

    fn transformed(&mut self) {
        self.header(true);
        let count = self.count32("number of transforms");
        (0..count).for_each(|_| self.transform());
        self.index();
    }

    fn transform(&mut self) {
        let file = self.file;
        let fourcc = &file[self.at..self.at + 4];
        self.fourcc("transform fourcc");
        match fourcc {
            b"Pcam" => self.pca(),
            b"VNrm" => self.f32("norm of the normalisation", &[f32::NAN, f32::INFINITY, 0.0, 1.0, -2.0], &[]),
            _ => self.linear(),
        }
        self.count32("d_in of the transform");
        self.count32("d_out of the transform");
        self.flag("is_trained of the transform", &[0]);
    }

    fn linear(&mut self) {
        let other = u8::from(self.file[self.at] == 0);
        self.flag("have_bias", &[other]);
        self.counted_floats("matrix of the transform", "matrix of the transform");
        self.counted_floats("bias of the transform", "bias of the transform");
    }

    fn pca(&mut self) {
        self.f32("eigen_power", &NOT_FINITE, &[-0.5, HUGE]);
        self.f32("epsilon", &NOT_FINITE, &[-1.0, HUGE]);
        self.flag("random_rotation", &[]);
        self.i32("balanced_bins", &[], &[-1, i32::MAX]);
        self.counted_floats("mean of the PCA", "mean of the PCA");
        self.counted_floats("eigenvalues of the PCA", "eigenvalues of the PCA");
        self.counted_floats("components of the PCA", "components of the PCA");
        self.linear();
    }

    fn refined(&mut self) {
        self.header(true);
        self.index();
        self.index();
        self.f32("k_factor", &[f32::NAN, f32::INFINITY, 0.0, 0.5, -1.0, 1e30], &[1.5, 1e6]);
    }

    fn mapped(&mut self) {
        self.header(true);
        self.in_map = true;
        self.index();
        self.in_map = false;
        let count = self.count("count of mapped ids");
        self.ids(count);
    }
}
