//! Which of several: the better of two that chance has drawn ("the power of two random choices"). The best of all would be asked
//! by every edge at once, and be the best no longer.

use std::time::Duration;

use crate::random::Dice;

/// Less than this part of difference is none: it would only make one of two equals idle. In percent.
const INDIFFERENT: u32 = 150;

/// Draws two of `candidates` and returns the one that costs clearly less, or either. `None` if there is none.
pub(crate) fn better_of_two<'a, T>(
    candidates: &'a [T],
    dice: &Dice,
    cost: impl Fn(&T) -> Duration,
) -> Option<&'a T> {
    match candidates {
        [] => None,
        [only] => Some(only),
        many => {
            let first = dice.below(many.len());
            // One of the others, each as likely.
            let second = (first + 1 + dice.below(many.len() - 1)) % many.len();
            let (first, second) = (&many[first], &many[second]);
            let clearly_less = cost(second) * INDIFFERENT / 100 < cost(first);
            Some(if clearly_less { second } else { first })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_is_asked_most_and_the_slowest_never() {
        let dice = Dice::seeded(7);
        let servers = [9, 1, 3];
        let mut asked = [0; 10];
        for _ in 0..9000 {
            let picked = better_of_two(&servers, &dice, |ms| Duration::from_millis(*ms)).unwrap();
            asked[usize::try_from(*picked).unwrap()] += 1;
        }
        // Of three pairs, the fastest is in two.
        assert!((5700..6300).contains(&asked[1]), "{asked:?}");
        assert!((2700..3300).contains(&asked[3]), "{asked:?}");
        assert_eq!(asked[9], 0);
    }

    #[test]
    fn equals_are_asked_alike() {
        let dice = Dice::seeded(8);
        let mut asked = [0; 5];
        for _ in 0..10_000 {
            // Nearly equal is equal.
            let cost = |n: &usize| Duration::from_millis([20, 21, 22, 23, 24][*n]);
            asked[*better_of_two(&[0, 1, 2, 3, 4], &dice, cost).unwrap()] += 1;
        }
        assert!(asked.iter().all(|n| (1800..2200).contains(n)), "{asked:?}");
    }

    #[test]
    fn one_or_none() {
        let dice = Dice::seeded(9);
        assert_eq!(better_of_two(&[5], &dice, |_| Duration::ZERO), Some(&5));
        assert_eq!(better_of_two(&[0; 0], &dice, |_| Duration::ZERO), None);
    }
}
