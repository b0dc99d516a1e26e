//! The ledger of codes and refresh tokens under kill -9 (B13, B14, B15; R11, R12, R13): at whatever
//! point the process dies, no family forks and no client is locked out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatehouse::model::{CodeVerifier, Random as _, SystemRandom};
use reqwest::StatusCode;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Tokens};
use crate::process::{Database, Gateway};

const KILLS: u32 = 200;
const FAMILIES: usize = 4;
/// How often the invariants are looked at, in kills.
const AUDIT: u32 = 20;
/// The process dies at a random moment within this time of its first answer.
const LONGEST_WORK: Duration = Duration::from_millis(80);
/// A code is exchanged at a random moment within this time of it.
const EXCHANGE: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread")]
async fn b15_r13_two_hundred_kills_neither_fork_a_family_nor_lock_a_client_out_on_sqlite() {
    kill_often(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b15_r13_two_hundred_kills_neither_fork_a_family_nor_lock_a_client_out_on_postgres() {
    if let Some(database) = Database::postgres().await {
        kill_often(database).await;
    }
}

/// What the requests of all rounds came to.
#[derive(Debug, Default)]
struct Outcomes {
    refreshed: u64,
    /// Answers that never came: the token was kept, and had to be good afterwards.
    lost: u64,
    codes_redeemed: u64,
    /// Codes that were good for a second exchange, as the first one was not stored.
    codes_kept: u64,
    /// Codes whose first exchange was stored while its answer was lost.
    codes_ended: u64,
}

/// A refresh family as its client knows it.
struct Family {
    client: Client,
    token: String,
    /// True for a client that sends each request twice at a time.
    doubles: bool,
}

async fn kill_often(database: Database) {
    let database = database.without_limits();
    database.add_user("ada", "admin");
    let mut gateway = database.serve();
    let listen = format!("listen = \"{}\"", gateway.address());
    let mut client = Client::register(&gateway).await;
    let mut families = Vec::new();
    for number in 0..FAMILIES {
        let token = client.tokens("mcp:tools").await.refresh;
        families.push(Family {
            client: client.clone(),
            token,
            doubles: number % 4 == 0,
        });
    }
    let mut outcomes = Outcomes::default();
    for kill in 1..=KILLS {
        let verifier = CodeVerifier::generate(&SystemRandom);
        let code = client.code("mcp:tools", &verifier).await;
        let (redeemed, counts) =
            work_until_killed(gateway, &client, (&code, &verifier), &mut families).await;
        outcomes.add(&counts);
        gateway = database.serve_as(&listen);
        if redeemed {
            outcomes.codes_redeemed += 1;
        } else {
            exchange_again(&client, (&code, &verifier), &mut outcomes).await;
        }
        if kill % AUDIT == 0 {
            audit(&database, &outcomes).await;
        }
    }
    for family in &mut families {
        family.refresh().await.expect("the process lives");
    }
    audit(&database, &outcomes).await;
    eprintln!("{KILLS} kills: {outcomes:?}");
    // A run in which nothing was cut off would prove nothing.
    assert!(
        outcomes.lost > 0 && outcomes.refreshed > u64::from(KILLS),
        "{outcomes:?}"
    );
}

/// Kills the process at a random moment while every family refreshes and one code is exchanged.
/// True when the answer to the exchange came.
async fn work_until_killed(
    gateway: Gateway,
    client: &Client,
    (code, verifier): (&str, &CodeVerifier),
    families: &mut [Family],
) -> (bool, Outcomes) {
    let dead = AtomicBool::new(false);
    let answers = CancellationToken::new();
    let begin = EXCHANGE.mul_f64(random());
    let end = LONGEST_WORK.mul_f64(random());
    let refreshing = families
        .iter_mut()
        .map(|family| family.work(&dead, &answers));
    let exchanging = async {
        answers.cancelled().await;
        tokio::time::sleep(begin).await;
        let response = client.try_exchange(code, verifier).await;
        let Ok(response) = response else {
            return false;
        };
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.is_ok()
    };
    let killing = async {
        answers.cancelled().await;
        tokio::time::sleep(end).await;
        dead.store(true, Ordering::SeqCst);
        tokio::task::spawn_blocking(|| gateway.kill())
            .await
            .unwrap();
    };
    let (counts, redeemed, ()) = tokio::join!(
        futures_util::future::join_all(refreshing),
        exchanging,
        killing
    );
    let mut outcomes = Outcomes::default();
    for count in counts {
        outcomes.add(&count);
    }
    (redeemed, outcomes)
}

impl Family {
    /// Refreshes until the process is dead, and says so when it `answers`.
    async fn work(&mut self, dead: &AtomicBool, answers: &CancellationToken) -> Outcomes {
        let mut outcomes = Outcomes::default();
        while !dead.load(Ordering::SeqCst) {
            match self.refresh().await {
                Ok(()) => {
                    outcomes.refreshed += 1;
                    answers.cancel();
                }
                Err(_) => outcomes.lost += 1,
            }
        }
        outcomes
    }

    /// Refreshes once. Where no answer comes, the token is kept.
    async fn refresh(&mut self) -> reqwest::Result<()> {
        let successor = if self.doubles {
            let one = exchange_token(&self.client, &self.token);
            let two = exchange_token(&self.client, &self.token);
            let (one, two) = tokio::join!(one, two);
            if let (Ok(one), Ok(two)) = (&one, &two) {
                assert_eq!(one, two, "the family has forked");
            }
            one.or(two)?
        } else {
            exchange_token(&self.client, &self.token).await?
        };
        self.token = successor;
        Ok(())
    }
}

/// The successor of a refresh token that must be good.
async fn exchange_token(client: &Client, token: &str) -> reqwest::Result<String> {
    let response = client.try_refresh(token).await?;
    let status = response.status();
    let body: Value = response.json().await?;
    assert_eq!(status, StatusCode::OK, "a client is locked out: {body}");
    Ok(body["refresh_token"].as_str().unwrap().to_owned())
}

/// Exchanges a code whose first exchange had no answer: it was either not stored, so that it works
/// now, or stored, so that this is a replay.
async fn exchange_again(
    client: &Client,
    (code, verifier): (&str, &CodeVerifier),
    outcomes: &mut Outcomes,
) {
    let response = client.exchange(code, verifier).await;
    if response.status() == StatusCode::OK {
        Tokens::read(response).await;
        outcomes.codes_kept += 1;
        return;
    }
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"], "invalid_grant");
    outcomes.codes_ended += 1;
}

/// What must hold in the database at any time.
async fn audit(database: &Database, outcomes: &Outcomes) {
    for (invariant, violations) in [
        (
            "a family has one live token",
            "SELECT count(*) FROM (
                 SELECT 1 FROM refresh_tokens GROUP BY tenant, grant_id
                 HAVING sum(CASE WHEN consumed_at IS NULL THEN 1 ELSE 0 END) <> 1) AS families",
        ),
        (
            "a token has a grant",
            "SELECT count(*) FROM refresh_tokens AS t WHERE NOT EXISTS (
                 SELECT 1 FROM grants AS g WHERE g.tenant = t.tenant AND g.id = t.grant_id)",
        ),
        (
            "a grant came of one code",
            "SELECT count(*) FROM (
                 SELECT 1 FROM authorization_codes GROUP BY tenant, grant_id
                 HAVING count(*) <> 1) AS grants",
        ),
        (
            "a grant with tokens came of a redeemed code",
            "SELECT count(*) FROM authorization_codes AS c
             WHERE (c.redeemed_at IS NOT NULL) <> EXISTS (
                 SELECT 1 FROM refresh_tokens AS t
                 WHERE t.tenant = c.tenant AND t.grant_id = c.grant_id)",
        ),
        (
            "an exchange of a refresh token has its entry in the audit log (H08)",
            "SELECT (SELECT count(*) FROM refresh_tokens WHERE consumed_at IS NOT NULL)
                  - (SELECT count(*) FROM audit_log WHERE event = 'token.refreshed')
                  - (SELECT count(*) FROM audit_pending WHERE event = 'token.refreshed')",
        ),
        (
            "a redeemed code has its entry in the audit log (H08)",
            "SELECT (SELECT count(*) FROM authorization_codes WHERE redeemed_at IS NOT NULL)
                  - (SELECT count(*) FROM audit_log WHERE event = 'token.issued')
                  - (SELECT count(*) FROM audit_pending WHERE event = 'token.issued')",
        ),
    ] {
        assert_eq!(database.count(violations).await, 0, "{invariant}");
    }
    // Only replays end a grant here.
    let revoked = "SELECT count(*) FROM grants WHERE revoked_at IS NOT NULL";
    let ended = i64::try_from(outcomes.codes_ended).unwrap();
    assert_eq!(database.count(revoked).await, ended);
    database.check_integrity().await;
}

impl Outcomes {
    fn add(&mut self, other: &Self) {
        self.refreshed += other.refreshed;
        self.lost += other.lost;
        self.codes_redeemed += other.codes_redeemed;
        self.codes_kept += other.codes_kept;
        self.codes_ended += other.codes_ended;
    }
}

/// A number from 0 to 1.
fn random() -> f64 {
    let mut byte = [0];
    SystemRandom.fill(&mut byte);
    f64::from(byte[0]) / 255.0
}
