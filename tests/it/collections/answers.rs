//! `find`: matches, filters, and nothing found.

use std::{io::Write, process::Stdio};

use serde_json::json;

use super::{Folder, names};

#[test]
fn an_edited_copy_is_found_and_an_empty_collection_finds_nothing() {
    let folder = Folder::with_photos(6);
    folder.put_edited("photos/3.png", "copy.jpg");
    let find = "find copy.jpg --collection shop --all --looks 1 --nprobe 4";
    let found = folder.done(find);
    assert_eq!(names(&found), [[""; 0]]);
    assert_eq!((&found["entries"], &found["schema"]), (&json!(0), &json!(1)));
    let shown = folder.text(find);
    assert_eq!(shown.lines().next(), Some("copy.jpg: nothing found"), "{shown}");
    assert!(
        shown.contains("1 query searched among 0 entries of shop in") && shown.lines().count() == 2,
        "{shown}"
    );

    folder.done("collection add photos --collection shop");
    let found = folder.done(find);
    assert_eq!(names(&found)[0].len(), 6);
    assert_eq!(names(&found)[0][0], "3.png");
    let matches = found["queries"][0]["matches"].as_array().unwrap();
    let numbers =
        |key: &str| -> Vec<f64> { matches.iter().map(|found| found[key].as_f64().unwrap()).collect() };
    let (cosines, e_values) = (numbers("cosine"), numbers("e_value"));
    assert!(cosines[0] > 0.9 && cosines.iter().all(|cosine| *cosine <= cosines[0]), "{cosines:?}");
    assert!(e_values.is_sorted(), "{e_values:?}");
    let keys = found.as_object().unwrap();
    assert_eq!((&found["collection"], &found["entries"]), (&json!("shop"), &json!(6)));
    assert!(keys["seconds"].is_number() && keys["nprobe"] == 4, "{found}");
    assert!(found["queries"][0]["matches"][0]["meta"].is_null(), "{found}");
    assert_eq!(names(&folder.done(&format!("{find} -k 2")))[0].len(), 2);

    let shown = folder.text("find copy.jpg photos/0.png --collection shop --all --looks 1 --nprobe 4 -k 2");
    let rows: Vec<&str> =
        shown.lines().filter(|line| line.contains(".png") && line.starts_with('|')).collect();
    assert_eq!(rows.len(), 4, "{shown}");
    assert_eq!(shown.matches("copy.jpg").count(), 1, "a query is named once: {shown}");
}

#[test]
fn fields_are_filtered_by() {
    let folder = Folder::with_rows();
    folder.put_rows("a", 0..20);
    folder.put_rows("b", 20..30);
    folder.done("collection add a.npy --collection shop --meta licence=CC0 --meta year=2001");
    folder.done("collection add b.npy --collection shop --meta licence=none --meta year=2001");
    let count = |conditions: &str| {
        let found = folder.done(&format!("find b.npy --collection shop --all --nprobe 4 -k 30{conditions}"));
        let listed = folder.done(&format!("collection list shop{conditions}"));
        let listed = listed["entries"].as_array().unwrap().len();
        assert!(names(&found).iter().all(|matches| matches.len() == listed), "{conditions}");
        listed
    };
    assert_eq!(count(""), 30);
    assert_eq!(count(" --where licence=CC0"), 20);
    assert_eq!(count(" --where licence=none --where year=2001"), 10);
    assert_eq!(count(" --where licence=none --where year=2002"), 0);
    assert_eq!(folder.run("find b.npy --collection shop --where licence").status.code(), Some(2));
}

#[test]
fn a_list_on_stdin_names_the_queries_and_a_broken_one_fails_alone() {
    let folder = Folder::with_photos(3);
    folder.done("collection add photos --collection shop");
    std::fs::write(folder.path("broken.png"), b"no image").unwrap();
    let mut command = folder.command("find - --collection shop -k 1 --nprobe 4 --json");
    let mut running =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(b"photos/2.png\nbroken.png\nphotos/0.png\n").unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found = crate::command_line::json(&output);
    let queries = found["queries"].as_array().unwrap();
    assert_eq!(queries.len(), 3);
    for query in queries {
        let named = query["query"].as_str().unwrap();
        match named.strip_prefix("photos/") {
            Some(name) => assert_eq!(query["matches"][0]["name"], name),
            None => assert!(query["error"].is_string() && query["matches"].as_array().unwrap().is_empty()),
        }
    }
}
