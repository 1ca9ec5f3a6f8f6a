//! Chooses the server of a key.

use sha2::{Digest, Sha256};

use crate::store::memcached::nodes::Address;

/// Chooses the node of a client's keys by rendezvous hashing (Thaler and Ravishankar, 1996). A node
/// more or less moves only the clients that it gets or had, and the order of the nodes does not
/// matter.
pub(crate) fn node_of(addresses: &[Address], key: &str) -> usize {
    if addresses.len() == 1 {
        return 0;
    }
    let tag = tag(key).as_bytes();
    let weight = |address: &Address| {
        let mut hash = Sha256::new();
        hash.update(address.to_string());
        hash.update([0]);
        hash.update(tag);
        hash.finalize()
    };
    let nodes = addresses.iter().enumerate();
    let heaviest = nodes.max_by_key(|(_, address)| weight(address));
    heaviest.map_or(0, |(node, _)| node)
}

/// Returns the part of a key that all keys of a client have in common: the text in braces.
fn tag(key: &str) -> &str {
    key.split_inclusive('}').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::node_of;
    use crate::store::memcached::nodes::parse;

    #[test]
    fn finds_keys_on_one_server_with_tls_and_without() {
        let (tcp, tls) = ("a,b,c".into(), "tls://a,tls://b,tls://c".into());
        let (tcp, tls) = (parse(&tcp).unwrap(), parse(&tls).unwrap());
        for client in 0..100 {
            let key = format!("{{ns:id:{client}}}:uid");
            assert_eq!(node_of(&tcp, &key), node_of(&tls, &key));
        }
    }

    #[test]
    fn moves_only_the_clients_of_a_removed_node() {
        let addresses = parse(&"a,b,c,d".into()).unwrap();
        let mut counts = [0; 4];
        for client in 0..1_000 {
            let key = format!("{{ns:id:{client}}}:uid");
            let node = node_of(&addresses, &key);
            counts[node] += 1;
            assert_eq!(
                node,
                node_of(&addresses, &format!("{{ns:id:{client}}}:other"))
            );
            let fewer = addresses[..3].to_vec();
            if node < 3 {
                assert_eq!(node_of(&fewer, &key), node);
            }
            let reversed: Vec<_> = addresses.iter().rev().cloned().collect();
            assert_eq!(node_of(&reversed, &key), 3 - node);
        }
        assert!(
            counts.iter().all(|count| (180..320).contains(count)),
            "{counts:?}"
        );
    }
}
