//! The table: which rooms there are, what each may use, and which names say too little.

/// The rooms, bottom to top. A room uses only rooms of earlier lines.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["config"],
    &["telemetry"],
    &["web", "egress"],
    &["jose", "store"],
    &["audit", "rate_limits"],
    &["identity", "nws"],
    &["authorization_server", "resource_server", "scim"],
    &["backends"],
    &["mcp"],
    &["tenants"],
    &["operations"],
    &["middleware"],
    &["admin"],
    &["router", "server"],
    &["app"],
    &["cli"],
    &["main"],
];

/// Dependencies that live in some rooms and nowhere else.
const HOMES: &[(&str, &[&str])] = &[
    ("aide", &["admin"]),
    ("anyhow", &["app", "cli", "main"]),
    ("argon2", &["identity"]),
    (
        "axum",
        &[
            "web",
            "identity",
            "authorization_server",
            "resource_server",
            "scim",
            "mcp",
            "middleware",
            "admin",
            "router",
            "server",
            "app",
        ],
    ),
    ("clap", &["cli", "main"]),
    ("hyper_rustls", &["egress"]),
    ("jsonwebtoken", &["jose"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_prometheus", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("prometheus", &["telemetry"]),
    ("reqwest", &["egress"]),
    ("rustls", &["egress"]),
    ("rustls_platform_verifier", &["egress"]),
    ("sqlx", &["store"]),
];

/// Names that say nothing, or more than one thing.
const BANNED_NAMES: &[&str] = &[
    "auth", "common", "helper", "helpers", "manager", "managers", "misc", "types", "util", "utils",
];

/// Whether `room` may use `other`, or why not.
pub(crate) fn check_room(room: &str, other: &str) -> Result<(), String> {
    let floor = |name: &str| FLOORS.iter().position(|rooms| rooms.contains(&name));
    match (floor(room), floor(other)) {
        _ if room == other => Ok(()),
        (None, _) => Err(format!("`{room}` is no room of the table")),
        (_, None) => Err(format!(
            "`{room}` uses `{other}`, which is no room of the table"
        )),
        (Some(own), Some(its)) if its > own => Err(format!("`{room}` imports upwards: `{other}`")),
        (Some(own), Some(its)) if its == own => {
            Err(format!("`{room}` imports sideways: `{other}`"))
        }
        (Some(_), Some(_)) => Ok(()),
    }
}

/// Whether `room` may use the dependency `name`, or why not.
pub(crate) fn check_dependency(room: &str, name: &str) -> Result<(), String> {
    match HOMES.iter().find(|(dependency, _)| *dependency == name) {
        Some((_, rooms)) if !rooms.contains(&room) => Err(format!(
            "`{room}` uses `{name}`, which lives in {}",
            rooms.join(", ")
        )),
        _ => Ok(()),
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if BANNED_NAMES.contains(&name) {
        return Err(format!(
            "a module is called `{name}`: name it after what it is"
        ));
    }
    Ok(())
}
