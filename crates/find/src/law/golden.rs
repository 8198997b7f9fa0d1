//! Fits are those of scipy, see `tests/golden/make_laws.py`.

use serde_json::Value;

use super::{
    best::BestLaw,
    grouped::Grouped,
    pareto::{MAX_SHAPE, Pareto},
};

fn laws(kind: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/laws.json");
    let text = std::fs::read_to_string(path).unwrap();
    let laws: Value = serde_json::from_str(&text).unwrap();
    laws[kind].as_array().unwrap().clone()
}

fn number(law: &Value, key: &str) -> f64 {
    law[key].as_f64().unwrap()
}

fn values(law: &Value) -> Vec<f64> {
    law["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn near(found: f64, expected: f64) -> bool {
    // Groups of a hundredth of the scale move a fit by less than that.
    (found / expected - 1.0).abs() < 0.01
}

#[test]
fn pareto_laws_are_those_of_scipy() {
    for law in laws("pareto") {
        let excesses = Grouped::of(values(&law), 1e-4);
        let exponential = Pareto::fit_exponential(&excesses, f64::INFINITY).unwrap();
        assert!(near(exponential.scale, number(&law, "exponential")), "{exponential:?}");
        let found = Pareto::fit(&excesses, f64::INFINITY).unwrap();
        let (shape, deviance) = (number(&law, "shape"), number(&law, "deviance"));
        if (0.0..MAX_SHAPE).contains(&shape) && deviance > 4.0 {
            assert!(
                (found.shape - shape).abs() < 0.01 && near(found.scale, number(&law, "scale")),
                "{found:?}"
            );
        } else {
            assert_eq!(found, exponential, "no law with an end, and no shape that the values do not ask for");
        }
    }
}

#[test]
fn truncated_laws_are_those_of_scipy() {
    for law in laws("truncated") {
        let excesses = Grouped::of(values(&law), 1e-4);
        let found = Pareto::fit_exponential(&excesses, number(&law, "end")).unwrap();
        assert!(near(found.scale, number(&law, "scale")), "{found:?} for {}", law["scale"]);
    }
}

#[test]
fn laws_of_best_values_are_those_of_scipy() {
    for law in laws("best") {
        let best: Vec<Option<f32>> = values(&law).iter().map(|value| Some(*value as f32)).collect();
        let found = BestLaw::fit(&best, 0.0, f64::INFINITY).unwrap();
        assert!((found.threshold - number(&law, "threshold")).abs() < 1e-6);
        assert!(near(found.rate, number(&law, "rate")), "{} for {}", found.rate, law["rate"]);
        assert!(near(found.excess.scale, number(&law, "scale")), "{:?} for {}", found.excess, law["scale"]);
    }
}
