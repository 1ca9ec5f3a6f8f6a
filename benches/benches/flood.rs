//! Runs the benchmark of [`traffik_benches::flood`].

fn main() {
    traffik_benches::row::print(&traffik_benches::flood::tables());
}
