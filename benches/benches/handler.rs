//! Runs the benchmark of [`traffik_benches::handler`].

fn main() {
    traffik_benches::row::print(&traffik_benches::handler::tables());
}
