//! What is being typed still expands to the function as it stands, so that editors go on completing in it.

use insta::assert_snapshot;

use super::printed;

const HANDLER: &str =
    "async fn create(State(db): State<Db>, Json(order): Json<Order>) -> String { db.name }";

/// The expansions of attributes above a handler, or of an attribute above handlers.
fn all(programs: &[(&str, &str)]) -> String {
    let typed = programs.iter().map(|(args, item)| {
        let expansion = crate::attribute(args.parse().unwrap(), &item.parse().unwrap());
        format!(
            "#[throttled({args})]\n{item}\n\n{}",
            left(&printed(expansion))
        )
    });
    typed.collect::<Vec<_>>().join("\n----\n")
}

/// The mistakes, and the handler.
fn left(expansion: &str) -> String {
    let mistakes = expansion.lines().filter(|line| line.starts_with("    \""));
    let mistakes: Vec<_> = mistakes.collect();
    let handler = expansion
        .rfind("async fn create")
        .map(|start| &expansion[start..]);
    let handler = handler.unwrap_or("no handler");
    let end = handler.find("\n}\n").map_or(handler.len(), |end| end + 2);
    format!("{}\n{}", mistakes.join("\n"), &handler[..end])
}

#[test]
fn attributes() {
    assert_snapshot!(all(&[
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
fn handlers() {
    let args = "rate = \"5/s\"";
    assert_snapshot!(all(&[
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
