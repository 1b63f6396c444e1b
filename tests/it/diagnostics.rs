//! What is said of a manifest that is wrong: codes, their explanations, and the forms for programs.

mod explained;
mod formats;
mod shown;
