//! Runs the benchmark of [`traffik_benches::messages`].

fn main() {
    traffik_benches::row::print(&traffik_benches::messages::tables());
}
