//! t
#![expect(clippy::print_stdout, clippy::print_stderr)]
fn main() -> std::process::ExitCode {
    let t = std::time::Instant::now();
    match bbprov::manifest::load(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(m) => {
            anstream::println!("{} {:?} {}", m.desired.len(), t.elapsed(), m.warnings.render(&m.sources));
            std::process::ExitCode::SUCCESS
        }
        Err(e) => {
            anstream::eprint!("{e}");
            std::process::ExitCode::from(3)
        }
    }
}
