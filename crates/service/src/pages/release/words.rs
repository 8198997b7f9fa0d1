//! Quality of released files in words.

use crate::jobs::Quality;

/// Difference to the original, as people see it.
pub fn difference(quality: &Quality) -> &'static str {
    match quality.psnr {
        None => "No pixel changed",
        Some(psnr) if psnr >= 46.0 => "No difference to be seen",
        Some(psnr) if psnr >= 42.0 => "Hardly any difference to be seen",
        Some(psnr) if psnr >= 38.0 => "A slight difference, seen side by side",
        Some(_) => "A visible difference",
    }
}

/// Figures of the difference.
pub fn figures(quality: &Quality) -> String {
    let psnr = quality.psnr.map(|psnr| format!("PSNR {psnr:.1} dB, ")).unwrap_or_default();
    let levels = if quality.linf == 1 { "level" } else { "levels" };
    format!("{psnr}SSIM {:.3}, at most {} {levels} of 255", quality.ssim, quality.linf)
}

/// Gain of the release: the share of edited views that lie where the index looks for the picture.
pub fn gain(quality: &Quality) -> Option<String> {
    quality.kept.map(|kept| format!("{:.0} % of edited views lie in its cell of the index", 100.0 * kept))
}
