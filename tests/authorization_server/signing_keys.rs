//! The life of signing keys: algorithms, encryption at rest, rotation (catalogue E05, F03, F16, H05).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gatehouse::authorization_server::{KeyRotation, SigningKeys};
use gatehouse::jose::{
    AccessTokenClaims, JoseError, KeyCipher, KeyRing, KeyRings, generate_signing_key, read_key_file,
};
use gatehouse::model::{
    ClientId, Clock, EncryptionKey, SigningAlgorithm, SystemRandom, TenantSlug, Timestamp, UserId,
};
use gatehouse::store::{ConnectOptions, connect};
use tempfile::TempDir;

use crate::support::change;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 24 * 60 * 60;
const ALGORITHMS: [SigningAlgorithm; 3] = [
    SigningAlgorithm::Es256,
    SigningAlgorithm::Rs256,
    SigningAlgorithm::EdDsa,
];

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

fn tenant() -> TenantSlug {
    "t1".parse().unwrap()
}

fn claims(at: i64) -> AccessTokenClaims {
    AccessTokenClaims {
        iss: "https://one.example.com".to_owned(),
        sub: UserId::new("user"),
        aud: "https://one.example.com/mcp".to_owned(),
        exp: Timestamp::from_seconds(at + 1800),
        iat: Timestamp::from_seconds(at),
        nbf: None,
        jti: "j".to_owned(),
        client_id: ClientId::new("client"),
        scope: "mcp:tools".parse().unwrap(),
        grant_id: None,
        key: None,
        refusals: None,
    }
}

/// A replica on the database in `folder`.
async fn replica(folder: &Path, key: &EncryptionKey, clock: &Arc<TestClock>) -> SigningKeys {
    let url = format!("sqlite://{}", folder.join("gatehouse.db").display());
    SigningKeys {
        store: connect(&url, &ConnectOptions::default()).await.unwrap(),
        cipher: Arc::new(KeyCipher::new(key).unwrap()),
        rings: Arc::new(KeyRings::default()),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        algorithm: SigningAlgorithm::Es256,
        rotate_every: Duration::from_hours(90 * 24),
        publish_ahead: Duration::from_mins(10),
    }
}

#[test]
fn e05_each_algorithm_signs_and_publishes_only_its_public_half() {
    let members = BTreeMap::from([
        ("ES256", vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
        ("RS256", vec!["alg", "e", "kid", "kty", "n", "use"]),
        ("EdDSA", vec!["alg", "crv", "kid", "kty", "use", "x"]),
    ]);
    for algorithm in ALGORITHMS {
        let key = generate_signing_key(algorithm, Timestamp::from_seconds(NOW)).unwrap();
        let ring = KeyRing::new(&[key]).unwrap();
        let token = ring.sign(&claims(NOW)).unwrap();
        assert_eq!(
            ring.verify(token.expose()),
            Ok(claims(NOW)),
            "{algorithm:?}"
        );
        let jwks = ring.jwks();
        let jwk = jwks["keys"][0].as_object().unwrap();
        let mut names: Vec<&str> = jwk.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, members[algorithm.as_str()]);
        assert_eq!(jwk["alg"], algorithm.as_str());
        // A JWK that another implementation reads verifies what we sign.
        let published = serde_json::from_value(jwks["keys"][0].clone()).unwrap();
        let reader = jsonwebtoken::DecodingKey::from_jwk(&published).unwrap();
        let (message, signature) = token.expose().rsplit_once('.').unwrap();
        let name = algorithm.as_str().parse().unwrap();
        let verified = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &reader, name);
        assert!(verified.unwrap(), "{algorithm:?}");
    }
}

