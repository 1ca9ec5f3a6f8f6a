//! Clients that are resolved from the headers of a request.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use crate::client_ip::header::ForwardingHeader;
use crate::client_ip::resolve::ClientIp;

const NAMES: [&str; 5] = [
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
];

fn headers(name: &'static str, lines: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn proxied(header: ForwardingHeader) -> ClientIp {
    let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"];
    ClientIp::new().trusted(trusted).header(header).prefix(128)
}

/// Returns the client of a request that 10.0.0.1 sends with these lines.
fn client(header: ForwardingHeader, lines: &[&[u8]]) -> String {
    let headers = headers(header.field().unwrap(), lines);
    let peer = IpAddr::from([10, 0, 0, 1]);
    proxied(header).resolve(peer, &headers).unwrap().to_string()
}

#[test]
fn lists_are_read_from_the_right_past_trusted_hops() {
    let cases: &[(&[&str], &str)] = &[
        (&["203.0.113.7"], "203.0.113.7"),
        (&["9.9.9.9, 8.8.8.8, 203.0.113.99"], "203.0.113.99"),
        (&["9.9.9.9, 203.0.113.99, 10.0.0.2"], "203.0.113.99"),
        (&["9.9.9.9,203.0.113.99,10.0.0.2,10.0.0.3"], "203.0.113.99"),
        // Several lines are one list.
        (&["9.9.9.9", "203.0.113.99"], "203.0.113.99"),
        (&["203.0.113.99", "10.0.0.2"], "203.0.113.99"),
        (
            &["9.9.9.9, 203.0.113.99", "10.0.0.2, 10.0.0.3"],
            "203.0.113.99",
        ),
        // Ports, brackets, blanks.
        (&["9.9.9.9, 203.0.113.99:4711"], "203.0.113.99"),
        (&["9.9.9.9,\t [2001:db8::1]:4711 \t"], "2001:db8::1"),
        (&["203.0.113.99, 10.0.0.2:80"], "203.0.113.99"),
        (&["203.0.113.99, [2001:db8:ffff::2]:80"], "203.0.113.99"),
        (&["203.0.113.99, ::ffff:10.0.0.2"], "203.0.113.99"),
        (&["::ffff:203.0.113.99, 10.0.0.2"], "203.0.113.99"),
        // All hops are trusted: the furthest.
        (&["10.0.0.4, 10.0.0.3, 10.0.0.2"], "10.0.0.4"),
        (&["10.0.0.4", "10.0.0.3"], "10.0.0.4"),
        // What is no address ends the walk.
        (&["unknown"], "10.0.0.1"),
        (&["203.0.113.99, unknown"], "10.0.0.1"),
        (&["203.0.113.99, unknown, 10.0.0.2"], "10.0.0.2"),
        (&["203.0.113.99,"], "10.0.0.1"),
        (&["203.0.113.99,, 10.0.0.2"], "10.0.0.2"),
        (&["203.0.113.99", ""], "10.0.0.1"),
        (&["203.0.113.99", "", "10.0.0.2"], "10.0.0.2"),
        (&[""], "10.0.0.1"),
        (&[","], "10.0.0.1"),
        (&["203.0.113.99, 0.0.0.0, 10.0.0.2"], "10.0.0.2"),
        (&["203.0.113.99, ::"], "10.0.0.1"),
        (&["203.0.113.99, 10.0.0.2:99999"], "10.0.0.1"),
        (&["203.0.113.99, for=10.0.0.2"], "10.0.0.1"),
        (&["203.0.113.99, \"10.0.0.2\""], "10.0.0.1"),
        (&["203.0.113.99, 10.0.0.2 10.0.0.3"], "10.0.0.1"),
        // Quotes mean nothing here.
        (&["\"a, 203.0.113.99, 10.0.0.2"], "203.0.113.99"),
        (&[], "10.0.0.1"),
    ];
    let single = [
        ForwardingHeader::XForwardedFor,
        ForwardingHeader::XRealIp,
        ForwardingHeader::CfConnectingIp,
        ForwardingHeader::TrueClientIp,
    ];
    for header in single {
        for (lines, expected) in cases {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(client(header, &lines), *expected, "{header:?} {lines:?}");
        }
        assert_eq!(client(header, &[b"\xff\xfe, 203.0.113.99"]), "203.0.113.99");
        assert_eq!(client(header, &[b"203.0.113.99, \xff"]), "10.0.0.1");
    }
}

