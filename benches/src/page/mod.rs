//! The guide's chapter on performance: the recorded figures, their tables, charts and pictures.

pub mod chapter;
pub mod chart;
pub mod charts;
pub mod data_url;
pub mod results;
