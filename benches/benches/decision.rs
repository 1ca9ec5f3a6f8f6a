//! Runs the benchmark of [`traffik_benches::decision`].

fn main() {
    traffik_benches::row::print(&traffik_benches::decision::tables());
}
