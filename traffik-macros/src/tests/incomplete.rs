//! Code that is being typed: it still expands to the function as it is, so that editors can
//! complete in it.

use insta::assert_snapshot;

use super::formatted;

const HANDLER: &str =
    "async fn create(State(db): State<Db>, Json(order): Json<Order>) -> String { db.name }";

/// Expands each attribute above its handler.
fn expand_all(programs: &[(&str, &str)]) -> String {
    let expansions = programs.iter().map(|(args, item)| {
        let expansion = crate::attribute(args.parse().unwrap(), &item.parse().unwrap());
        format!(
            "#[throttled({args})]\n{item}\n\n{}",
            summary(&formatted(expansion))
        )
    });
    expansions.collect::<Vec<_>>().join("\n----\n")
}

/// Returns the messages and the handler.
fn summary(expansion: &str) -> String {
    let messages = expansion.lines().filter(|line| line.starts_with("    \""));
    let messages: Vec<_> = messages.collect();
    let handler = expansion
        .rfind("async fn create")
        .map(|start| &expansion[start..]);
    let handler = handler.unwrap_or("no handler");
    let end = handler.find("\n}\n").map_or(handler.len(), |end| end + 2);
    format!("{}\n{}", messages.join("\n"), &handler[..end])
}

#[test]
fn expands_incomplete_attributes() {
    assert_snapshot!(expand_all(&[
        ("", HANDLER),
        ("ra", HANDLER),
        ("rate", HANDLER),
        ("rate =", HANDLER),
        ("rate = \"5/\"", HANDLER),
        ("rate = \"5/s\", cost = |", HANDLER),
        ("rate = \"5/s\", cost = |order|", HANDLER),
        ("rate = \"5/s\", cost = |order| order.", HANDLER),
        ("rate = \"5/s\", strategy = token_bucket(burst)", HANDLER),
        ("rate = \"5/s\", ident", HANDLER),
    ]));
}

#[test]
fn expands_incomplete_handlers() {
    let args = "rate = \"5/s\"";
    assert_snapshot!(expand_all(&[
        (args, "async fn create() { order. }"),
        (
            args,
            "async fn create(order: Json<Order>) -> String { let text = order.items.iter().map(|it| it. ); text }"
        ),
        (args, "async fn create() { if let Some(user) = }"),
        (args, "async fn create() { match order { Some( ) => } }"),
        (args, "async fn create(order: ) {}"),
        (args, "async fn create(State(db)) {}"),
        (args, "async fn create() -> {}"),
        (args, "async fn create()"),
        (
            args,
            "async fn create(order: Json<Order>) -> Result<String, AppError> { order.check()? .await? String:: }"
        ),
        (
            "rate = \"5/s\", cost = |order| order.items.len()",
            "async fn create(Json(order): Json<Order>) { order. }"
        ),
    ]));
}
