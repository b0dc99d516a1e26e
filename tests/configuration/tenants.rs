//! `[[tenants]]`: several of them, what each may say, and the same document outside of the file.

use gatehouse::config::{self, Environment, Problems, TenantRules};
use gatehouse::model::{
    DocumentTrust, PublicUrl, RegistrationPolicy, StoredTenant, Tenant, TenantOrigin, TenantSlug,
};

use super::{parse, problem_at};

const PIXEL: &str = "data:image/png;base64,iVBORw0KGgo=";

/// One tenant `acme` with `extra` about it.
fn acme(extra: &str) -> String {
    let acme = "[[tenants]]\nslug = \"acme\"\npublic_url = \"https://mcp.example.com/t/acme\"\n";
    format!("[server]\npublic_url = \"https://mcp.example.com\"\n{acme}{extra}")
}

fn refused(text: &str, path: &str) -> String {
    let problems = parse(text).unwrap_err();
    problem_at(&problems, path).to_string()
}

fn slug() -> TenantSlug {
    "acme".parse().unwrap()
}

fn url() -> PublicUrl {
    "https://mcp.example.com/t/acme".parse().unwrap()
}

fn rules(text: &str) -> TenantRules {
    parse(text).unwrap().tenant_rules
}

fn read(text: &str) -> Result<Tenant, Problems> {
    let settings = rules("").read(text, "acme.toml", (&slug(), &url()))?;
    Ok(settings.tenant(slug(), url()))
}

#[test]
fn the_default_tenant_comes_first_and_is_always_there() {
    let config = parse(&acme("")).unwrap();
    let default: PublicUrl = "https://mcp.example.com".parse().unwrap();
    let tenants = config.tenants.iter().map(|tenant| tenant.at(&default));
    let issuers: Vec<String> = tenants.map(|tenant| tenant.issuer().to_owned()).collect();
    assert_eq!(
        issuers,
        ["https://mcp.example.com", "https://mcp.example.com/t/acme"]
    );
}

#[test]
fn every_tenant_needs_a_name_and_an_address_that_no_other_has() {
    let missing = "[[tenants]]\n";
    assert!(refused(missing, "tenants[0].slug").contains("found nothing"));
    assert!(refused(missing, "tenants[0].public_url").contains("found nothing"));
    let twice = "[[tenants]]\nslug = \"other\"\npublic_url = \"https://mcp.example.com/t/acme\"\n";
    let place = "tenants[1].public_url";
    assert!(refused(&acme(twice), place).contains("no other tenant has"));
    let of_default = "[[tenants]]\nslug = \"other\"\npublic_url = \"https://mcp.example.com\"\n";
    assert!(refused(&acme(of_default), place).contains("no other tenant has"));
    let default = "[[tenants]]\nslug = \"default\"\npublic_url = \"https://a.example.com\"\n";
    assert!(refused(default, "tenants[0].public_url").contains("server.public_url"));
}

#[test]
fn no_tenant_takes_an_address_of_gatehouse() {
    let sources = [
        include_str!("../../src/authorization_server/mod.rs"),
        include_str!("../../src/router.rs"),
    ];
    let routes = sources
        .iter()
        .flat_map(|source| source.split(['"', '\n']))
        .filter_map(|text| text.strip_prefix('/'))
        .filter_map(|path| path.split('/').next())
        .filter(|segment| !segment.is_empty() && !segment.contains(' '));
    let mut count = 0;
    for segment in routes {
        let url: PublicUrl = format!("https://mcp.example.com/{segment}/acme")
            .parse()
            .unwrap();
        assert_eq!(config::reserved_segment(&url), Some(segment));
        count += 1;
    }
    assert!(count > 10);
    let below = "[[tenants]]\nslug = \"a\"\npublic_url = \"https://h.example.com/t/mcp\"\n";
    assert!(refused(below, "tenants[0].public_url").contains("\"mcp\""));
    let default = "[server]\npublic_url = \"https://h.example.com/mcp\"\n";
    assert!(refused(default, "server.public_url").contains("\"mcp\""));
}

#[test]
fn a_tenant_differs_from_what_holds_for_all() {
    let text = acme(
        "[tenants.registration]\npolicy = \"closed\"\nmax_clients = 7\n\
         [tenants.metadata_documents]\ntrust = [\"https://claude.ai/\"]\n",
    );
    let config = parse(&text).unwrap();
    let [default, acme] = &config.tenants[..] else {
        panic!("two tenants")
    };
    let (default, acme) = (default.at(&url()), acme.at(&url()));
    assert!(matches!(
        default.registration.policy,
        RegistrationPolicy::Open
    ));
    assert_eq!(default.client_documents, DocumentTrust::Any);
    assert!(matches!(
        acme.registration.policy,
        RegistrationPolicy::Closed
    ));
    assert_eq!(acme.registration.max_clients, 7);
    let trust = DocumentTrust::Prefixes(vec!["https://claude.ai/".to_owned()]);
    assert_eq!(acme.client_documents, trust);
}

