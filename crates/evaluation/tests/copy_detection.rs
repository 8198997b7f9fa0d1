//! Copy detection against scikit-learn and the definitions of ISC2021, see `golden/make_copy_detection.py`.

use active_index_evaluation::{
    Error,
    bootstrap::Bootstrap,
    copy_detection::{
        Curve, Row, Ties,
        isc::{GroundTruth, Prediction, read_predictions, write_predictions},
        normalise,
    },
};

fn row(score: f64, is_match: bool) -> Row {
    Row { score, is_match, photograph: 0 }
}

struct Case {
    curve: Curve,
    scikit_learn: f64,
    isc2021: f64,
    at_precision: Option<(f64, f64)>,
}

fn case(line: &str) -> Case {
    let fields: Vec<&str> = line.split('\t').collect();
    let number = |text: &str| text.parse::<f64>().expect(line);
    let parse = |text: &str| {
        let (score, label) = text.split_once(':').expect(line);
        row(number(score), label == "1")
    };
    let rows = fields[1].split(',').filter(|text| !text.is_empty()).map(parse).collect();
    Case {
        curve: Curve::new(rows, fields[0].parse().expect(line)).expect(line),
        scikit_learn: number(fields[2]),
        isc2021: number(fields[3]),
        at_precision: (fields[4] != "-").then(|| (number(fields[4]), number(fields[5]))),
    }
}

/// 1e-12: the same sums of float64 in another order.
#[test]
fn average_precision_is_that_of_others() {
    let table = include_str!("golden/copy_detection.tsv");
    assert_eq!(table.lines().count(), 45);
    for line in table.lines() {
        let case = case(line);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} and {b}: {line}");
        close(case.curve.average_precision(Ties::Together), case.scikit_learn);
        close(case.curve.average_precision(Ties::WrongFirst), case.isc2021);
        let found = case.curve.at_precision(0.9).map(|point| (point.recall, point.threshold));
        assert_eq!(found.is_some(), case.at_precision.is_some(), "{line}");
        if let (Some(found), Some(expected)) = (found, case.at_precision) {
            close(found.0, expected.0);
            close(found.1, expected.1);
        }
    }
}

#[test]
fn scores_that_cannot_be_ranked_are_refused() {
    assert!(matches!(Curve::new(vec![row(1.0, false)], 0), Err(Error::NoMatches)));
    assert!(matches!(Curve::new(vec![row(f64::NAN, false)], 1), Err(Error::NotRanked)));
    let twice = Curve::new(vec![row(1.0, true), row(0.5, true)], 1);
    assert!(matches!(twice, Err(Error::TooManyMatches { matches: 1, found: 2 })));
    let nothing = Curve::new(Vec::new(), 2).expect("no rows");
    assert_eq!((nothing.average_precision(Ties::WrongFirst), nothing.at_precision(0.9)), (0.0, None));
    assert!(nothing.outline(10).is_empty());
}

#[test]
fn the_outline_falls_and_ends_where_recall_does() {
    let rows = [(0.9, true), (0.8, false), (0.7, true), (0.6, true), (0.5, false)];
    let curve = Curve::new(rows.map(|(score, is_match)| row(score, is_match)).to_vec(), 4).expect("curve");
    let outline = curve.outline(8);
    assert_eq!(outline.len(), 7, "recall ends at 3/4");
    assert!(outline.windows(2).all(|pair| pair[0].precision >= pair[1].precision));
    assert_eq!((outline[0].precision, outline[6].precision, outline[6].threshold), (1.0, 0.75, 0.6));
    assert_eq!((curve.recall_at(0.7), curve.recall_at(2.0)), (0.5, 0.0));
}

