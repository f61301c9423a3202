//! Tests of whole reports: hand-built findings over a small program that exists only in memory.

mod cases;
mod goldens;
mod limits;
mod page;
mod real;
mod world;
