"""What must hold in the database after every run, whatever happened."""

from .machine import must

INVARIANTS = {
    "a refresh family has at most one live token": """
        SELECT count(*) FROM (SELECT 1 FROM refresh_tokens AS t JOIN grants AS g ON g.tenant = t.tenant AND g.id = t.grant_id
          WHERE g.revoked_at IS NULL GROUP BY t.tenant, t.grant_id
          HAVING sum(CASE WHEN consumed_at IS NULL THEN 1 ELSE 0 END) <> 1) AS families""",
    "a token has a grant": """
        SELECT count(*) FROM refresh_tokens AS t WHERE NOT EXISTS (
          SELECT 1 FROM grants AS g WHERE g.tenant = t.tenant AND g.id = t.grant_id)""",
    "a grant came of one code": """
        SELECT count(*) FROM (SELECT 1 FROM authorization_codes GROUP BY tenant, grant_id HAVING count(*) <> 1) AS grants""",
    "a grant with tokens came of a redeemed code": """
        SELECT count(*) FROM authorization_codes AS c WHERE (c.redeemed_at IS NOT NULL) <> EXISTS (
          SELECT 1 FROM refresh_tokens AS t WHERE t.tenant = c.tenant AND t.grant_id = c.grant_id)""",
    "each exchange of a refresh token is in the audit log once": """
        SELECT (SELECT count(*) FROM refresh_tokens WHERE consumed_at IS NOT NULL)
             - (SELECT count(*) FROM audit_log WHERE event = 'token.refreshed')
             - (SELECT count(*) FROM audit_pending WHERE event = 'token.refreshed')""",
    "each exchange of a code is in the audit log once": """
        SELECT (SELECT count(*) FROM authorization_codes WHERE redeemed_at IS NOT NULL)
             - (SELECT count(*) FROM audit_log WHERE event = 'token.issued' AND grant_id IS NOT NULL)
             - (SELECT count(*) FROM audit_pending WHERE event = 'token.issued' AND grant_id IS NOT NULL)""",
}


def check(server, database):
    """Holds the tables of a Postgres database against every invariant, and answers with how many there are."""
    answers = server.psql(database, *INVARIANTS.values())
    for (name, _), answer in zip(INVARIANTS.items(), answers, strict=True):
        must(answer == "0", f"{name}: {answer} exceptions")
    return len(INVARIANTS)
