//! PKCE: the example of RFC 7636 and what is refused.

use gatehouse::model::{CodeChallenge, CodeVerifier, SystemRandom};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn the_example_of_rfc_7636_appendix_b_holds() {
    let verifier = CodeVerifier::parse(VERIFIER).unwrap();
    assert_eq!(verifier.challenge(), CHALLENGE);
    assert!(
        CodeChallenge::parse(CHALLENGE)
            .unwrap()
            .is_met_by(&verifier)
    );
}

#[test]
fn another_verifier_does_not_meet_the_challenge() {
    let other = CodeVerifier::generate(&SystemRandom);
    assert!(!CodeChallenge::parse(CHALLENGE).unwrap().is_met_by(&other));
}

#[test]
fn a07_what_is_no_challenge_or_verifier_is_refused() {
    let long = "a".repeat(129);
    for text in [
        "",
        "short",
        &long,
        "dBjftJeZ4CVP+mB92K27uhbUJU1p1r/wW1gFWFOEjXk",
    ] {
        assert!(CodeVerifier::parse(text).is_err(), "{text}");
        assert!(CodeChallenge::parse(text).is_err(), "{text}");
    }
    assert!(CodeChallenge::parse(&format!("{CHALLENGE}=")).is_err());
}

#[test]
fn n01_a_verifier_prints_nothing_of_itself() {
    let verifier = CodeVerifier::parse(VERIFIER).unwrap();
    assert!(!format!("{verifier:?}").contains(VERIFIER));
}
