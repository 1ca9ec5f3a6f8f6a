//! Every program of `fail/` with the messages beside it, every program of `pass/`, and what the messages suggest.

mod suggestions;

#[test]
fn ui() {
    let programs = trybuild::TestCases::new();
    programs.compile_fail("fail/*.rs");
    programs.pass("pass/*.rs");
}

#[test]
fn what_messages_suggest_compiles() {
    let programs = trybuild::TestCases::new();
    programs.pass(suggestions::program());
}
