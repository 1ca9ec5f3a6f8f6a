//! Paths in token streams, as the bodies and the arguments of macros are.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Reports every path of at least two segments and every macro call, with the line it starts on.
pub(crate) fn paths(tokens: TokenStream, report: &mut impl FnMut(Vec<String>, usize)) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => paths(group.stream(), report),
            TokenTree::Ident(first) if starts_path(&tokens[..at], &first.to_string()) => {
                let line = first.span().start().line;
                let length = path(vec![first.to_string()], &tokens[at + 1..], line, report);
                at += length;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Reports identifiers, at any depth.
pub(crate) fn identifiers(tokens: TokenStream, report: &mut impl FnMut(String)) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => identifiers(group.stream(), report),
            TokenTree::Ident(ident) => report(ident.to_string()),
            _ => {}
        }
    }
}

/// `::name`, `.name`, `#name`, `'name` and `$name` start no path of the crate; `$crate` does.
fn starts_path(before: &[TokenTree], name: &str) -> bool {
    match before.last() {
        Some(TokenTree::Punct(mark)) => match mark.as_char() {
            '$' => name == "crate",
            ':' => !matches!(before, [.., TokenTree::Punct(first), _] if first.as_char() == ':'),
            mark => !".#'".contains(mark),
        },
        _ => true,
    }
}

/// Reports a path that goes on in `rest`; returns how many tokens of `rest` belong to it.
fn path(
    mut segments: Vec<String>,
    rest: &[TokenTree],
    line: usize,
    report: &mut impl FnMut(Vec<String>, usize),
) -> usize {
    let mut length = 0;
    while let [TokenTree::Punct(one), TokenTree::Punct(two), next, ..] = &rest[length..]
        && (one.as_char(), two.as_char()) == (':', ':')
    {
        match next {
            TokenTree::Ident(name) => segments.push(name.to_string()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                each_of(&segments, group.stream(), report);
                return length + 3;
            }
            _ => break,
        }
        length += 3;
    }
    let is_call = matches!(rest.get(length), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
    if segments.len() > 1 || is_call {
        report(segments, line);
    }
    length
}

/// Reports every path of `prefix::{…}`.
fn each_of(prefix: &[String], group: TokenStream, report: &mut impl FnMut(Vec<String>, usize)) {
    let tokens: Vec<_> = group.into_iter().collect();
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
    for entry in tokens.split(is_comma) {
        if let [TokenTree::Ident(name), rest @ ..] = entry {
            let segments = [prefix, &[name.to_string()]].concat();
            path(segments, rest, name.span().start().line, report);
        }
    }
}

#[test]
fn reads_paths_but_no_fields_variables_or_paths_of_other_crates() {
    let tokens =
        "use $crate::a::{B as _, c::D}; x.crate_::y; $v::w; ::std::mem::take(e::F::<G>); h!(i)";
    let mut found = Vec::new();
    let tokens = tokens.parse().unwrap();
    paths(tokens, &mut |path, _| found.push(path.join("::")));
    assert_eq!(found, ["crate::a::B", "crate::a::c::D", "e::F", "h"]);
}
