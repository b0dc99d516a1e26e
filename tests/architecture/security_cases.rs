//! `docs/security-cases.md` against the tests: which cases are tested, and which wait.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::rust_files;

/// What the page says of one case.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Tested,
    Waits,
}

/// True for `a02`, in either case. Attacks have the letters A to N; R is for faults.
fn is_case(text: &str) -> bool {
    let mut bytes = text.bytes().map(|byte| byte.to_ascii_lowercase());
    let letter = bytes
        .next()
        .is_some_and(|byte| (b'a'..=b'n').contains(&byte));
    letter && text.len() == 3 && bytes.all(|byte| byte.is_ascii_digit())
}

/// The cases that a function carries in front of its name: `h01_b18_names` has two, and so has
/// `a16_and_a17_names`.
fn cases_of(line: &str) -> Vec<String> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    let Some(name) = line.strip_prefix("fn ") else {
        return Vec::new();
    };
    let segments = name.split('_').filter(|segment| *segment != "and");
    let cases = segments.take_while(|segment| is_case(segment));
    cases.map(str::to_uppercase).collect()
}

fn tested_cases() -> BTreeSet<String> {
    let files = [rust_files("tests"), rust_files("src")].concat();
    let sources = files.iter().map(|file| fs::read_to_string(file).unwrap());
    sources
        .flat_map(|source| source.lines().flat_map(cases_of).collect::<Vec<_>>())
        .collect()
}

/// The rows of the page whose first cell is a case.
fn listed_cases(page: &str) -> BTreeMap<String, State> {
    let mut listed = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (Some(id), Some(state)) = (cells.first(), cells.last()) else {
            continue;
        };
        if !is_case(id) {
            continue;
        }
        let state = match state.strip_prefix("issue ") {
            Some(number) if number.parse::<u32>().is_ok() => State::Waits,
            None if *state == "tested" => State::Tested,
            Some(_) | None => panic!("{id}: the state is neither `tested` nor `issue N`: {state}"),
        };
        let twice = listed.insert((*id).to_owned(), state);
        assert_eq!(twice, None, "{id} is listed twice");
    }
    listed
}

#[test]
fn the_page_of_security_cases_says_what_is_tested() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security-cases.md");
    let listed = listed_cases(&fs::read_to_string(page).unwrap());
    assert!(listed.len() > 130, "only {} cases are listed", listed.len());
    let tested = tested_cases();
    let mut faults = Vec::new();
    for id in &tested {
        match listed.get(id) {
            Some(State::Tested) => {}
            Some(State::Waits) => faults.push(format!("{id} is tested, and the page has it wait")),
            None => faults.push(format!("{id} is tested, and not on the page")),
        }
    }
    for (id, state) in &listed {
        if *state == State::Tested && !tested.contains(id) {
            faults.push(format!(
                "{id} is tested as the page has it, and no test carries it"
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "docs/security-cases.md:\n{}",
        faults.join("\n")
    );
}

#[test]
fn f15_rsa_is_done_by_one_backend_in_constant_time() {
    let read = |name| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let locked = read("Cargo.lock");
    assert!(locked.contains("name = \"aws-lc-rs\""));
    // RUSTSEC-2023-0071 has no fix.
    assert!(!locked.contains("\nname = \"rsa\"\n"));
    for crate_name in ["rsa", "ring", "openssl-sys", "native-tls"] {
        assert!(read("deny.toml").contains(&format!("crate = \"{crate_name}\"")));
    }
    let manifest = read("Cargo.toml");
    let jsonwebtoken = manifest
        .lines()
        .find(|line| line.starts_with("jsonwebtoken"));
    let jsonwebtoken = jsonwebtoken.unwrap();
    assert!(jsonwebtoken.contains("default-features = false"));
    assert!(jsonwebtoken.contains("features = [\"aws_lc_rs\"]"));
}
