//! Functions compiled for the widest vector instructions of the processor.

/// Runs `work` compiled for the widest vector instructions; it must be `#[inline(always)]`. Multiplications and additions are
/// neither contracted nor reordered, so all processors give the same bits.
#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor was just found to have these instructions.
            return unsafe { x86::avx512(work) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { x86::avx2(work) };
        }
    }
    work()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_gives_the_same_bits() {
        let values: Vec<f32> = (0..100).map(|i| (i as f32).sqrt()).collect();
        let work = |values: &[f32]| values.iter().map(|x| x * 1.1 + 0.3 / (x + 0.7)).collect::<Vec<f32>>();
        assert_eq!(widest(|| work(&values)), work(&values));
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor was just found to have these instructions.
            assert_eq!(unsafe { x86::avx2(|| work(&values)) }, work(&values));
        }
    }
}
