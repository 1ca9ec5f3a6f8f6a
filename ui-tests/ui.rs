//! Programs that must fail with pinned messages, programs that must compile, and the suggestions of
//! the messages.

mod suggestions;

#[test]
fn programs_fail_or_pass_as_pinned() {
    let programs = trybuild::TestCases::new();
    programs.compile_fail("fail/*.rs");
    programs.pass("pass/*.rs");
}

#[test]
fn suggestions_of_messages_compile() {
    let programs = trybuild::TestCases::new();
    programs.pass(suggestions::program());
}
