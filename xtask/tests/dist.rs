//! `cargo xtask dist`, run on the program that the tests were built with.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says what it skips")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;
use tempfile::TempDir;

/// Features of the program of the tests, or more.
const FEATURES: &str = "heic,jxl,wgpu-untuned";

/// Files of a run, and the unpacked archive.
struct Dist {
    out: TempDir,
    unpacked: TempDir,
}

impl Dist {
    /// The run that most tests look at.
    fn shared() -> &'static Self {
        static DIST: OnceLock<Dist> = OnceLock::new();
        DIST.get_or_init(Self::new)
    }

    fn new() -> Self {
        let (out, unpacked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        succeed(&mut dist(&program(), out.path()));
        succeed(Command::new("tar").arg("-xpzf").arg(archive(out.path())).current_dir(unpacked.path()));
        Self { out, unpacked }
    }

    /// The folder of the archive.
    fn folder(&self) -> PathBuf {
        let folders: Vec<_> = fs::read_dir(self.unpacked.path()).unwrap().collect();
        assert_eq!(folders.len(), 1, "one folder holds everything");
        folders[0].as_ref().unwrap().path()
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.folder().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    fn sbom(&self) -> Value {
        serde_json::from_str(&self.text("sbom.cdx.json")).unwrap()
    }
}

/// The command that packs a program.
fn dist(program: &Path, out: &Path) -> Command {
    let mut dist = Command::new(env!("CARGO_BIN_EXE_xtask"));
    dist.args(["dist", "--features", FEATURES, "--program"]).arg(program).arg("--out").arg(out);
    dist.env_remove("SOURCE_DATE_EPOCH");
    dist
}

/// The program that lies beside the folder of the test programs.
fn program() -> PathBuf {
    let test = env::current_exe().unwrap();
    let program = test.parent().unwrap().with_file_name(format!("active-index{}", env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{}: build the package cli in the same profile first", program.display());
    program
}

fn archive(out: &Path) -> PathBuf {
    let mut paths = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.to_string_lossy().ends_with(".tar.gz")).expect("an archive is written")
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{command:?}: {out}{err}");
    output
}

/// Names and versions of the components that fulfil a condition, as `name-version`.
fn components(sbom: &Value, is_wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let wanted = sbom["components"].as_array().unwrap().iter().filter(|component| is_wanted(component));
    let field = |component: &Value, name: &str| component[name].as_str().unwrap().to_owned();
    wanted.map(|component| format!("{}-{}", field(component, "name"), field(component, "version"))).collect()
}

#[test]
fn the_archive_holds_what_a_release_carries() {
    let dist = Dist::shared();
    let folder = dist.folder();
    let unit = dist.text("systemd/active-index.service");
    assert_eq!(
        unit,
        fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd/active-index.service")
        )
        .unwrap()
    );
    for file in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "docs/README.md", "docs/guide/collection.md"] {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        assert_eq!(dist.text(file), fs::read_to_string(original).unwrap(), "{file}");
    }
    let version = succeed(Command::new(folder.join("active-index")).arg("--version")).stdout;
    let name = folder.file_name().unwrap().to_str().unwrap();
    let version = String::from_utf8(version).unwrap().trim().replace(' ', "-");
    assert!(name.starts_with(&format!("{version}-")) && name.contains(env::consts::ARCH), "{name}");
    assert_eq!(fs::read(folder.join("active-index")).unwrap(), fs::read(program()).unwrap());
    for shell in
        ["active-index.bash", "active-index.elv", "active-index.fish", "_active-index", "_active-index.ps1"]
    {
        let script = dist.text(&format!("completions/{shell}"));
        assert!(script.contains("withdraw") && script.contains("collection"), "{shell}");
    }
    succeed(Command::new("bash").arg("-n").arg(folder.join("completions/active-index.bash")));
}

