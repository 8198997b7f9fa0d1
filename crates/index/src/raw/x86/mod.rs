//! The kernels in x86-64's vector instructions.

pub(super) mod avx2;
pub(super) mod avx512;
mod pack;

/// The specification's bodies that the compiler vectorises well, compiled for a level's instructions.
macro_rules! compile_for {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        pub(in crate::raw) fn table_add(base: &[f32], scale: f32, other: &[f32], out: &mut [f32]) {
            scalar::table_add(base, scale, other, out);
        }

        #[target_feature(enable = $features)]
        pub(in crate::raw) fn distance(form: Form, a: &[f32], b: &[f32]) -> f32 {
            scalar::distance(form, a, b)
        }

        #[target_feature(enable = $features)]
        pub(in crate::raw) fn distance_of_bytes(form: Form, a: &[f32], b: &[[u8; 4]]) -> f32 {
            scalar::distance_of_bytes(form, a, b)
        }

        #[target_feature(enable = $features)]
        pub(in crate::raw) fn distances(form: Form, query: &[f32], rows: &[f32], out: &mut [f32]) {
            scalar::distances(form, query, rows, out);
        }

        #[target_feature(enable = $features)]
        pub(in crate::raw) fn distances_of_bytes(
            form: Form,
            query: &[f32],
            rows: &[[u8; 4]],
            out: &mut [f32],
        ) {
            scalar::distances_of_bytes(form, query, rows, out);
        }

        #[target_feature(enable = $features)]
        pub(in crate::raw) fn lower_bounds(
            terms: BoundTerms<'_>,
            weights: BoundWeights,
            out: &mut [f32],
            minima: &mut [f32],
        ) {
            scalar::lower_bounds(terms, weights, out, minima);
        }

        #[target_feature(enable = $features)]
        pub(in crate::raw) fn argmin(norms: &[f32], products: &[f32]) -> (u32, f32) {
            scalar::argmin(norms, products)
        }
    };
}
use compile_for;
