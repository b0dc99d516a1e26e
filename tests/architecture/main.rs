//! The rooms of the house, held against every source file; `docs/ARCHITECTURE.md` has them in words.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: a surprise ends the test"
)]

mod imports;
mod invented;
mod rooms;
mod security_cases;

use std::fs;
use std::path::{Path, PathBuf};

use crate::imports::faults_of_imports;
use crate::rooms::{check_name, check_room};

const MOST_LINES: usize = 400;

/// The module path of a file below `src/`: `store/sqlite/mod.rs` is `[store, sqlite]`, `lib.rs` is `[]`.
fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] {
        path.pop();
    }
    path
}

/// The first paragraph of a file says what the file is.
fn check_first_line(source: &str) -> Result<(), String> {
    let paragraph: Vec<&str> = source
        .lines()
        .map_while(|line| line.strip_prefix("//! "))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    if paragraph
        .last()
        .is_some_and(|line| line.ends_with(['.', ')']))
    {
        return Ok(());
    }
    Err("the file does not open with a `//!` sentence that says what it is".to_owned())
}

fn check_length(source: &str) -> Result<(), String> {
    let lines = source.lines().count();
    if lines > MOST_LINES {
        return Err(format!(
            "{lines} lines; more than {MOST_LINES} want two files"
        ));
    }
    Ok(())
}

/// What every source file keeps, the tests included.
fn faults_of_any_file(source: &str) -> Vec<String> {
    [check_first_line(source), check_length(source)]
        .into_iter()
        .filter_map(Result::err)
        .collect()
}

/// What a file below `src/` breaks. `file` is relative to `src/`.
fn faults_of_room_file(file: &str, source: &str) -> Vec<String> {
    let module = module_path(Path::new(file));
    let mut faults = faults_of_any_file(source);
    faults.extend(module.iter().filter_map(|name| check_name(name).err()));
    if let Some(room) = module.first() {
        faults.extend(check_room(room, "model").err());
    }
    match syn::parse_file(source) {
        Ok(parsed) => faults.extend(faults_of_imports(module, &parsed)),
        Err(error) => faults.push(format!("does not parse: {error}")),
    }
    faults
}

/// Every `.rs` file below a folder of this project, in a stable order, installed packages left out.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("node_modules") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn report(faults: &[(PathBuf, Vec<String>)]) -> String {
    let lines = faults.iter().flat_map(|(path, faults)| {
        faults
            .iter()
            .map(move |fault| format!("{}: {fault}", path.display()))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_room_keeps_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files("src");
    assert!(
        files.len() > 20,
        "the walk found only {} files",
        files.len()
    );
    let faults: Vec<_> = files
        .into_iter()
        .map(|path| {
            let file = path
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let faults = faults_of_room_file(&file, &fs::read_to_string(&path).unwrap());
            (path, faults)
        })
        .collect();
    let report = report(&faults);
    assert!(report.is_empty(), "{report}");
}

#[test]
fn every_test_file_says_what_it_is_and_stays_short() {
    let files = rust_files("tests");
    let faults: Vec<_> = files
        .into_iter()
        .map(|path| {
            let faults = faults_of_any_file(&fs::read_to_string(&path).unwrap());
            (path, faults)
        })
        .collect();
    let report = report(&faults);
    assert!(report.is_empty(), "{report}");
}
