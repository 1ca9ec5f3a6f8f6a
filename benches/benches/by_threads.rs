//! Runs the benchmark of [`traffik_benches::by_threads`].

fn main() {
    traffik_benches::row::print(&traffik_benches::by_threads::tables());
}
