//! `bbprov explain BB0101`: what a code means.

use std::fmt::Write as _;

use crate::diagnostic::{Code, closest};
use crate::error::{Error, Exit};
use crate::output::{HEADING, styled};

/// Whether a text is meant to be a code: no address is two letters and a number.
pub(super) fn is_meant(text: &str) -> bool {
    let number = text.get(2..).filter(|_| text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("BB")));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Prints the long text of a code.
pub(super) fn run(text: &str) -> Result<Exit, Error> {
    let wanted = text.to_ascii_uppercase();
    let Some(code) = Code::ALL.iter().find(|code| code.id() == wanted) else {
        let near = closest(&wanted, Code::ALL.iter().map(|code| code.id()));
        let near = near.map_or(String::new(), |near| format!(" Did you mean {near}?"));
        return Err(Error::Usage(format!("there is no code {wanted}.{near} `bbprov explain` lists them all")));
    };
    let heading = styled(HEADING, &format!("{code}: {}", code.title()));
    super::print(&format!("{heading}\n\n{}", code.explanation()))
}

/// Prints all codes.
pub(super) fn list() -> Result<Exit, Error> {
    let mut text = String::new();
    for code in Code::ALL {
        let _ = writeln!(text, "{code}  {}", code.title());
    }
    super::print(&text)
}
