//! `[rate_limits]`, of all tenants and of one, and the proxies that say where requests come from.

use gatehouse::config::{Config, ForwardingHeader};
use gatehouse::model::{RateLimit, RateLimits, Rule, Subject, Tenant};

use super::{parse, problem_at};

fn limits(config: &Config, slug: &str) -> RateLimits {
    let url = "https://mcp.example.com".parse().unwrap();
    let mut tenants = config.tenants.iter();
    let tenant = tenants.find(|tenant| tenant.slug.as_str() == slug).unwrap();
    let Tenant { rate_limits, .. } = tenant.at(&url);
    rate_limits
}

fn limit(text: &str) -> RateLimit {
    text.parse().unwrap()
}

#[test]
fn every_rule_has_a_limit_unless_it_is_switched_off() {
    let default = limits(&parse("").unwrap(), "default");
    let person = Subject::Person("ada");
    assert_eq!(
        default.find(Rule::PerPrincipal, person),
        Some(limit("600/m"))
    );
    assert_eq!(default.rules.len(), 10);
    let tool = Subject::Tool("ada", "export_observations");
    assert_eq!(default.find(Rule::PerTool, tool), Some(limit("6/m")));
    let other = Subject::Tool("ada", "get_alerts");
    assert_eq!(default.find(Rule::PerTool, other), None);
    let text =
        "[rate_limits]\nper_principal = \"off\"\nper_tool = { export_observations = \"off\" }";
    let off = limits(&parse(text).unwrap(), "default");
    assert_eq!(off.find(Rule::PerPrincipal, person), None);
    assert_eq!(off.find(Rule::PerTool, tool), None);
    assert_eq!(off.find(Rule::ToolCalls, person), Some(limit("300/m")));
}

#[test]
fn a_tenants_limits_are_over_those_of_all() {
    let text = r#"
        [rate_limits]
        per_principal = "120/m"
        register = "30/h burst 5"
        per_tool = { search = "10/s" }
        [[tenants]]
        slug = "acme"
        public_url = "https://mcp.example.com/t/acme"
        rate_limits = { per_principal = "1/s burst 9", per_tool = { export = "1/h" } }
        [[tenants]]
        slug = "globex"
        public_url = "https://mcp.example.com/t/globex"
    "#;
    let config = parse(text).unwrap();
    let (acme, globex) = (limits(&config, "acme"), limits(&config, "globex"));
    let person = Subject::Person("ada");
    assert_eq!(
        acme.find(Rule::PerPrincipal, person),
        Some(limit("1/s burst 9"))
    );
    assert_eq!(
        globex.find(Rule::PerPrincipal, person),
        Some(limit("120/m"))
    );
    for tenant in [&acme, &globex] {
        let address = Subject::Address("192.0.2.1".parse().unwrap());
        assert_eq!(
            tenant.find(Rule::Register, address),
            Some(limit("30/h burst 5"))
        );
        let search = Subject::Tool("ada", "search");
        assert_eq!(tenant.find(Rule::PerTool, search), Some(limit("10/s")));
    }
    let export = Subject::Tool("ada", "export");
    assert_eq!(acme.find(Rule::PerTool, export), Some(limit("1/h")));
    assert_eq!(globex.find(Rule::PerTool, export), None);
}

#[test]
fn no_limit_of_an_address_holds_where_many_share_it() {
    let limits = limits(&parse("").unwrap(), "default");
    let shared = Subject::Address("160.79.106.7".parse().unwrap());
    for rule in [
        Rule::PerAddress,
        Rule::Register,
        Rule::Authorize,
        Rule::Token,
    ] {
        assert_eq!(limits.find(rule, shared), None);
        let other = Subject::Address("160.79.112.7".parse().unwrap());
        assert!(limits.find(rule, other).is_some());
    }
    let everyone = Subject::Everyone;
    assert_eq!(
        limits.find(Rule::RegisterPerTenant, everyone),
        Some(limit("1200/h"))
    );
}

#[test]
fn mistakes_in_limits_and_networks_are_reported_with_the_others() {
    let text = r#"
        [server]
        trusted_proxies = ["10.0.0.0/8", "10.1.2.3/8", "proxy.example.com"]
        forwarded_header = "x-real-ip"
        [rate_limits]
        per_principal = "120 per minute"
        register = "0/h"
        per_tool = { export_observations = "6/w" }
        shared_addresses = ["claude.ai"]
        [[tenants]]
        slug = "acme"
        public_url = "https://mcp.example.com/t/acme"
        rate_limits = { token = "1/m burst", per_person = "1/m" }
    "#;
    let problems = parse(text).unwrap_err();
    for path in [
        "server.trusted_proxies[1]",
        "server.trusted_proxies[2]",
        "server.forwarded_header",
        "rate_limits.per_principal",
        "rate_limits.register",
        "rate_limits.per_tool.export_observations",
        "rate_limits.shared_addresses[0]",
        "tenants[0].rate_limits.token",
        "tenants[0].rate_limits.per_person",
    ] {
        problem_at(&problems, path);
    }
    assert_eq!(problems.iter().count(), 9, "{problems}");
    let said = problem_at(&problems, "rate_limits.per_principal").to_string();
    assert!(
        said.contains("found \"120 per minute\", expected a count and a period"),
        "{said}"
    );
}

#[test]
fn m01_everyone_is_no_proxy() {
    for everyone in ["0.0.0.0/0", "::/0"] {
        let text = format!("[server]\ntrusted_proxies = [\"{everyone}\"]\n");
        let problems = parse(&text).unwrap_err();
        let problem = problem_at(&problems, "server.trusted_proxies");
        assert!(
            problem.expected.contains("to believe everyone"),
            "{problem}"
        );
    }
    let text = "[server]\ntrusted_proxies = [\"127.0.0.1\", \"2001:db8::/32\"]\n\
                forwarded_header = \"forwarded\"\n";
    let server = parse(text).unwrap().server;
    assert_eq!(server.trusted_proxies.len(), 2);
    assert_eq!(server.forwarded_header, ForwardingHeader::Forwarded);
}
