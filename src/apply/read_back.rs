//! EXECUTOR: what the answer to a change does not prove is read until it shows.

use std::time::Duration;

use super::Failure;
use super::carry_out::{look_up, shows};
use crate::bitbucket::Write;
use crate::plan::Change;
use crate::resource::Place;

/// So often a change is looked for that its answer does not prove, with pauses that double.
const READS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Reads until a change shows: some take a moment (api.md §9.7). One that does not show by then was not made.
pub(super) async fn read_back<W: Write>(
    client: &W,
    change: &Change,
    place: Place<'_>,
) -> Result<Option<String>, Failure> {
    let mut why = String::new();
    for read in 0..READS {
        if read > 0 {
            tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(read - 1)).await;
        }
        match look_up(client, change, place).await {
            Ok(Some(answer)) => match shows(change, &answer) {
                Ok(()) => return Ok(change.address.kind().server_id(&answer)),
                Err(differing) => why = differing,
            },
            Ok(None) => "Bitbucket accepted the change and does not show it".clone_into(&mut why),
            Err(blind) => {
                let why = format!("it was changed; whether that took effect is not known, since {blind}");
                return Err(Failure { why, tried: true, ..blind.into() });
            }
        }
    }
    Err(format!("{why} (after {READS} looks)").into())
}