#[test]
fn a_secret_of_a_tenant_stands_elsewhere_and_is_not_shown() {
    let text = acme(
        "[tenants.registration]\npolicy = \"initial_access_token\"\n\
         initial_access_token = \"a very secret token\"\n",
    );
    let problems = parse(&text).unwrap_err().to_string();
    assert!(!problems.contains("very secret"), "{problems}");
    let text = text.replace("\"a very secret token\"", "{ env = \"TOKEN\" }");
    let variable = ("TOKEN".to_owned(), "a very secret token".to_owned());
    let config = config::parse(&text, "f", &Environment::from([variable])).unwrap();
    let settings = &config.tenants[1].settings;
    assert!(settings.as_json().contains(r#"{"env":"TOKEN"}"#));
    assert!(!format!("{config:?}").contains("very secret"));
    let tenant = config.tenants[1].at(&url());
    let RegistrationPolicy::InitialAccessToken(token) = tenant.registration.policy else {
        panic!("no token")
    };
    assert_eq!(token.expose(), "a very secret token");
}

#[test]
fn branding_is_a_name_an_image_and_a_colour_that_can_be_read_on() {
    let branding = format!("[branding]\nname = \"Acme\"\nlogo = \"{PIXEL}\"\n");
    let tenant = read(&format!("{branding}colour = \"#2A56C6\"\n")).unwrap();
    assert_eq!(tenant.display_name(), "Acme");
    assert_eq!(tenant.branding.colour.unwrap().to_string(), "#2a56c6");
    assert_eq!(
        tenant.branding.logo.unwrap().kind().media_type(),
        "image/png"
    );

    for (key, value) in [
        ("name", ""),
        ("colour", "blue"),
        ("colour", "#12345"),
        ("colour", "#+12345"),
        // 4.48 to 1 with white; #767676 has 4.54.
        ("colour", "#777777"),
        ("logo", "/there/is/no/such.png"),
        ("logo", "data:image/png;base64,R0lGODlh"),
        ("logo", "data:image/png,hello"),
    ] {
        let problems = read(&format!("[branding]\n{key} = \"{value}\"\n")).unwrap_err();
        problem_at(&problems, &format!("branding.{key}"));
    }
    read("[branding]\ncolour = \"#767676\"\n").unwrap();
}

#[test]
fn a_logo_is_read_from_its_file_and_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logo.svg");
    let branding = format!("[branding]\nlogo = \"{}\"\n", path.display());
    let write = |padding: usize| {
        let text = format!("<?xml version=\"1.0\"?><svg>{}</svg>", " ".repeat(padding));
        std::fs::write(&path, text).unwrap();
    };
    write(0);
    let logo = read(&branding).unwrap().branding.logo.unwrap();
    assert_eq!(logo.kind().media_type(), "image/svg+xml");
    write(64 * 1024);
    let problems = read(&branding).unwrap_err();
    assert!(
        problem_at(&problems, "branding.logo")
            .found
            .contains("64 KiB")
    );
}

#[test]
fn an_operators_document_is_checked_like_the_file() {
    let text = "slug = \"globex\"\ncolor = \"red\"\n[roles.admin]\nscopes = [\"mcp:tool\"]\n";
    let problems = read(text).unwrap_err();
    assert!(problem_at(&problems, "slug").expected.contains("\"acme\""));
    assert!(problem_at(&problems, "color").found.contains("unknown key"));
    let role = problem_at(&problems, "roles.admin.scopes[0]");
    assert!(role.expected.contains("did you mean \"mcp:tools\"?"));
    assert_eq!(problems.iter().count(), 3);
}

#[test]
fn what_is_not_said_adds_no_key_that_replicas_before_an_upgrade_would_refuse() {
    let settings = rules("").read("", "f", (&slug(), &url())).unwrap();
    let stored: serde_json::Value = serde_json::from_str(settings.as_json()).unwrap();
    let keys: Vec<&str> = stored
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let known = [
        "authorization",
        "sign_in",
        "roles",
        "tools",
        "resources",
        "prompts",
        "refusals",
        "registration",
        "metadata_documents",
        "branding",
    ];
    assert_eq!(keys, known);
}

#[test]
fn what_is_stored_is_the_same_tenant_again() {
    let text = format!("[roles.chief]\nscopes = []\n[branding]\nlogo = \"{PIXEL}\"\n");
    let rules = rules("");
    let settings = rules.read(&text, "f", (&slug(), &url())).unwrap();
    let stored = StoredTenant {
        slug: slug(),
        public_url: url(),
        settings: settings.as_json().to_owned(),
        origin: TenantOrigin::Operator,
    };
    let tenant = rules.restore(&stored).unwrap();
    let expected = settings.tenant(slug(), url());
    assert_eq!(format!("{tenant:?}"), format!("{expected:?}"));

    let broken = StoredTenant {
        settings: "{\"rolls\":1}".to_owned(),
        ..stored
    };
    let problems = rules.restore(&broken).unwrap_err().to_string();
    assert!(
        problems.contains("tenant acme in the database"),
        "{problems}"
    );
}
