//! DPoP proofs (RFC 9449 §4.3): what is taken for one. The first case is the example of §4.1.

use gatehouse::jose::{DpopProof, InvalidProof, ProvenRequest};
use gatehouse::model::{KeyThumbprint, Timestamp};

const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6\
Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VO\
SmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj\
oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6\
T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

const REQUEST: ProvenRequest<'_> = ProvenRequest {
    method: "POST",
    address: "https://server.example.com/token",
    access_token: None,
    now: Timestamp::from_seconds(1_562_262_616),
};

fn refusal(text: &str) -> InvalidProof {
    DpopProof::read(text).unwrap_err()
}

#[test]
fn the_example_of_the_rfc_is_good_for_its_request() {
    let proof = DpopProof::read(EXAMPLE).unwrap();
    assert_eq!(proof.check(REQUEST), Ok(()));
    // RFC 9449 §6.1
    let key = KeyThumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(Some(proof.key), key);
    assert_eq!(proof.nonce(), None);
}

#[test]
fn a_proof_of_another_request_is_refused() {
    let proof = DpopProof::read(EXAMPLE).unwrap();
    for (method, address) in [
        ("GET", "https://server.example.com/token"),
        ("POST", "https://server.example.com/mcp"),
        ("POST", "https://other.example.com/token"),
        ("POST", "http://server.example.com/token"),
    ] {
        let request = ProvenRequest {
            method,
            address,
            ..REQUEST
        };
        assert_eq!(proof.check(request), Err(InvalidProof::OtherRequest));
    }
    let request = ProvenRequest {
        access_token: Some("token"),
        ..REQUEST
    };
    assert_eq!(proof.check(request), Err(InvalidProof::OtherToken));
}

#[test]
fn clocks_may_be_five_minutes_apart() {
    let proof = DpopProof::read(EXAMPLE).unwrap();
    for (seconds, outcome) in [
        (300, Ok(())),
        (-300, Ok(())),
        (301, Err(InvalidProof::Time)),
        (-301, Err(InvalidProof::Time)),
    ] {
        let now = Timestamp::from_seconds(REQUEST.now.seconds() + seconds);
        assert_eq!(proof.check(ProvenRequest { now, ..REQUEST }), outcome);
    }
}

#[test]
fn f13_a_text_that_is_no_proof_is_refused() {
    let (message, _) = EXAMPLE.rsplit_once('.').unwrap();
    let other = format!("{message}.{}", "A".repeat(86));
    assert_eq!(refusal(&other), InvalidProof::Signature);
    for text in ["", "a", "a.b", &"a.".repeat(5000), &format!("a.{EXAMPLE}")] {
        assert_eq!(refusal(text), InvalidProof::Malformed, "{text}");
    }
    assert_eq!(refusal("a.b.c"), InvalidProof::Header);
}
