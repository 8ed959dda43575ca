//! What a route calls: its integration.

/// What a route of an HTTP API calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpTarget {
    /// The function with this logical id.
    Function(String),
    /// Another server (`HTTP_PROXY`).
    Endpoint(Endpoint),
    /// What the harness does not have. Every request is answered with this text.
    Absent(String),
}

/// What a route of a WebSocket API calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebSocketTarget {
    /// The function with this logical id.
    Function(String),
    /// Nothing: the gateway answers itself (`MOCK`).
    Mock(Mock),
    /// What the harness does not have. Every message is answered with this text.
    Absent(String),
}

impl From<&str> for HttpTarget {
    fn from(function: &str) -> Self {
        Self::Function(function.to_owned())
    }
}

impl From<&str> for WebSocketTarget {
    fn from(function: &str) -> Self {
        Self::Function(function.to_owned())
    }
}

/// A server that an HTTP API passes requests on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `IntegrationMethod`, or `None` for `ANY`: the method of the request.
    pub method: Option<String>,
    /// `IntegrationUri`: an URL in which `{name}` stands for a path parameter of the route.
    pub uri: String,
    /// `RequestParameters`, in the order of the template.
    pub changes: Vec<Change>,
}

/// A change of a request on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is changed.
    pub part: ChangedPart,
    /// How it is changed.
    pub how: How,
    /// The new value. Removing needs none.
    pub value: Vec<Piece>,
}

/// The part of a request that is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedPart {
    /// A header, in lower case.
    Header(String),
    /// A parameter of the query.
    Query(String),
    /// The whole path.
    Path,
}

/// How a part of a request is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The value is added to those that are there.
    Append,
    /// The value replaces those that are there.
    Overwrite,
    /// The part is removed.
    Remove,
}

/// A piece of the value of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The same for every request.
    Text(String),
    /// `$request.header.NAME`, in lower case.
    Header(String),
    /// `$request.querystring.NAME`
    Query(String),
    /// `$request.path`: the path inside the stage.
    Path,
    /// `$request.path.NAME`
    PathParameter(String),
    /// `$stageVariables.NAME`
    StageVariable(String),
    /// `$context.NAME`: a member of the event's `requestContext`, with dots between the names.
    Context(String),
}

/// The answer of a `MOCK` integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mock {
    /// The `statusCode` that its request template gives.
    pub status: u16,
    /// The text that a route with a response sends.
    pub reply: Option<Vec<MockPiece>>,
}

/// A piece of the text of a [`Mock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MockPiece {
    /// The same for every message.
    Text(String),
    /// `$context.NAME`: a member of the event's `requestContext`.
    Context(String),
}
