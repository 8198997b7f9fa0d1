//! When an image's optimisation stops before its iterations are used up.

use activate::Stop;

/// Nearer to the own cell's centroid than to any other by this, in distances of unit descriptors: what most images
/// have after ten steps, for 4096 cells.
const MARGIN: f64 = 0.04;
/// What the last two steps improve at least, as a share of all improvement.
const SHARE: f64 = 0.1;

/// `safe`, `safe=MARGIN`, `settled` or `settled=SHARE`.
pub fn stop(text: &str) -> Result<Stop, String> {
    let (name, amount) = text.split_once('=').map_or((text, None), |(name, amount)| (name, Some(amount)));
    let within = |default: f64, most: f64| match amount {
        Some(amount) => super::within(amount, 0.0..=most),
        None => Ok(default),
    };
    match name {
        "safe" => Ok(Stop::Safe { margin: within(MARGIN, 2.0)? }),
        "settled" => Ok(Stop::Settled { share: within(SHARE, 1.0)? }),
        _ => Err("expected safe, safe=MARGIN, settled or settled=SHARE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_optional_and_bounded() {
        assert_eq!(stop("safe"), Ok(Stop::Safe { margin: MARGIN }));
        assert_eq!(stop("settled=0"), Ok(Stop::Settled { share: 0.0 }));
        for wrong in ["", "never", "safe=", "safe=-1", "safe=nan", "settled=1.5", "settled=0.1=2"] {
            assert!(stop(wrong).is_err(), "{wrong}");
        }
    }
}
