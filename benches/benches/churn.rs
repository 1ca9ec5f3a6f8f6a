//! Runs the benchmark of [`traffik_benches::churn`].

fn main() {
    traffik_benches::row::print(&traffik_benches::churn::tables());
}