#[test]
fn checksums_are_those_of_the_files() {
    let dist = Dist::shared();
    let check = ["--check", "--strict", "SHA256SUMS"];
    let checked = succeed(Command::new("sha256sum").args(check).current_dir(dist.out.path()));
    assert_eq!(String::from_utf8(checked.stdout).unwrap().lines().count(), 2);
    let beside = archive(dist.out.path()).to_string_lossy().replace(".tar.gz", ".cdx.json");
    assert_eq!(fs::read_to_string(beside).unwrap(), dist.text("sbom.cdx.json"));
}

#[cfg(unix)]
#[test]
fn the_same_commit_gives_the_same_bytes() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    // A small program that answers as the real one does.
    let script = folder.path().join("program");
    fs::write(&script, format!("#!/bin/sh\nexec '{}' \"$@\"\n", program().display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let sums = ["a", "b"].map(|out| {
        let out = folder.path().join(out);
        succeed(&mut dist(&script, &out));
        fs::read_to_string(out.join("SHA256SUMS")).unwrap()
    });
    assert_eq!(sums[0], sums[1]);
    let later = folder.path().join("c");
    succeed(dist(&script, &later).env("SOURCE_DATE_EPOCH", "1700000000"));
    assert_ne!(sums[0], fs::read_to_string(later.join("SHA256SUMS")).unwrap());
}

#[cfg(unix)]
#[test]
fn files_are_roots_and_of_the_time_of_the_commit() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dist = Dist::shared();
    let list = succeed(Command::new("tar").args(["--numeric-owner", "-tvzf"]).arg(archive(dist.out.path())));
    let list = String::from_utf8(list.stdout).unwrap();
    let names: Vec<&str> = list.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert!(
        names.is_sorted() && list.lines().all(|line| line.split_whitespace().nth(1) == Some("0/0")),
        "{list}"
    );
    let mut git = Command::new("git");
    let time =
        succeed(git.args(["log", "-1", "--format=%ct"]).current_dir(env!("CARGO_MANIFEST_DIR"))).stdout;
    let time: i64 = String::from_utf8(time).unwrap().trim().parse().unwrap();
    for (file, mode) in [("active-index", 0o755), ("README.md", 0o644), ("man/man1/active-index.1", 0o644)] {
        let about = fs::metadata(dist.folder().join(file)).unwrap();
        assert_eq!((about.mtime(), about.permissions().mode() & 0o777), (time, mode), "{file}");
    }
}

#[test]
fn the_bill_of_materials_agrees_with_the_lock_file_and_with_itself() {
    let sbom = Dist::shared().sbom();
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).unwrap();
    let lock: toml::Table = toml::from_str(&lock).unwrap();
    let text =
        |package: &toml::Value, name: &str| package.get(name).and_then(|v| v.as_str()).map(str::to_owned);
    let locked = lock["package"].as_array().unwrap().iter();
    let locked: BTreeMap<_, _> = locked
        .map(|package| {
            let name = format!("{}-{}", text(package, "name").unwrap(), text(package, "version").unwrap());
            (name, text(package, "checksum"))
        })
        .collect();
    for component in sbom["components"].as_array().unwrap() {
        let name =
            format!("{}-{}", component["name"].as_str().unwrap(), component["version"].as_str().unwrap());
        let hash = component["hashes"][0]["content"].as_str().map(str::to_owned);
        assert_eq!(locked.get(&name), Some(&hash), "{name}");
        assert_eq!(component["purl"].is_string(), hash.is_some(), "{name}");
    }
    assert_eq!(reachable(&sbom).len(), sbom["components"].as_array().unwrap().len() + 1);
}

/// Follows the dependencies from the program on.
fn reachable(sbom: &Value) -> BTreeSet<&str> {
    let entries = sbom["dependencies"].as_array().unwrap().iter();
    let of: BTreeMap<&str, &Vec<Value>> = entries
        .map(|entry| (entry["ref"].as_str().unwrap(), entry["dependsOn"].as_array().unwrap()))
        .collect();
    let mut open = vec![sbom["metadata"]["component"]["bom-ref"].as_str().unwrap()];
    let mut seen = BTreeSet::new();
    while let Some(reference) = open.pop() {
        if seen.insert(reference) {
            open.extend(of[reference].iter().map(|needed| needed.as_str().unwrap()));
        }
    }
    seen
}

