//! The dashboard, the alerts and the guide, held against what a running gateway exposes.

use serde_json::Value;

use super::{SERVER, exposition, use_it, weather};
use crate::client::Client;
use crate::process::Database;

/// The names of metrics in an expression of Prometheus: what is neither in braces, nor after `by`.
fn metrics_of(expression: &str) -> Vec<&str> {
    let outside = |text, open, close| {
        let mut parts = str::split(text, open);
        let first = parts.next().unwrap_or_default();
        let rest = parts.filter_map(move |part: &str| Some(part.split_once(close)?.1));
        std::iter::once(first).chain(rest)
    };
    let parts = outside(expression, "{", "}").flat_map(move |part| outside(part, "by (", ")"));
    let words =
        parts.flat_map(|part| part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')));
    let ours = ["gatehouse_", "mcp_", "http_", "db_", "process_"];
    words
        .filter(|word| ours.iter().any(|prefix| word.starts_with(prefix)))
        .collect()
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let own = members.get("expr").and_then(Value::as_str);
            found.extend(own.map(ToOwned::to_owned));
            members.values().for_each(|value| expressions(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn every_panel_alert_and_line_of_the_guide_is_fed_by_a_metric_that_is_there() {
    let fake = weather().await;
    let mut database = Database::sqlite();
    database.weather = fake.url.to_string();
    database.add_user("ada", "admin");
    let gateway = database.serve_with(SERVER, "");
    let mut client = Client::register(&gateway).await;
    use_it(&gateway, &mut client).await;
    let text = exposition(&gateway).await;
    let there = |name: &str| {
        text.lines().any(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
    };
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/gatehouse.json")).unwrap();
    let mut asked = Vec::new();
    expressions(&dashboard, &mut asked);
    let panels = asked.len();
    assert!(panels >= 12, "{panels} panels");
    let alerts = read("deploy/prometheus/alerts.yaml");
    asked.extend(alerts.lines().filter_map(|line| {
        let rule = line.trim().strip_prefix("expr: ")?;
        Some(rule.to_owned())
    }));
    assert!(asked.len() >= panels + 8, "{} alerts", asked.len() - panels);
    for expression in &asked {
        let names = metrics_of(expression);
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            assert!(
                there(name) || LATER.iter().any(|later| name.starts_with(later)),
                "{name} in {expression}"
            );
        }
    }
    // The guide has all of them and no other.
    let guide = read("docs/operations.md");
    let guide = &guide[guide.find("### Metrics").unwrap()..];
    let guide = &guide[..guide[3..].find("\n## ").map_or(guide.len(), |end| end + 3)];
    let told: std::collections::BTreeSet<&str> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let measured: std::collections::BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| *name != "target_info")
        .chain(LATER.iter().copied())
        .collect();
    assert_eq!(told, measured);
}

/// What is measured only after something that does not happen in a quiet minute.
const LATER: [&str; 4] = [
    "gatehouse_server_available",
    "gatehouse_config_reloads_total",
    "gatehouse_rate_limit_refusals_total",
    "mcp_client_operation_duration_seconds",
];
