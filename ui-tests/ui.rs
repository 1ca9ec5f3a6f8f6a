//! Every program of `fail/` with the messages beside it, and every program of `pass/`.

#[test]
fn ui() {
    let programs = trybuild::TestCases::new();
    programs.compile_fail("fail/*.rs");
    programs.pass("pass/*.rs");
}
