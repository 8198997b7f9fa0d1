//! Numbers in words.

/// Share as a percentage of two digits.
pub fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if percent == 0.0 || percent >= 9.95 => format!("{percent:.0} %"),
        percent if percent < 0.01 => "< 0.01 %".to_owned(),
        percent if percent < 0.1 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// Duration such as `12 ms` or `3.4 s`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 0.001 => "< 1 ms".to_owned(),
        seconds if seconds < 0.9995 => format!("{:.0} ms", 1e3 * seconds),
        seconds if seconds < 9.95 => format!("{seconds:.1} s"),
        seconds => format!("{seconds:.0} s"),
    }
}

/// Number with its noun in the singular or in the plural.
pub fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { several })
}

/// Number with commas between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shares = [0.0, 1e-6, 0.0005, 0.0123, 0.0994, 0.0996, 0.5, 1.0].map(percent);
        assert_eq!(shares, ["0 %", "< 0.01 %", "0.05 %", "1.2 %", "9.9 %", "10 %", "50 %", "100 %"]);
        let durations = [0.0, 0.0123, 0.9999, 3.44, 12.3].map(duration);
        assert_eq!(durations, ["< 1 ms", "12 ms", "1.0 s", "3.4 s", "12 s"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let entries = [0, 1, 2000].map(|count| counted(count, "entry", "entries"));
        assert_eq!(entries, ["0 entries", "1 entry", "2,000 entries"]);
    }
}
