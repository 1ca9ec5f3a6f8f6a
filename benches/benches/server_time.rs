//! Runs the benchmark of [`traffik_benches::server_time`].

fn main() {
    traffik_benches::row::print(&traffik_benches::server_time::tables());
}
