//! Runs the benchmark of [`traffik_benches::served`].

fn main() {
    traffik_benches::row::print(&traffik_benches::served::tables());
}
