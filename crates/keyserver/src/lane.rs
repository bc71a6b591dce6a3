//! Jobs of one kind, fair among edges: deficit round robin.
//!
//! Each edge that has jobs waiting is served in turn, for as much as [`QUANTUM`] costs. So an edge that floods the key server
//! delays its own requests; another's single request waits for one turn of each, however many connections the flood is on.
//! (Shreedhar and Varghese, Efficient Fair Queueing using Deficit Round Robin, 1996.)

use std::collections::{HashMap, VecDeque};

use crate::places::PlaceId;

/// What a job costs, in about what a signature with P-256 does (15 µs).
pub(crate) type Cost = u32;

/// Of each turn. Not less than the dearest job, or turns would be passed over; of the cheapest it is two milliseconds' worth.
pub(crate) const QUANTUM: Cost = 128;

/// The jobs of one lane.
#[derive(Debug)]
pub(crate) struct Lane<T> {
    by_edge: HashMap<PlaceId, Waiting<T>>,
    /// Those that have jobs, in the order of their turns.
    turns: VecDeque<PlaceId>,
    len: usize,
    quantum: Cost,
}

#[derive(Debug)]
struct Waiting<T> {
    jobs: VecDeque<(Cost, T)>,
    /// What it may still spend in this turn.
    deficit: Cost,
    /// Whether its turn has begun.
    in_turn: bool,
}

impl<T> Lane<T> {
    /// With turns of this cost.
    pub(crate) fn new(quantum: Cost) -> Self {
        Self {
            by_edge: HashMap::new(),
            turns: VecDeque::new(),
            len: 0,
            quantum,
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many of this edge's wait.
    pub(crate) fn len_of(&self, edge: PlaceId) -> usize {
        self.by_edge.get(&edge).map_or(0, |own| own.jobs.len())
    }

    /// Adds a job of this edge's.
    pub(crate) fn push(&mut self, edge: PlaceId, cost: Cost, job: T) {
        let own = self.by_edge.entry(edge).or_insert_with(|| {
            self.turns.push_back(edge);
            Waiting {
                jobs: VecDeque::new(),
                deficit: 0,
                in_turn: false,
            }
        });
        own.jobs.push_back((cost, job));
        self.len += 1;
    }

    /// The next job, and what it costs.
    pub(crate) fn pop(&mut self) -> Option<(Cost, T)> {
        loop {
            let edge = *self.turns.front()?;
            let own = self
                .by_edge
                .get_mut(&edge)
                .expect("who has a turn has jobs");
            if !own.in_turn {
                own.in_turn = true;
                own.deficit = own.deficit.saturating_add(self.quantum);
            }
            let (cost, _) = *own.jobs.front().expect("who has a turn has jobs");
            if cost > own.deficit {
                // What is left is for the next turn.
                own.in_turn = false;
                self.turns.rotate_left(1);
                continue;
            }
            own.deficit -= cost;
            let job = own.jobs.pop_front();
            if own.jobs.is_empty() {
                // Who asks for nothing saves nothing up.
                self.by_edge.remove(&edge);
                self.turns.pop_front();
            }
            self.len -= 1;
            return job;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lane: &mut Lane<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| lane.pop())
            .map(|(_, job)| job)
            .collect()
    }

    fn position(order: &[&str], job: &str) -> usize {
        order.iter().position(|found| *found == job).unwrap()
    }

    #[test]
    fn a_flood_delays_anothers_single_request_by_one_turn() {
        let mut lane = Lane::new(8);
        for _ in 0..10_000 {
            lane.push(1, 1, "flood");
        }
        lane.push(2, 1, "single");
        assert_eq!(position(&order(&mut lane), "single"), 8);
    }

    #[test]
    fn among_many_floods_each_single_request_waits_one_turn_of_each() {
        let mut lane = Lane::new(8);
        for edge in 0..10 {
            for _ in 0..1000 {
                lane.push(edge, 1, "flood");
            }
        }
        lane.push(10, 1, "single");
        assert_eq!(position(&order(&mut lane), "single"), 80);
    }

    #[test]
    fn shares_are_equal_in_cost_not_in_number() {
        let mut lane = Lane::new(8);
        for _ in 0..1000 {
            lane.push(1, 8, "dear");
            lane.push(2, 1, "cheap");
        }
        let first: Vec<_> = order(&mut lane).into_iter().take(900).collect();
        let dear = first.iter().filter(|job| **job == "dear").count();
        assert_eq!(
            dear, 100,
            "as much is spent on 100 of them as on 800 cheap ones"
        );
    }

    #[test]
    fn what_a_turn_leaves_is_there_in_the_next_and_gone_with_the_last_job() {
        let mut lane = Lane::new(8);
        for _ in 0..4 {
            lane.push(1, 6, "six");
            lane.push(2, 8, "eight");
        }
        // Edge 1 has 2 left after its first turn, 4 after its second, 6 after its third: then two at once.
        let expected = [
            "six", "eight", "six", "eight", "six", "six", "eight", "eight",
        ];
        assert_eq!(order(&mut lane), expected);
        lane.push(1, 8, "anew");
        assert_eq!(lane.by_edge[&1].deficit, 0);
        assert_eq!((lane.len(), lane.len_of(1), lane.len_of(2)), (1, 1, 0));
    }
}
