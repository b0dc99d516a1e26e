//! The methods that are served, and what of a server each of them is about.

use serde_json::{Map, Value};

use super::capabilities::Capabilities;
use super::error::Fault;
use super::listing::Listing;
use super::message::Request;
use super::revision::Revision;
use crate::backends::{Capability, Catalogue};
use crate::model::{MountPrefix, expands_to};
use crate::resource_server::{Operation, Permit};

/// A method that is served in some revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// `server/discover`
    Discover,
    /// `initialize`
    Initialize,
    /// `ping`
    Ping,
    /// `tools/list` and its like
    List(Listing),
    /// `tools/call`
    CallTool,
    /// `resources/read`
    ReadResource,
    /// `prompts/get`
    GetPrompt,
    /// `completion/complete`
    Complete,
    /// `subscriptions/listen`
    Listen,
    /// `logging/setLevel`
    SetLevel,
    /// `resources/subscribe`
    Subscribe,
    /// `resources/unsubscribe`
    Unsubscribe,
    /// `tasks/get`
    GetTask,
    /// `tasks/update`
    UpdateTask,
    /// `tasks/cancel`
    CancelTask,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// The protocol, or what there is.
    Conversation,
    /// The tool of this name.
    Tool(&'a str),
    /// The resource of this URI.
    Resource(&'a str),
    /// The resource template that reads like this, or the resource of this URI.
    Template(&'a str),
    /// The prompt of this name.
    Prompt(&'a str),
    /// A task of the tool of this name.
    Task(&'a str),
}

impl Method {
    /// The method of that name in `revision`. Capabilities that are not offered have no methods.
    pub(super) fn named(name: &str, revision: Revision) -> Result<Self, Fault> {
        let modern = revision.is_modern();
        let method = match name {
            "server/discover" if modern => Self::Discover,
            // 2026-07-28 removed both.
            "initialize" if !modern => Self::Initialize,
            "ping" if !modern => Self::Ping,
            "tools/list" => Self::List(Listing::Tools),
            "resources/list" => Self::List(Listing::Resources),
            "resources/templates/list" => Self::List(Listing::ResourceTemplates),
            "prompts/list" => Self::List(Listing::Prompts),
            "tools/call" => Self::CallTool,
            "resources/read" => Self::ReadResource,
            "prompts/get" => Self::GetPrompt,
            "completion/complete" => Self::Complete,
            "subscriptions/listen" if modern => Self::Listen,
            "tasks/get" if modern => Self::GetTask,
            "tasks/update" if modern => Self::UpdateTask,
            "tasks/cancel" if modern => Self::CancelTask,
            // 2026-07-28 replaced them: by `_meta`, and by `subscriptions/listen`.
            "logging/setLevel" if !modern => Self::SetLevel,
            "resources/subscribe" if !modern => Self::Subscribe,
            "resources/unsubscribe" if !modern => Self::Unsubscribe,
            _ => return Err(Fault::MethodNotFound(revision)),
        };
        Ok(method)
    }
}

impl Method {
    /// Its name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Discover => "server/discover",
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::List(Listing::Tools) => "tools/list",
            Self::List(Listing::Resources) => "resources/list",
            Self::List(Listing::ResourceTemplates) => "resources/templates/list",
            Self::List(Listing::Prompts) => "prompts/list",
            Self::CallTool => "tools/call",
            Self::ReadResource => "resources/read",
            Self::GetPrompt => "prompts/get",
            Self::Complete => "completion/complete",
            Self::Listen => "subscriptions/listen",
            Self::SetLevel => "logging/setLevel",
            Self::Subscribe => "resources/subscribe",
            Self::Unsubscribe => "resources/unsubscribe",
            Self::GetTask => "tasks/get",
            Self::UpdateTask => "tasks/update",
            Self::CancelTask => "tasks/cancel",
        }
    }
}

impl<'a> Target<'a> {
    /// What `request` is about.
    pub(super) fn of(method: Method, request: &'a Request) -> Result<Self, Fault> {
        let params = &request.params;
        match method {
            Method::Discover
            | Method::Initialize
            | Method::Ping
            | Method::List(_)
            | Method::Listen
            | Method::SetLevel
            // What was subscribed to once may be gone by now.
            | Method::Unsubscribe => Ok(Self::Conversation),
            Method::CallTool => text(params, "name").map(Self::Tool),
            Method::ReadResource | Method::Subscribe => text(params, "uri").map(Self::Resource),
            Method::GetTask | Method::UpdateTask | Method::CancelTask => task(request),
            Method::GetPrompt => text(params, "name").map(Self::Prompt),
            Method::Complete => completed(params),
        }
    }

    /// What a principal needs a permit for. A completion tells of what it completes, so it needs
    /// the same permit.
    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Conversation => Operation::Converse,
            // A task is worth what its tool is worth.
            Self::Tool(name) | Self::Task(name) => Operation::CallTool(name.to_owned()),
            Self::Resource(uri) | Self::Template(uri) => Operation::ReadResource(uri.to_owned()),
            Self::Prompt(name) => Operation::GetPrompt(name.to_owned()),
        }
    }

    /// What `operation` is about.
    pub(super) fn of_operation(operation: &'a Operation) -> Self {
        match operation {
            Operation::Converse => Self::Conversation,
            Operation::CallTool(name) => Self::Tool(name),
            Operation::ReadResource(uri) => Self::Template(uri),
            Operation::GetPrompt(name) => Self::Prompt(name),
        }
    }

    /// True when `permit` is the one for this.
    pub(super) fn is_allowed_by(self, permit: &Permit) -> bool {
        match (self, permit.operation()) {
            (Self::Conversation, Operation::Converse) => true,
            (Self::Tool(name) | Self::Task(name), Operation::CallTool(allowed))
            | (Self::Resource(name) | Self::Template(name), Operation::ReadResource(allowed))
            | (Self::Prompt(name), Operation::GetPrompt(allowed)) => name == allowed,
            _ => false,
        }
    }

    /// True when the server of `catalogue` has it.
    pub(super) fn is_in(self, catalogue: &Catalogue) -> bool {
        match self {
            // Its handle says whether there is such a task.
            Self::Conversation | Self::Task(_) => true,
            Self::Tool(name) => catalogue.has_tool(name),
            Self::Resource(uri) => may_have_resource(catalogue, uri),
            Self::Template(text) => {
                let mut templates = catalogue.resource_templates.iter();
                templates.any(|template| template.name == text)
                    || may_have_resource(catalogue, text)
            }
            Self::Prompt(name) => catalogue.prompts.iter().any(|prompt| prompt.name == name),
        }
    }

    /// True when a server could have it whose names and URIs all begin with `prefix`.
    pub(super) fn may_be_of(self, prefix: Option<&MountPrefix>) -> bool {
        let Some(prefix) = prefix else {
            return true;
        };
        match self {
            Self::Conversation => true,
            Self::Tool(name) | Self::Task(name) | Self::Prompt(name) => prefix.claims_name(name),
            Self::Resource(uri) | Self::Template(uri) => prefix.claims_uri(uri),
        }
    }

    /// The answer when nobody has it, or the caller must not know of it: the two look alike.
    pub(super) fn unknown(self, revision: Revision) -> Fault {
        match self {
            Self::Conversation => Fault::MethodNotFound(revision),
            Self::Tool(_) => Fault::UnknownTool,
            Self::Task(_) => Fault::UnknownTask,
            Self::Prompt(_) => Fault::UnknownPrompt,
            Self::Resource(uri) | Self::Template(uri) => Fault::ResourceNotFound {
                uri: uri.to_owned(),
                revision,
            },
        }
    }

    /// Its URI, where it has one.
    pub(super) fn uri(self) -> &'a str {
        match self {
            Self::Resource(uri) | Self::Template(uri) => uri,
            Self::Conversation | Self::Tool(_) | Self::Prompt(_) | Self::Task(_) => "",
        }
    }
}

