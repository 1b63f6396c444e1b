//! Cron expressions of seven fields, as the schedules of Pipelines have them (api.md §5.9; the words are Quartz's).

use super::Finding;
use crate::diagnostic::Code;

/// One field: its name, the least and largest number, and the words that stand for numbers from the least on.
struct Part {
    name: &'static str,
    least: u16,
    most: u16,
    words: &'static [&'static str],
}

const fn part(name: &'static str, least: u16, most: u16, words: &'static [&'static str]) -> Part {
    Part { name, least, most, words }
}

const PARTS: [Part; 7] = [
    part("seconds", 0, 59, &[]),
    part("minutes", 0, 59, &[]),
    part("hours", 0, 23, &[]),
    part("days", 1, 31, &[]),
    part("months", 1, 12, &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
    part("days of the week", 1, 7, &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
    part("years", 1970, 2199, &[]),
];

/// Which of them are the days of the month and of the week.
const DAYS: usize = 3;
const WEEKDAYS: usize = 5;

/// Why a text cannot be a cron expression, and what would do.
pub(super) fn check(field: &'static str, text: &str) -> Option<Finding> {
    let wrong = Finding::error(Code::Cron, field, "this is no cron expression of seven fields");
    let fields: Vec<&str> = text.split_whitespace().take(PARTS.len() + 1).collect();
    if fields.len() != PARTS.len() {
        return Some(miscounted(wrong, &fields));
    }
    for (at, (field, part)) in fields.iter().zip(&PARTS).enumerate() {
        if let Err(why) = field.split(',').try_for_each(|item| part.check(at, item)) {
            return Some(wrong.label(why));
        }
    }
    let unsaid = [fields[DAYS], fields[WEEKDAYS]].iter().filter(|field| **field == "?").count();
    (unsaid != 1).then(|| {
        wrong.label("one of the two fields for days is `?`").help("days of the month, or of the week, but not both")
    })
}

fn miscounted(wrong: Finding, fields: &[&str]) -> Finding {
    let wrong = wrong.label(match fields.len() {
        more if more > PARTS.len() => "this has more".to_owned(),
        fewer => format!("this has {fewer}"),
    });
    match fields {
        // As most others write it, where Sunday is 0, and Quartz counts from 1.
        [minutes, hours, day, month, weekday] => {
            let (day, weekday) = if *weekday == "*" { (*day, "?".to_owned()) } else { ("?", one_more(weekday)) };
            wrong.help(format!(
                "seconds come first and years last, and Sunday is 1: perhaps `0 {minutes} {hours} {day} {month} {weekday} *`"
            ))
        }
        _ => wrong.help("seconds, minutes, hours, days, months, days of the week, years: `0 0 12 * * ? *`"),
    }
}

/// Days of the week that are numbered from 0, numbered from 1. Steps stay what they are.
fn one_more(weekdays: &str) -> String {
    let (days, step) = weekdays.split_once('/').map_or((weekdays, None), |(days, step)| (days, Some(step)));
    let next = |day: &str| day.parse::<u16>().map_or_else(|_| day.to_owned(), |day| (day % 7 + 1).to_string());
    let range = |range: &str| range.split('-').map(next).collect::<Vec<_>>().join("-");
    let days = days.split(',').map(range).collect::<Vec<_>>().join(",");
    step.map_or(days.clone(), |step| format!("{days}/{step}"))
}

impl Part {
    /// One item of the list that a field is: `5`, `MON-FRI`, `*/15`, `L`, `2#1`.
    fn check(&self, at: usize, item: &str) -> Result<(), String> {
        let cannot = || format!("{} cannot be {}", short(item), self.name);
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        if let Some(step) = step {
            let step: u16 = step.parse().map_err(|_| cannot())?;
            if step == 0 || step > self.most {
                return Err(format!("{} has a step that {} do not have", short(item), self.name));
            }
        }
        match range {
            "*" => return Ok(()),
            "?" if (at == DAYS || at == WEEKDAYS) && step.is_none() => return Ok(()),
            "L" if at == DAYS || at == WEEKDAYS => return Ok(()),
            "LW" if at == DAYS => return Ok(()),
            _ => {}
        }
        let number = |text: &str| self.number(text).unwrap_or_else(|| Err(cannot()));
        if at == DAYS {
            // The last but some, and the working day that is nearest.
            if let Some(before) = range.strip_prefix("L-") {
                return number(before).map(drop);
            }
            if let Some(day) = range.strip_suffix('W') {
                return number(day).map(drop);
            }
        }
        if at == WEEKDAYS {
            // The last one of a month, and the first to the fifth.
            if let Some(day) = range.strip_suffix('L') {
                return number(day).map(drop);
            }
            if let Some((day, which)) = range.split_once('#') {
                let is_one = matches!(which, "1" | "2" | "3" | "4" | "5");
                return if is_one { number(day).map(drop) } else { Err(cannot()) };
            }
        }
        match range.split_once('-') {
            // From Friday to Monday, and from ten at night to four in the morning: it may run over the end, but for years.
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                if from > to && self.least == PARTS[6].least { Err(cannot()) } else { Ok(()) }
            }
            None => number(range).map(drop),
        }
    }

    /// A number within the bounds, or the word for one. Nothing if it is neither a number nor a word.
    fn number(&self, text: &str) -> Option<Result<u16, String>> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let word = word.and_then(|at| u16::try_from(at).ok()).map(|at| at + self.least);
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.or_else(|| digits.then(|| text.parse().unwrap_or(u16::MAX)))?;
        Some(if (self.least..=self.most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("{} cannot be {}, which are {} to {}", short(text), self.name, self.least, self.most))
        })
    }
}

