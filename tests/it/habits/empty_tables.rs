//! Searches and runs that find nothing, and say so.

use super::{Work, last_line, messages};
use crate::fixtures::npy_at;

fn lines(work: &Work, line: &str) -> Vec<String> {
    let output = work.run(line);
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn a_search_without_results_says_why() {
    let work = Work::new();
    work.photo("17_igloo.jpg", "photos/a.jpg");
    work.photo("14_moose.jpg", "other.jpg");
    work.index("photos");
    let [first, last] = &lines(&work, "search other.jpg --index db.faiss --radius 0.000001")[..] else {
        panic!("two lines")
    };
    assert_eq!(first, "nothing found: no entry is within the radius");
    assert!(last.starts_with("1 query searched in"), "{last}");
    work.json("index train --factory Flat --input db.npy --out empty.faiss", 0);
    assert_eq!(lines(&work, "search other.jpg --index empty.faiss")[0], "nothing found: the index is empty");
    assert_eq!(
        lines(&work, "search other.jpg --index empty.faiss --radius 9")[0],
        "nothing found: the index is empty"
    );
    let none = index::npy::write(&work.path("none.npy"), &[], npy_at(&work.path("db.npy")).unwrap().shape[1]);
    none.unwrap();
    assert_eq!(lines(&work, "search none.npy --index db.faiss")[0], "nothing found: there are no queries");
    assert_eq!(work.json("search none.npy --index db.faiss", 0)["queries"], serde_json::json!([]));
    // More entries are asked for than there are.
    let table = lines(&work, "search other.jpg --index db.faiss -k 1000");
    assert_eq!((table.len(), table[2].contains("photos/a.jpg")), (4, true), "{table:?}");
    let broken = work.run("search gone.jpg --index db.faiss");
    assert_eq!(broken.status.code(), Some(1));
    let text = String::from_utf8_lossy(&broken.stdout);
    assert!(text.starts_with("nothing found: no query can be read\n0 queries searched in"), "{text}");
    assert!(last_line(&broken).contains(", 1 failed"), "{text}");
}

#[test]
fn runs_in_which_every_image_fails_show_no_empty_table() {
    let work = Work::new();
    work.write("photos/a.jpg", b"no image");
    let output = work.run("describe photos --out a.npy");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "nothing described, 1 failed; a.npy is not written\n");
    assert!(!work.path("a.npy").exists());
    work.photo("17_igloo.jpg", "b.jpg");
    work.index("b.jpg");
    let output = work.run("activate photos --index codes.faiss --out released --fast --iterations 1");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("0 released in released, 1 failed;") && text.lines().count() == 1, "{text}");
}
