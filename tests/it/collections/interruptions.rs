//! `collection add`, killed or interrupted at any moment: nothing that was acknowledged is lost, and the next run goes on.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use super::Folder;

const PHOTOS: usize = 40;
/// Photographs that take long enough to interrupt.
const MANY: usize = 300;

/// Adds the photographs and kills the program after `delay`. Returns the number of images that it said were committed.
fn add_and_kill(folder: &Folder, delay: Duration) -> u64 {
    let mut command = folder.command("collection add photos --collection shop --batch 2 -v");
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(delay);
    running.kill().unwrap();
    let lines = BufReader::new(running.stderr.take().unwrap()).lines().map_while(Result::ok);
    let committed =
        lines.filter_map(|line| line.strip_suffix(" images committed")?.parse::<u64>().ok()).sum();
    running.wait().unwrap();
    committed
}

fn kill_rounds(rounds: u64) {
    let folder = Folder::with_photos(PHOTOS);
    let (mut acknowledged, mut complete) = (0, 0);
    for round in 0..rounds {
        // 97 is coprime to 500: all delays are met in time.
        acknowledged += add_and_kill(&folder, Duration::from_millis(30 + 97 * round % 500));
        let info = folder.collection().info().unwrap();
        assert!(info.live >= acknowledged, "round {round}: {} of {acknowledged} are left", info.live);
        assert_eq!(folder.findings(), [], "round {round}");
        if info.live == PHOTOS as u64 {
            complete += 1;
            acknowledged = 0;
            fs::remove_dir_all(folder.path("shop")).unwrap();
            folder.done("collection create shop --quantiser quantiser.faiss");
        }
    }
    let added = folder.done("collection add photos --collection shop");
    assert_eq!(added["added"].as_u64().unwrap() + added["already"].as_u64().unwrap(), PHOTOS as u64);
    assert_eq!(folder.collection().info().unwrap().live, PHOTOS as u64);
    assert_eq!(folder.findings(), []);
    println!("{rounds} kills, {complete} collections completed");
}

#[test]
fn killed_additions_lose_nothing_acknowledged() {
    kill_rounds(6);
}

#[test]
#[ignore = "slow: kills the program 200 times"]
fn two_hundred_killed_additions_lose_nothing_acknowledged() {
    kill_rounds(200);
}

#[cfg(unix)]
#[test]
fn an_interrupted_addition_keeps_what_is_done_and_goes_on_later() {
    let folder = Folder::with_photos(MANY);
    let mut command = folder.command("collection add photos --collection shop --batch 1 --json");
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while folder.collection().info().unwrap().live == 0 {
        assert!(running.try_wait().unwrap().is_none(), "it ended before a commit");
        sleep(Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let document = crate::command_line::json(&output);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_eq!(document["interrupted"], true, "{document}");
    let done = document["added"].as_u64().unwrap();
    assert_eq!(folder.collection().info().unwrap().live, done);
    let rest = folder.done("collection add photos --collection shop");
    assert_eq!(rest["added"].as_u64().unwrap() + done, MANY as u64);
    assert!(rest["interrupted"].is_null());
    assert_eq!(folder.findings(), []);
}

/// Document that an earlier run is supposed to have written.
#[cfg(unix)]
const EARLIER: &str = r#"{"schema":1,"seconds":0.5,"queries":[]}"#;

/// Looks all photographs up and interrupts the program after `delay`. Returns its answer and its messages, if it began to
/// search by then.
#[cfg(unix)]
fn find_and_interrupt(folder: &Folder, delay: Duration) -> Option<(Output, serde_json::Value)> {
    fs::write(folder.path("found.json"), EARLIER).unwrap();
    let line = "find photos --collection shop --out found.json --report found.html --json";
    let mut command = folder.command(line);
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(delay);
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let output = running.wait_with_output().unwrap();
    let document = (!output.stdout.is_empty()).then(|| crate::command_line::json(&output))?;
    Some((output, document))
}

#[cfg(unix)]
#[test]
fn an_interrupted_find_answers_what_it_has_looked_up_and_leaves_an_earlier_file() {
    let folder = Folder::with_photos(MANY);
    let delays = (0..40).map(|step| Duration::from_millis(200 + 100 * step));
    let answers = delays.filter_map(|delay| find_and_interrupt(&folder, delay));
    let answered = |document: &serde_json::Value| document["queries"].as_array().unwrap().len();
    // Too early an interruption finds nothing begun, and ends the program without a report.
    let partial = answers.into_iter().find(|(_, document)| answered(document) > 0);
    let (output, document) = partial.expect("an interruption while it searches");
    assert_eq!((output.status.code(), &document["interrupted"]), (Some(130), &true.into()), "{document}");
    assert!(answered(&document) < MANY, "{document}");
    let queries = document["queries"].as_array().unwrap();
    assert!(queries.iter().all(|query| query["looks"].as_u64().unwrap() > 0), "{document}");
    assert_eq!(fs::read_to_string(folder.path("found.json")).unwrap(), EARLIER);
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(messages.contains("found.json: is not written, because the run was interrupted\n"), "{messages}");
    let page = fs::read_to_string(folder.path("found.html")).unwrap();
    let left = MANY - answered(&document);
    assert!(page.contains(&format!("Partial: interrupted with {left} queries left.")), "{page}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_evaluation_of_lookups_writes_no_table() {
    let folder = Folder::with_photos(PHOTOS);
    folder.done("collection add photos --collection shop");
    let line = "eval find --images photos --collection shop --transforms paper --looks 1 --csv rows.csv --resume kept --json";
    let mut command = folder.command(line);
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Descriptors of two or more photographs: 15 edits each, more than 12 numbers a descriptor.
    while fs::metadata(folder.path("kept")).map_or(0, |about| about.len()) < 2 * 15 * 72 {
        assert!(running.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        sleep(Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let output = running.wait_with_output().unwrap();
    let document = crate::command_line::json(&output);
    assert_eq!((output.status.code(), &document["partial"]), (Some(1), &true.into()), "{document}");
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(messages.contains("rows.csv: is not written, because the run was interrupted\n"), "{messages}");
    assert!(!folder.path("rows.csv").exists());
    folder.done("eval find --images photos --collection shop --transforms paper --looks 1 --csv rows.csv --resume kept");
    assert!(folder.path("rows.csv").is_file());
}
