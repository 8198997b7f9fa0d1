//! The rule of `--stop-when`, by which an image stops before its last iteration.

use activate::Stop;

/// Default margin by which a descriptor must be nearer to its own cell's centroid than to any other, in distances of unit
/// vectors. Most images reach it within ten steps, with 4096 cells.
const MARGIN: f64 = 0.04;
/// Default share of the total improvement that the last two steps must exceed.
const SHARE: f64 = 0.1;

/// Parses `safe`, `safe=MARGIN`, `settled` or `settled=SHARE`.
pub fn stop(text: &str) -> Result<Stop, String> {
    let (name, amount) = text.split_once('=').map_or((text, None), |(name, amount)| (name, Some(amount)));
    let within = |default: f64, most: f64| match amount {
        Some(amount) => super::range::within(amount, 0.0..=most),
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
