//! The same by the program itself, which is ended by signals.