/// Panics name the file of their source, so the program itself tells of packages that are in it.
#[test]
fn packages_that_the_program_names_are_in_the_bill_and_in_the_licences() {
    let dist = Dist::shared();
    let linked = components(&dist.sbom(), |component| component["scope"] == "required");
    let named = packages_named_in(&fs::read(program()).unwrap());
    assert!(named.len() > 50, "the program names few packages: {named:?}");
    let missing: Vec<_> = named.difference(&linked).collect();
    assert!(missing.is_empty(), "not in the bill of materials: {missing:?}");
    let licences = dist.text("LICENSES.txt");
    let sbom = dist.sbom();
    for component in sbom["components"].as_array().unwrap().iter().filter(|c| c["scope"] == "required") {
        let [name, version] = ["name", "version"].map(|field| component[field].as_str().unwrap());
        assert!(licences.contains(&format!("\n{name} {version}: ")), "{name} {version}");
    }
    // The font and libwebp are in the program too.
    for text in ["SIL OPEN FONT LICENSE", "Google"] {
        assert!(licences.contains(text), "{text}");
    }
    let built = components(&dist.sbom(), |component| component["scope"] == "excluded");
    assert!(built.iter().any(|package| package.starts_with("serde_derive-")), "{built:?}");
    let all = components(&dist.sbom(), |_| true);
    for foreign in ["pulldown-cmark-", "active-index-0"] {
        assert!(
            !all.iter().any(|package| package.starts_with(foreign)),
            "{foreign} is no part of the program"
        );
    }
}

/// Finds `NAME-VERSION` behind the folder of the registry's sources.
fn packages_named_in(program: &[u8]) -> BTreeSet<String> {
    const MARK: &[u8] = b"/registry/src/";
    let starts = program.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    let package = |(start, _): (usize, &[u8])| {
        let path = program[start + MARK.len()..].iter().take(200).take_while(|byte| byte.is_ascii_graphic());
        let path = String::from_utf8(path.copied().collect()).ok()?;
        let mut folders = path.split('/').skip(1);
        let package = folders.next()?.to_owned();
        folders.next().is_some().then_some(package)
    };
    starts.filter_map(package).collect()
}

#[test]
fn manual_pages_lead_to_one_another() {
    let folder = Dist::shared().folder().join("man/man1");
    let pages = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> = pages.collect();
    let mut named = BTreeSet::from(["active-index.1".to_owned()]);
    for page in &pages {
        let text = fs::read_to_string(folder.join(page)).unwrap().replace("\\-", "-");
        named
            .extend(text.lines().filter_map(|line| line.strip_suffix("(1)")).map(|name| format!("{name}.1")));
    }
    assert_eq!(named, pages);
    assert!(pages.contains("active-index-collection-calibrate.1"));
    let mut mandoc = Command::new("mandoc");
    match mandoc.args(["-T", "lint", "-W", "warning"]).args(&pages).current_dir(&folder).output() {
        Err(_) => println!("SKIPPED the lint of manual pages: mandoc is not installed"),
        Ok(lint) => check_lint(&String::from_utf8(lint.stdout).unwrap()),
    }
}

/// Fails on any finding but two of the generator: pages have no date but their version, and values stand after two breaks.
fn check_lint(findings: &str) {
    let is_known =
        |line: &str| line.contains("cannot parse date") || line.contains("skipping paragraph macro: br");
    let findings: Vec<&str> = findings.lines().filter(|line| !is_known(line)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = dist(Path::new(env!("CARGO_BIN_EXE_xtask")), &out).output().unwrap();
    assert!(!output.status.success());
    assert!(!out.exists(), "nothing is written");
}
