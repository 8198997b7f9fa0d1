//! Lookups of the last hour, minute by minute.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Minutes that are kept.
pub const MINUTES: usize = 60;
/// Bounds between durations: each is larger than the last by a sixth of an octave, from 0.25 milliseconds to over a minute.
const BOUNDS: usize = 108;
const FIRST_SECONDS: f64 = 0.000_25;
const BOUNDS_PER_OCTAVE: f64 = 6.0;

/// Numbers of lookups for each of the last [`MINUTES`], in bounded memory.
pub struct LastHour {
    started: Instant,
    minutes: Mutex<VecDeque<Counted>>,
}

/// Lookups of one minute.
struct Counted {
    /// Minute since the start.
    minute: u64,
    lookups: u64,
    /// Lookups by their durations.
    durations: [u32; BOUNDS + 1],
}

/// Lookups of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Minute {
    /// Number of lookups.
    pub lookups: u64,
    /// Median of their durations in seconds, from acceptance to answer; `None` without lookups. It is exact to an eighth.
    pub median: Option<f64>,
    /// Duration in seconds that one lookup in a hundred exceeds.
    pub p99: Option<f64>,
}

impl LastHour {
    /// Hour without lookups.
    pub fn new() -> Self {
        Self { started: Instant::now(), minutes: Mutex::default() }
    }

    /// Counts a lookup that has just been answered.
    pub fn count(&self, took: Duration) {
        self.count_in(self.minute(), took);
    }

    /// Minutes up to now, the oldest first; fewer than [`MINUTES`] in the first hour.
    pub fn minutes(&self) -> Vec<Minute> {
        self.minutes_until(self.minute())
    }

    fn minute(&self) -> u64 {
        self.started.elapsed().as_secs() / 60
    }

    fn count_in(&self, minute: u64, took: Duration) {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        // Threads may arrive a little late; their lookups count where the last one did.
        if minutes.back().is_none_or(|last| last.minute < minute) {
            minutes.push_back(Counted { minute, lookups: 0, durations: [0; BOUNDS + 1] });
        }
        while minutes.len() > MINUTES {
            minutes.pop_front();
        }
        if let Some(last) = minutes.back_mut() {
            last.lookups += 1;
            let place = place(took.as_secs_f64());
            last.durations[place] = last.durations[place].saturating_add(1);
        }
    }

    fn minutes_until(&self, now: u64) -> Vec<Minute> {
        let minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let first = (now + 1).saturating_sub(MINUTES as u64);
        let of = |minute: u64| minutes.iter().find(|counted| counted.minute == minute);
        (first..=now).map(|minute| of(minute).map_or(Minute::default(), Counted::summary)).collect()
    }
}

impl Counted {
    fn summary(&self) -> Minute {
        Minute { lookups: self.lookups, median: self.quantile(0.5), p99: self.quantile(0.99) }
    }

    /// Duration that a share of the lookups does not exceed.
    fn quantile(&self, share: f64) -> Option<f64> {
        let total: u64 = self.durations.iter().map(|count| u64::from(*count)).sum();
        let rank = (share * total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let place = self.durations.iter().position(|count| {
            below += u64::from(*count);
            below >= rank
        })?;
        Some(upper_bound(place))
    }
}

/// Place of a duration among the bounds.
fn place(seconds: f64) -> usize {
    let octaves = (seconds / FIRST_SECONDS).log2();
    ((octaves * BOUNDS_PER_OCTAVE).ceil().max(0.0) as usize).min(BOUNDS)
}

fn upper_bound(place: usize) -> f64 {
    FIRST_SECONDS * (place as f64 / BOUNDS_PER_OCTAVE).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn durations_are_told_to_an_eighth() {
        let hour = LastHour::new();
        for milliseconds in 1..=1000 {
            hour.count_in(0, milliseconds * MILLISECOND);
        }
        let minutes = hour.minutes_until(0);
        let [Minute { lookups: 1000, median: Some(median), p99: Some(p99) }] = minutes[..] else {
            panic!("{minutes:?}")
        };
        assert!(
            (0.5..0.5 * 9.0 / 8.0).contains(&median) && (0.99..0.99 * 9.0 / 8.0).contains(&p99),
            "{minutes:?}"
        );
        for odd in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(100_000)] {
            hour.count_in(1, odd);
        }
        assert_eq!(hour.minutes_until(1)[1].lookups, 3);
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let hour = LastHour::new();
        assert_eq!(hour.minutes(), [Minute::default()]);
        for minute in [0, 5, 5, 4, 59, 60, 200] {
            hour.count_in(minute, MILLISECOND);
        }
        let counts = |now| hour.minutes_until(now).iter().map(|minute| minute.lookups).collect::<Vec<_>>();
        assert_eq!(counts(5), [1, 0, 0, 0, 0, 3]);
        assert_eq!((counts(59).len(), counts(60).iter().sum::<u64>()), (60, 5), "minute 0 is over");
        assert_eq!(counts(230).iter().sum::<u64>(), 1);
        for minute in 300..1000 {
            hour.count_in(minute, MILLISECOND);
        }
        let kept = hour.minutes.lock().unwrap().len();
        assert_eq!((kept, counts(999)), (MINUTES, vec![1; MINUTES]));
    }
}