#[test]
fn a_sealed_key_opens_for_its_tenant_and_identifier_only() {
    let key = generate_signing_key(SigningAlgorithm::Es256, Timestamp::from_seconds(NOW)).unwrap();
    let cipher = KeyCipher::new(&EncryptionKey::generate(&SystemRandom)).unwrap();
    let sealed = cipher.seal(&tenant(), &key).unwrap();
    let plain = key.private_key.expose().as_bytes();
    let mut windows = sealed.sealed_key.windows(16);
    assert!(!windows.any(|window| window == &plain[..16]));
    let opened = cipher.open(&tenant(), &sealed).unwrap();
    assert!(opened.private_key.matches(&key.private_key));

    let mut renamed = sealed.clone();
    renamed.id = "other".to_owned();
    let mut changed = sealed.clone();
    *changed.sealed_key.last_mut().unwrap() ^= 1;
    let mut cut = sealed.clone();
    cut.sealed_key.truncate(11);
    for broken in [renamed, changed, cut] {
        let refused = cipher.open(&tenant(), &broken).err();
        assert_eq!(refused, Some(JoseError::Sealed));
    }
    let refused = cipher.open(&"t2".parse().unwrap(), &sealed).err();
    assert_eq!(refused, Some(JoseError::Sealed));
    let other = KeyCipher::new(&EncryptionKey::generate(&SystemRandom)).unwrap();
    assert_eq!(
        other.open(&tenant(), &sealed).err(),
        Some(JoseError::Sealed)
    );
}

#[tokio::test]
async fn f16_a_new_key_is_published_then_signs_while_the_old_one_verifies() {
    let folder = TempDir::new().unwrap();
    let key = EncryptionKey::generate(&SystemRandom);
    let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
    let one = replica(folder.path(), &key, &clock).await;
    let two = replica(folder.path(), &key, &clock).await;
    one.load(&tenant()).await.unwrap();
    two.load(&tenant()).await.unwrap();
    let ring = |keys: &SigningKeys| keys.rings.get(&tenant()).unwrap();
    let old = ring(&one).sign(&claims(NOW)).unwrap();
    let before: Vec<String> = ring(&one).ids().map(str::to_owned).collect();

    assert_eq!(
        one.rotate(&change(&tenant())).await.unwrap(),
        KeyRotation::Begun
    );
    assert_eq!(
        two.rotate(&change(&tenant())).await.unwrap(),
        KeyRotation::UnderWay
    );
    two.refresh(&[tenant()]).await.unwrap();
    let after: Vec<String> = ring(&two).ids().map(str::to_owned).collect();
    assert_eq!(after[1..], before);
    assert!(ring(&one).ids().eq(after.iter().map(String::as_str)));

    // Until its time comes, only the old one signs.
    let only_old = two.store.list_signing_keys(&tenant()).await.unwrap().pop();
    let only_old = KeyRing::new(&[two.cipher.open(&tenant(), &only_old.unwrap()).unwrap()]);
    let only_old = only_old.unwrap();
    let early = ring(&one).sign(&claims(NOW + 599)).unwrap();
    assert!(only_old.verify(early.expose()).is_ok());
    let late = ring(&one).sign(&claims(NOW + 600)).unwrap();
    assert!(only_old.verify(late.expose()).is_err());
    for token in [&old, &early, &late] {
        assert!(ring(&two).verify(token.expose()).is_ok());
    }

    clock.0.store(NOW + 600 + 2 * DAY, Ordering::SeqCst);
    two.store.remove_expired(clock.now()).await.unwrap();
    two.refresh(&[tenant()]).await.unwrap();
    assert!(ring(&two).verify(old.expose()).is_err());
    assert!(ring(&two).verify(late.expose()).is_ok());
}

#[tokio::test]
async fn a_key_gets_its_successor_when_it_is_old_enough() {
    let folder = TempDir::new().unwrap();
    let key = EncryptionKey::generate(&SystemRandom);
    let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
    let keys = replica(folder.path(), &key, &clock).await;
    keys.load(&tenant()).await.unwrap();
    for (days, count) in [(89, 1), (90, 2), (91, 2), (180, 3)] {
        clock.0.store(NOW + days * DAY, Ordering::SeqCst);
        keys.refresh(&[tenant()]).await.unwrap();
        let ring = keys.rings.get(&tenant()).unwrap();
        assert_eq!(ring.ids().count(), count, "{days} days");
    }
}

#[test]
fn h05_a_key_file_is_its_owners_and_is_made_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gatehouse.db.key");
    let refused = read_key_file(&path, false, &SystemRandom).err();
    assert_eq!(refused, Some(JoseError::KeyFile(path.clone())));
    let key = read_key_file(&path, true, &SystemRandom).unwrap();
    let again = read_key_file(&path, true, &SystemRandom).unwrap();
    assert_eq!(key.expose(), again.expose());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&path, "changeme").unwrap();
    let refused = read_key_file(&path, true, &SystemRandom).err();
    assert_eq!(refused, Some(JoseError::KeyFile(path)));
}