#[test]
fn elements_of_forwarded_are_read_by_its_grammar() {
    for (line, expected) in [
        ("for=203.0.113.7", "203.0.113.7"),
        ("For=203.0.113.7", "203.0.113.7"),
        ("for=\"203.0.113.7\"", "203.0.113.7"),
        ("for=203.0.113.7:80", "203.0.113.7"),
        ("for=\"203.0.113.7:80\"", "203.0.113.7"),
        ("for=\"203.0.113.7:_secret\"", "203.0.113.7"),
        ("for=203.0.113.7:_secret", "203.0.113.7"),
        ("for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("for=\"[2001:db8::1]:80\"", "2001:db8::1"),
        ("for=[2001:db8::1]:80", "2001:db8::1"),
        ("for=2001:db8::1", "2001:db8::1"),
        ("for=\"2001:db8::1\"", "2001:db8::1"),
        ("for=\"\\2\\0\\3.0.113.7\"", "203.0.113.7"),
        ("for=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
        ("proto=https ;\t for=203.0.113.7 ; by=_me", "203.0.113.7"),
        (";for=203.0.113.7;;", "203.0.113.7"),
        ("by=\"a;for=9.9.9.9\";for=203.0.113.7", "203.0.113.7"),
        ("by=\"a\\\";for=9.9.9.9\";for=203.0.113.7", "203.0.113.7"),
        ("for=203.0.113.7;host=\"a, b\"", "203.0.113.7"),
        ("for=203.0.113.7;host=\"a\\\", b\"", "203.0.113.7"),
        ("for=203.0.113.7;host=\"a\\\\\"", "203.0.113.7"),
        ("for=203.0.113.7;host=\"\"", "203.0.113.7"),
        ("for=203.0.113.7;host=a.example:8443", "203.0.113.7"),
        ("for=9.9.9.9, for=203.0.113.7", "203.0.113.7"),
        ("for=203.0.113.7, for=10.0.0.2", "203.0.113.7"),
        ("for=203.0.113.7,for=\"10.0.0.2:80\";by=x", "203.0.113.7"),
        ("for=10.0.0.3, for=10.0.0.2", "10.0.0.3"),
        // An open quote on the left hides nothing.
        ("for=\"9.9.9.9, for=203.0.113.7", "203.0.113.7"),
        ("for=\", for=\"203.0.113.7\"", "203.0.113.7"),
        ("for=\"\\, for=\"203.0.113.7\"", "203.0.113.7"),
        ("\", for=\"[2001:db8::1]:80\";host=\"a,b\"", "2001:db8::1"),
        // Only the element that is wrong is unreadable.
        ("for=9.9.9.9;for=8.8.8.8, for=203.0.113.7", "203.0.113.7"),
        ("for=203.0.113.7, for=10.0.0.2;for=10.0.0.2", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;FOR=10.0.0.2", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;by=a;by=b", "10.0.0.1"),
        ("for=203.0.113.7, for=unknown", "10.0.0.1"),
        ("for=203.0.113.7, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("for=203.0.113.7, proto=https", "10.0.0.1"),
        ("for=203.0.113.7, for = 10.0.0.2", "10.0.0.1"),
        ("for=203.0.113.7, for= 10.0.0.2", "10.0.0.1"),
        ("for=203.0.113.7, for =10.0.0.2", "10.0.0.1"),
        ("for=203.0.113.7, for=\" 10.0.0.2\"", "10.0.0.1"),
        ("for=203.0.113.7, for=\"10.0.0.2\"x", "10.0.0.1"),
        ("for=203.0.113.7, for=\"10.0.0.2", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2\"", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;by=\"x\\\"", "10.0.0.1"),
        ("for=203.0.113.7, for=", "10.0.0.1"),
        ("for=203.0.113.7, for=\"\"", "10.0.0.1"),
        ("for=203.0.113.7, for", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;proto", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;proto=", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;=x", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;a b=c", "10.0.0.1"),
        ("for=203.0.113.7, for=10.0.0.2;a=b c", "10.0.0.1"),
        ("for=203.0.113.7, 10.0.0.2", "10.0.0.1"),
        ("for=203.0.113.7,", "10.0.0.1"),
        ("for=203.0.113.7, ;", "10.0.0.1"),
        ("for=203.0.113.7, for=\"[::]\"", "10.0.0.1"),
        ("", "10.0.0.1"),
    ] {
        let found = client(ForwardingHeader::Forwarded, &[line.as_bytes()]);
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn lines_of_forwarded_are_one_list_of_bytes() {
    let header = ForwardingHeader::Forwarded;
    for (lines, expected) in [
        (&[&b"for=9.9.9.9"[..], b"for=203.0.113.7"], "203.0.113.7"),
        (&[b"for=203.0.113.7", b"for=10.0.0.2"], "203.0.113.7"),
        // A quote that is open at the end of a line is not closed by the next.
        (&[b"for=\"9.9.9.9", b"for=\"203.0.113.7\""], "203.0.113.7"),
        (
            &[b"for=203.0.113.7;host=\"\xff\"", b"for=10.0.0.2"],
            "203.0.113.7",
        ),
        (&[b"for=\xff", b"for=203.0.113.7"], "203.0.113.7"),
        (&[b"for=203.0.113.7", b"for=\xff"], "10.0.0.1"),
    ] {
        assert_eq!(client(header, lines), expected, "{lines:?}");
    }
}

/// An element that a client may write. If the time grew with the square of its parameters, it would
/// take minutes.
#[test]
fn an_element_with_very_many_parameters_is_read_in_linear_time() {
    let mut element = b"for=203.0.113.9".to_vec();
    for number in 0..100_000 {
        element.extend(format!(";parameter-{number}=x").bytes());
    }
    assert_eq!(
        client(ForwardingHeader::Forwarded, &[&element]),
        "203.0.113.9"
    );
    // The twin of the last one, in another case, is still found.
    element.extend(b";PARAMETER-99999=y");
    assert_eq!(client(ForwardingHeader::Forwarded, &[&element]), "10.0.0.1");
}

#[test]
fn exactly_one_header_is_read() {
    let mut all = HeaderMap::new();
    for (place, name) in NAMES.into_iter().enumerate() {
        let address = format!("203.0.113.{place}");
        let value = if place == 0 {
            format!("for={address}")
        } else {
            address
        };
        all.insert(name, value.parse().unwrap());
    }
    let peer = IpAddr::from([10, 0, 0, 1]);
    let of = |client_ip: &ClientIp, headers: &HeaderMap| {
        client_ip.resolve(peer, headers).unwrap().to_string()
    };
    for (place, word) in ForwardingHeader::WORDS.iter().enumerate() {
        let client_ip = proxied(word.parse().unwrap());
        let expected = match NAMES.get(place) {
            Some(_) => format!("203.0.113.{place}"),
            None => "10.0.0.1".to_owned(),
        };
        assert_eq!(of(&client_ip, &all), expected, "{word}");
        // Without it no other takes its place.
        let mut others = all.clone();
        if let Some(name) = NAMES.get(place) {
            others.remove(*name);
        }
        assert_eq!(of(&client_ip, &others), "10.0.0.1", "{word}");
    }
    let default = ClientIp::new().trusted(["10.0.0.0/8"]);
    assert_eq!(of(&default, &all), "203.0.113.1");
    assert_eq!(of(&ClientIp::new(), &all), "10.0.0.1");
}

#[test]
fn who_is_not_trusted_is_not_believed() {
    let headers = headers("x-forwarded-for", &[b"203.0.113.7"]);
    let of = |peer: &str| {
        let client_ip = proxied(ForwardingHeader::XForwardedFor);
        let client = client_ip.resolve(peer.parse().unwrap(), &headers).unwrap();
        client.to_string()
    };
    for peer in ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8:ffff::1"] {
        assert_eq!(of(peer), "203.0.113.7", "{peer}");
    }
    for peer in ["11.0.0.1", "2001:db8::1", "::10.0.0.1", "64:ff9b::a00:1"] {
        assert_eq!(of(peer), peer.parse::<IpAddr>().unwrap().to_string());
    }
    assert_eq!(of("::ffff:11.0.0.1"), "11.0.0.1");
}

#[test]
fn bits_beyond_the_prefix_are_dropped_after_trust_is_judged() {
    let full: IpAddr = "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap();
    let masked = |client_ip: ClientIp| {
        let client = client_ip.resolve(full, &HeaderMap::new());
        client.map(|client| client.to_string())
    };
    for (bits, expected) in [
        (1, "::"),
        (3, "2000::"),
        (32, "2001:db8::"),
        (56, "2001:db8:1234:5600::"),
        (64, "2001:db8:1234:5678::"),
        (127, "2001:db8:1234:5678:9abc:def0:1234:5678"),
        (128, "2001:db8:1234:5678:9abc:def0:1234:5678"),
    ] {
        assert_eq!(masked(ClientIp::new().prefix(bits)).unwrap(), expected);
    }
    assert_eq!(masked(ClientIp::new()).unwrap(), "2001:db8:1234:5678::");
    for bits in [0, 129, 255] {
        let error = masked(ClientIp::new().prefix(bits)).unwrap_err();
        assert!(error.to_string().contains(&bits.to_string()), "{error}");
    }
    // One address of the network is trusted, another is not: both look alike once they are masked.
    let client_ip = ClientIp::new().trusted(["2001:db8::1"]);
    let headers = headers("x-forwarded-for", &[b"2001:db8:1::7"]);
    let of = |peer: &str| client_ip.resolve(peer.parse().unwrap(), &headers).unwrap();
    assert_eq!(of("2001:db8::1").to_string(), "2001:db8:1::");
    assert_eq!(of("2001:db8::2").to_string(), "2001:db8::");
    let whole = ClientIp::new().prefix(1);
    let client = whole.resolve(IpAddr::from([192, 0, 2, 1]), &HeaderMap::new());
    assert_eq!(client.unwrap().to_string(), "192.0.2.1");
}

#[test]
fn reports_the_first_error() {
    let client_ip = ClientIp::new().trusted(["10.0.0.0/8", "*", "proxy.internal"]);
    let error = client_ip.prefix(0).check().unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Configuration);
    assert!(error.to_string().contains("`*`"), "{error}");
    let error = ClientIp::new().try_trusted(["::1", "fe80::1%lo"]);
    assert!(error.unwrap_err().to_string().contains("leave `%lo` out"));
    let header = ClientIp::new().try_trusted(["10.0.0.1"]).unwrap();
    assert!(header.check().is_ok());
}

/// Bytes that a field can hold.
fn field_bytes() -> impl Strategy<Value = Vec<u8>> {
    let anything = prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8, Just(b'\t')];
    let telling = proptest::sample::select(b"\",;=\\ for1.:[]".to_vec());
    prop::collection::vec(prop_oneof![telling, anything], 0..60)
}

/// Elements that a proxy may append, with the client 203.0.113.7.
fn appended() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "for=203.0.113.7",
        "for=\"203.0.113.7:80\"",
        "for=203.0.113.7;host=\"a, \\\"b\\\\\"",
        "by=\"x,;for=\\\"9.9.9.9\";for=203.0.113.7",
        "for=203.0.113.7, for=10.0.0.2",
        "for=203.0.113.7;by=\",\", for=\"10.0.0.2:_p\"",
    ])
}

