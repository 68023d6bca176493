//! The peer's sum and its chart, algorithm 6.

use super::mark::Mark;

/// Where everybody begins.
const START: i32 = 100;
/// Bonuses count for those alone who keep this much without them.
const LEAST_FOR_BONUS: i32 = 90;

/// The score and the grade of these marks.
pub(super) fn score(marks: &[Mark]) -> (i32, &'static str) {
    let sum = |least: i32| -> i32 {
        let counted = marks.iter().map(|mark| mark.modifier.min(least));
        START + counted.sum::<i32>()
    };
    let (whole, without_bonus) = (sum(i32::MAX), sum(0));
    let score = if without_bonus >= LEAST_FOR_BONUS {
        whole
    } else {
        without_bonus
    };
    let score = score.max(0);
    (score, grade(score))
}

/// The grade of a score, which is first rounded down to a multiple of five.
fn grade(score: i32) -> &'static str {
    match score {
        100.. => "A+",
        90..=99 => "A",
        85..=89 => "A-",
        80..=84 => "B+",
        70..=79 => "B",
        65..=69 => "B-",
        60..=64 => "C+",
        50..=59 => "C",
        45..=49 => "C-",
        40..=44 => "D+",
        30..=39 => "D",
        25..=29 => "D-",
        _ => "F",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(modifiers: &[i32]) -> (i32, &'static str) {
        let marks: Vec<Mark> = modifiers.iter().map(|n| Mark::pass("x", *n, "")).collect();
        score(&marks)
    }

    #[test]
    fn bonuses_count_from_ninety_on() {
        for (modifiers, wanted) in [
            (&[][..], (100, "A+")),
            // 89 cannot be reached by the table, whose steps are five; the rule is tested all the same.
            (&[-11, 10, 10], (89, "A-")),
            (&[-10, 10], (100, "A+")),
            (&[-10, 5], (95, "A")),
            (&[-10], (90, "A")),
            (&[-5, 10, 10, 10, 10, 5, 5, 5, 5, 5], (160, "A+")),
            (&[-15, 10, 10, 10, 10, 5, 5, 5, 5, 5], (85, "A-")),
            (&[-5, -5, 5, 5], (100, "A+")),
            (&[10, 10, 10, 10, 5, 5, 5, 5, 5], (165, "A+")),
        ] {
            assert_eq!(of(modifiers), wanted, "{modifiers:?}");
        }
    }

    #[test]
    fn nobody_falls_below_zero() {
        assert_eq!(of(&[-25, -40, -50, -20, -20, -50, -20]), (0, "F"));
        assert_eq!(of(&[-100]), (0, "F"));
        assert_eq!(of(&[-99]), (1, "F"));
    }

    #[test]
    fn the_chart_steps_at_fives() {
        for (score, wanted) in [
            (165, "A+"),
            (101, "A+"),
            (100, "A+"),
            (99, "A"),
            (95, "A"),
            (90, "A"),
            (89, "A-"),
            (85, "A-"),
            (84, "B+"),
            (80, "B+"),
            (79, "B"),
            (75, "B"),
            (70, "B"),
            (69, "B-"),
            (65, "B-"),
            (64, "C+"),
            (60, "C+"),
            (59, "C"),
            (55, "C"),
            (50, "C"),
            (49, "C-"),
            (45, "C-"),
            (44, "D+"),
            (40, "D+"),
            (39, "D"),
            (35, "D"),
            (30, "D"),
            (29, "D-"),
            (25, "D-"),
            (24, "F"),
            (20, "F"),
            (0, "F"),
        ] {
            assert_eq!(grade(score), wanted, "{score}");
        }
    }
}