/// Equal photographs give an interval without width; the interval of mixed ones holds the value of the whole.
#[test]
fn intervals_are_of_photographs() {
    let same: Vec<Row> = (0..20)
        .flat_map(|photograph| {
            [(2.0, true), (1.0, false)].map(|(score, is_match)| Row { score, is_match, photograph })
        })
        .collect();
    let bootstrap = Bootstrap { resamples: 200, seed: 1 };
    let interval = Curve::new(same, 20).expect("curve").interval(&[1; 20], &bootstrap).expect("interval");
    assert!((interval.low - 1.0).abs() < 1e-12 && (interval.high - 1.0).abs() < 1e-12, "{interval:?}");
    let mixed: Vec<Row> = (0..200)
        .map(|photograph| Row {
            score: f64::from(photograph as u32 * 37 % 101),
            is_match: photograph % 3 == 0,
            photograph,
        })
        .collect();
    let matches: Vec<usize> = (0..200).map(|photograph| usize::from(photograph % 3 == 0)).collect();
    let curve = Curve::new(mixed, 67).expect("curve");
    let whole = curve.average_precision(Ties::WrongFirst);
    let interval = curve.interval(&matches, &bootstrap).expect("interval");
    assert!(
        interval.low < whole && whole < interval.high && interval.high - interval.low < 0.4,
        "{interval:?}"
    );
    assert!(matches!(curve.interval(&matches[..5], &bootstrap), Err(Error::ColumnLength { .. })));
}

#[test]
fn normalising_takes_the_nearest_background_off() {
    assert_eq!(normalise(1.0, &[], 1.0), 1.0);
    assert_eq!(normalise(1.0, &[0.5], 1.0), 0.5);
    assert_eq!(normalise(1.0, &[0.5, 0.25, -9.0], 2.0), 0.25);
}

#[test]
fn tables_survive_the_round_trip() {
    let truth = "query_id,reference_id\nQ1,R7\nQ1,R8\nQ2,\n\"Q,3\",R7\n";
    let read = GroundTruth::read(truth.as_bytes()).expect("truth");
    assert_eq!((read.count(), read.matches["Q2"].len()), (3, 0));
    let mut written = Vec::new();
    read.write(&mut written).expect("write");
    assert_eq!(GroundTruth::read(&written[..]).expect("truth"), read);
    let without_heading = GroundTruth::read(&truth.as_bytes()[22..]).expect("truth");
    assert_eq!(without_heading, read);

    let prediction =
        |query: &str, score| Prediction { query: query.to_owned(), reference: "R7".to_owned(), score };
    let predictions = [prediction("Q,3", 0.1 + 0.2), prediction("Q2", -1e-30)];
    let mut written = Vec::new();
    write_predictions(&predictions, &mut written).expect("write");
    assert_eq!(read_predictions(&written[..]).expect("predictions"), predictions);
    let judged = read.judge(&predictions).expect("judge");
    assert_eq!(judged.matches_of, [1, 2, 0]);
    assert!((judged.curve.average_precision(Ties::WrongFirst) - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn broken_tables_are_refused_by_line() {
    let predictions = |table: &str| read_predictions(table.as_bytes()).expect_err(table).to_string();
    for (table, reason) in [
        ("Q1,R1,1\nQ1,R1,2\n", "line 2: expected each pair once"),
        (
            "query_id,reference_id,score\nQ1,R1,high\n",
            "line 2: expected a finite number as the score, found `Q1,R1,high`",
        ),
        ("Q1,R1,NaN\n", "finite number"),
        ("Q1,R1\n", "line 1: expected query_id,reference_id,score"),
        ("Q1,,1\n", "expected a reference"),
        ("Q1,R1,1\nquery_id,reference_id,score\n", "line 2: expected a finite number"),
    ] {
        assert!(predictions(table).contains(reason), "{table}: {}", predictions(table));
    }
    let truth = |table: &[u8]| GroundTruth::read(table).expect_err("broken").to_string();
    assert!(truth(b"Q1,R1\nQ1,R1\n").contains("line 2: expected each pair once"));
    assert!(truth(b",R1\n").contains("line 1: expected query_id,reference_id"));
    assert!(truth(b"Q1,R1,0.5\n").contains("line 1"));
    assert!(truth(b"Q1,\xff\n").contains("UTF-8"));
    assert!(matches!(GroundTruth::default().judge(&[]), Err(Error::NoMatches)));
}
