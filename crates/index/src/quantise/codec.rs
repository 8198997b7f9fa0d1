//! Codecs, which encode vectors as stored codes, and scanners, which compare a query with codes.

use simd::Level;

use crate::{
    error::Result,
    factory::Codes,
    kernels::{many, many_bytes},
    metric::{Metric, squared_norm},
    quantise::{
        pq::ProductQuantiser,
        rabitq::{RaBitQuantiser, SignQuery},
        scalar_quantiser::{ScalarQuantiser, StepQuery},
    },
    stored_bytes::{bytes_to_floats, floats_to_bytes},
    vectors::Vectors,
};

/// A map from vectors of dimension `d` to codes of `code_size` bytes and back.
#[derive(Clone)]
pub(crate) enum Codec {
    /// Uncompressed: `d` little-endian float32.
    Flat { d: usize },
    /// Product quantiser.
    Pq(ProductQuantiser),
    /// Scalar quantiser.
    Sq(ScalarQuantiser),
    /// Signs of the components, with two factors.
    RaBitQ(RaBitQuantiser),
}

impl Codec {
    pub fn d(&self) -> usize {
        match self {
            Self::Flat { d } => *d,
            Self::Pq(pq) => pq.d,
            Self::Sq(sq) => sq.d,
            Self::RaBitQ(signs) => signs.d,
        }
    }

    /// Bytes of one code, at least 1.
    pub fn code_size(&self) -> usize {
        match self {
            Self::Flat { d } => d * size_of::<f32>(),
            Self::Pq(pq) => pq.code_size(),
            Self::Sq(sq) => sq.code_size(),
            Self::RaBitQ(signs) => signs.code_size(),
        }
    }

    pub fn codes(&self) -> Codes {
        match self {
            Self::Flat { .. } => Codes::Flat,
            Self::Pq(pq) => Codes::Pq { m: pq.m, nbits: pq.nbits },
            Self::Sq(sq) => Codes::Sq(sq.kind),
            Self::RaBitQ(_) => Codes::RaBitQ,
        }
    }

    pub fn is_lossless(&self) -> bool {
        matches!(self, Self::Flat { .. })
    }

    /// Codes of `vectors` `[n, d]`: `[n, code_size]` bytes.
    pub fn encode(&self, vectors: &Vectors) -> Result<Vec<u8>> {
        match self {
            Self::Flat { .. } => Ok(floats_to_bytes(&vectors.host)),
            Self::Pq(pq) => pq.encode(vectors),
            Self::Sq(sq) => Ok(sq.encode(&vectors.host)),
            Self::RaBitQ(signs) => Ok(signs.encode(&vectors.host)),
        }
    }

    /// Adds the decoded vector of a code to `out`, `d` floats.
    pub fn add_decoded(&self, code: &[u8], out: &mut [f32]) {
        match self {
            Self::Flat { .. } => out.iter_mut().zip(bytes_to_floats(code)).for_each(|(out, x)| *out += x),
            Self::Pq(pq) => pq.add_decoded(code, out),
            Self::Sq(sq) => out.iter_mut().zip(sq.decode(code)).for_each(|(out, x)| *out += x),
            Self::RaBitQ(signs) => signs.add_decoded(code, out),
        }
    }

    /// Decodes codes `[n, code_size]`: `[n, d]`.
    pub fn decode(&self, codes: &[u8]) -> Vec<f32> {
        self.decode_onto(codes, vec![0.0; codes.len() / self.code_size() * self.d()])
    }

    /// Adds the vectors that codes `[n, code_size]` encode to `rows` `[n, d]`.
    pub fn decode_onto(&self, codes: &[u8], mut rows: Vec<f32>) -> Vec<f32> {
        let codes = codes.chunks_exact(self.code_size());
        codes.zip(rows.chunks_exact_mut(self.d())).for_each(|(code, row)| self.add_decoded(code, row));
        rows
    }
}

/// A point that codes are compared with, and the tables precomputed from it.
pub(crate) struct Scanner<'a> {
    codec: &'a Codec,
    metric: Metric,
    /// `d` floats.
    point: Vec<f32>,
    /// Contribution of each codeword to a sort key, `[m, ksub]`; empty unless the codec is a product
    /// quantiser.
    pub table: Vec<f32>,
    /// Tables of the query for codes of whole steps; `None` if codes are decoded first.
    steps: Option<StepQuery>,
    /// Tables of the query for codes of signs; `None` unless the codec is RaBitQ.
    signs: Option<SignQuery>,
    /// Added to every sort key.
    pub offset: f32,
}

impl<'a> Scanner<'a> {
    /// Creates a scanner; call [`Self::set_query`] before [`Self::keys`].
    pub fn new(codec: &'a Codec, metric: Metric) -> Self {
        let table = match codec {
            Codec::Pq(pq) => vec![0.0; pq.m * pq.ksub],
            Codec::Flat { .. } | Codec::Sq(_) | Codec::RaBitQ(_) => Vec::new(),
        };
        Self { codec, metric, point: vec![0.0; codec.d()], table, steps: None, signs: None, offset: 0.0 }
    }

    /// Sets the point that codes are compared with, `d` floats.
    pub fn set_query(&mut self, point: &[f32]) {
        self.offset = 0.0;
        self.point.copy_from_slice(point);
        match self.codec {
            Codec::Pq(pq) => pq.key_tables(self.metric, point, &mut self.table),
            Codec::Sq(sq) => self.steps = sq.query(self.metric, point),
            Codec::RaBitQ(signs) => {
                self.signs = Some(signs.query(point));
                self.offset = self.offset_of_signs(point);
            }
            Codec::Flat { .. } => {}
        }
    }

    /// Sets the point to `point - centroid`.
    pub fn set_residual(&mut self, point: &[f32], centroid: &[f32]) {
        let residual: Vec<f32> = point.iter().zip(centroid).map(|(x, c)| x - c).collect();
        self.set_query(&residual);
        self.offset = self.offset_of_signs(point);
    }

    /// Part of every sort key that estimates of inner products from signs lack: half the squared norm of the query.
    fn offset_of_signs(&self, query: &[f32]) -> f32 {
        match (self.codec, self.metric) {
            (Codec::RaBitQ(_), Metric::InnerProduct) => -0.5 * squared_norm(query) as f32,
            _ => 0.0,
        }
    }

    /// Writes the sort keys of codes `[n, code_size]` to `out` `[n]`; smaller is nearer.
    pub fn keys(&self, codes: &[u8], out: &mut [f32]) {
        let level = Level::detected();
        match self.codec {
            Codec::Pq(pq) => return pq.scan(&self.table, self.offset, codes, out),
            Codec::Flat { .. } => many_bytes(level, self.metric.form(), &self.point, codes, out),
            Codec::RaBitQ(_) => self.signs.iter().for_each(|signs| signs.distances(codes, out)),
            Codec::Sq(sq) => match &self.steps {
                Some(steps) => steps.distances(level, &sq.step_bytes(codes), out),
                None => many(level, self.metric.form(), &self.point, &sq.decode(codes), out),
            },
        }
        out.iter_mut().for_each(|key| *key = self.offset + self.metric.key(*key));
    }
}