proptest! {
    /// The client is named by the element that the proxy appended, for every header that it sent.
    #[test]
    fn forged_left_parts_never_choose_the_client(forged in field_bytes(), line in appended(), apart: bool) {
        let list = line.replace("for=", "").replace('"', "");
        let is_list = ["203.0.113.7", "203.0.113.7:80", "203.0.113.7, 10.0.0.2"].contains(&&*list);
        let check = |header, own: &str| {
            let whole = [&forged, &b", "[..], own.as_bytes()].concat();
            let lines: &[&[u8]] = if apart { &[&forged, own.as_bytes()] } else { &[&whole] };
            client(header, lines)
        };
        prop_assert_eq!(check(ForwardingHeader::Forwarded, line), "203.0.113.7");
        if is_list {
            prop_assert_eq!(check(ForwardingHeader::XForwardedFor, &list), "203.0.113.7");
        }
    }

    /// Nothing panics, and an untrusted peer is itself for every header that it sends.
    #[test]
    fn an_untrusted_peer_is_itself(forged in field_bytes()) {
        for name in NAMES {
            let headers = headers(name, &[&forged]);
            let peer = IpAddr::from([192, 0, 2, 1]);
            for word in ForwardingHeader::WORDS {
                let client = proxied(word.parse().unwrap()).resolve(peer, &headers).unwrap();
                prop_assert_eq!(client, peer);
            }
        }
        let _ = client(ForwardingHeader::Forwarded, &[&forged]);
    }
}
