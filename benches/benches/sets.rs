//! Runs the benchmark of [`traffik_benches::sets`].

fn main() {
    traffik_benches::row::print(&traffik_benches::sets::tables());
}
