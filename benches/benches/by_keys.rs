//! Runs the benchmark of [`traffik_benches::by_keys`].

fn main() {
    traffik_benches::row::print(&traffik_benches::by_keys::tables());
}