/// The tool whose task a request is about. The name stands in front of the handle.
fn task(request: &Request) -> Result<Target<'_>, Fault> {
    let tasks = Capability::Tasks;
    if !Capabilities::of_request(&request.params).has(tasks) {
        return Err(Fault::MissingCapability(tasks, request.revision));
    }
    let handle = text(&request.params, "taskId")?;
    let (tool, _) = handle.rsplit_once('.').ok_or(Fault::UnknownTask)?;
    Ok(Target::Task(tool))
}

fn text<'a>(params: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Fault> {
    let text = params.get(name).and_then(Value::as_str);
    text.ok_or_else(|| Fault::InvalidParams(format!("{name} must be a string").into()))
}

/// The reference of `completion/complete` (2026-07-28 server/utilities/completion).
fn completed(params: &Map<String, Value>) -> Result<Target<'_>, Fault> {
    let reference = params
        .get("ref")
        .and_then(Value::as_object)
        .ok_or(Fault::InvalidParams("ref must be an object".into()))?;
    match text(reference, "type")? {
        "ref/prompt" => text(reference, "name").map(Target::Prompt),
        "ref/resource" => text(reference, "uri").map(Target::Template),
        _ => Err(Fault::InvalidParams("unknown type of ref".into())),
    }
}

/// True where a server has or may have it: only the server itself knows of what it doesn't list.
fn may_have_resource(catalogue: &Catalogue, uri: &str) -> bool {
    catalogue.has_unlisted_resources || has_resource(catalogue, uri)
}

fn has_resource(catalogue: &Catalogue, uri: &str) -> bool {
    let mut resources = catalogue.resources.iter();
    let mut templates = catalogue.resource_templates.iter();
    resources.any(|resource| resource.name == uri)
        || templates.any(|template| expands_to(&template.name, uri))
}
