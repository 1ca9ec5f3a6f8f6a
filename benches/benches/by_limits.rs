//! Runs the benchmark of [`traffik_benches::by_limits`].

fn main() {
    traffik_benches::row::print(&traffik_benches::by_limits::tables());
}
