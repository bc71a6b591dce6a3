//! A bound on what is asked twice: so that hedging, which helps where one key server is slow, does not double the load where
//! all of them are.

/// A bucket of tokens that requests fill and hedges empty.
#[derive(Debug)]
pub(crate) struct Budget {
    tokens: f64,
    per_request: f64,
}

/// Hedges in a row, after a time without any.
const BURST: f64 = 10.0;

impl Budget {
    /// Lets `percent` of the requests be hedged.
    pub(crate) fn new(percent: u8) -> Self {
        Self {
            tokens: if percent == 0 { 0.0 } else { BURST },
            per_request: f64::from(percent) / 100.0,
        }
    }

    /// A request was sent.
    pub(crate) fn request(&mut self) {
        self.tokens = (self.tokens + self.per_request).min(BURST);
    }

    /// Whether there may be a hedge; if so it is counted.
    pub(crate) fn take(&mut self) -> bool {
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_twenty_may_be_hedged() {
        let mut budget = Budget::new(5);
        let burst = (0..100).filter(|_| budget.take()).count();
        assert_eq!(burst, 10);
        let hedges = (0..1000)
            .filter(|_| {
                budget.request();
                budget.take()
            })
            .count();
        assert!((49..=50).contains(&hedges), "{hedges}");
    }

    #[test]
    fn none_is_none() {
        let mut budget = Budget::new(0);
        for _ in 0..1000 {
            budget.request();
            assert!(!budget.take());
        }
    }
}