fn short(item: &str) -> String {
    super::project::quoted(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_fields_make_a_cron_expression() {
        for good in [
            "0 0 12 * * ? *",
            "0 0/15 8-18 ? * MON-FRI *",
            "0 0 0 1,15 * ? 2027",
            "0 30 5 L * ? *",
            "0 30 5 L-3 * ? *",
            "0 30 5 15W,LW JAN-mar ? *",
            "0 0 9 ? * 2#1 2026/2",
            "0 0 22-4 ? * FRIL,sun *",
            "0 */20 * * * ? 2026-2030",
        ] {
            assert_eq!(check("cron", good), None, "{good}");
        }
    }

    #[test]
    fn what_is_none_is_told_which_part_is_wrong() {
        let why = |text: &str| check("cron", text).unwrap_or_else(|| panic!("{text}")).label;
        for (text, expected) in [
            ("", "this has 0"),
            ("0 0 12 * * ?", "this has 6"),
            ("0 0 12 * * ? * *", "this has more"),
            ("0 0 24 * * ? *", "\"24\" cannot be hours, which are 0 to 23"),
            ("0 60 * * * ? *", "\"60\" cannot be minutes, which are 0 to 59"),
            ("0 0 0 0 * ? *", "\"0\" cannot be days, which are 1 to 31"),
            ("0 0 12 * * * *", "one of the two fields for days is `?`"),
            ("0 0 12 ? * ? *", "one of the two fields for days is `?`"),
            ("? 0 12 * * ? *", "\"?\" cannot be seconds"),
            ("a;b 0 0 * * ? *", "\"a;b\" cannot be seconds"),
            ("0 0 12 ? * MOO *", "\"MOO\" cannot be days of the week"),
            ("0 0 12 ? FRI 2 *", "\"FRI\" cannot be months"),
            ("0 0 12 ? * 0-5 *", "\"0\" cannot be days of the week, which are 1 to 7"),
            ("0 0 12 ? * 2#6 *", "\"2#6\" cannot be days of the week"),
            ("0 1,,2 12 ? * 2 *", "\"\" cannot be minutes"),
            ("0 */0 12 ? * 2 *", "\"*/0\" has a step that minutes do not have"),
            ("0 0 12 32W * ? *", "\"32\" cannot be days, which are 1 to 31"),
            ("0 0 L * * ? *", "\"L\" cannot be hours"),
            ("0 0 0 1 1 ? 2030-2026", "\"2030-2026\" cannot be years"),
            ("0 0 99999999999 * * ? *", "\"99999999999\" cannot be hours, which are 0 to 23"),
        ] {
            assert_eq!(why(text), expected, "{text}");
        }
    }

    #[test]
    fn five_fields_are_translated() {
        let help = |text| check("cron", text).and_then(|finding| finding.help).unwrap_or_default();
        for (text, expected) in [
            ("30 4 * * *", "`0 30 4 * * ? *`"),
            ("30 4 * * 1", "`0 30 4 ? * 2 *`"),
            ("0 9 * * 1-5", "`0 0 9 ? * 2-6 *`"),
            ("0 9 * * 0,6/2", "`0 0 9 ? * 1,7/2 *`"),
            ("0 9 * * MON-FRI", "`0 0 9 ? * MON-FRI *`"),
        ] {
            assert!(help(text).contains(expected), "{text}: {}", help(text));
        }
    }
}
