//! Vector instructions of the processor: detection, levels to compile for, lanes of float32.
//!
//! A [`Level`] exists only where the processor has its instructions, so that holding one makes it safe to call the
//! kernels of that level. The environment variable `ACTIVE_INDEX_SIMD` (`scalar`, `avx2`, `avx512f` or `avx512`)
//! lowers [`Level::detected`] in every crate of the workspace.
//!
//! There are three ways to use a level:
//!
//! * [`Level::run`] compiles plain Rust for it;
//! * [`Level::with_lanes`] instantiates code that is written once over [`Lanes`];
//! * `match level.tier()` selects a kernel that is written for one instruction set.
//!
//! `pulp`, in the lock file through burn's CPU backend, was not taken: its levels are x86-64-v3 and x86-64-v4, which
//! lack the VNNI, VPOPCNTDQ and VBMI instructions of searches, and no environment variable caps them. The kernels
//! need only a proof of the level and sixteen lanes of float32, less code than an adapter would be.
//!
//! ```
//! use active_index_simd::Level;
//!
//! let level = Level::detected();
//! let squares: f32 = level.run(
//!     #[inline(always)]
//!     || [1.0f32, 2.0, 3.0].iter().map(|x| x * x).sum(),
//! );
//! assert_eq!(squares, 14.0);
//! println!("computed with {}", level.name());
//! ```

mod bf16;
mod lanes;
mod level;
mod prefetch;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use bf16::Bf16;
pub use lanes::{LANES, Lanes, LanesWork};
pub use level::{Level, Tier};
pub use prefetch::{prefetch, prefetch_second_level};
