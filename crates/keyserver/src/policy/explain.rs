//! What the rules say of a request that nobody makes: the same judges, asked aloud.

use std::path::PathBuf;

use keyward_config::{ConfigError, Position};
use keyward_keyop::{Names, OperationKind};
use keyward_protocol::RefusalReason;

use super::rule::{Asked, nearness};
use super::{Policy, refusal};
use crate::config::{Config, PeerAddress, Rate};
use crate::edge_identity::EdgeIdentity;
use crate::store::{self, KeySet};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub edge: EdgeIdentity,
    /// Where it connects from. `None`: wherever it may.
    pub from: Option<PeerAddress>,
    /// The key, as the configuration calls it.
    pub key: String,
    /// What for.
    pub operation: OperationKind,
    /// For which names.
    pub names: Names,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// [`RefusalReason::None`] if it is allowed, else what the edge would be told.
    pub refused: RefusalReason,
    /// Why, in words.
    pub cause: String,
    /// The rule that allows it, or the one that is nearest to it: its place among the rules, from 0.
    pub rule: Option<usize>,
    /// Where that rule is written.
    pub file: Option<PathBuf>,
    /// And where in the file.
    pub position: Option<Position>,
    /// How often that rule lets each edge ask. None is as often as it likes.
    pub rate: Option<Rate>,
    /// How often the key may be used, by all edges together.
    pub key_rate: Option<Rate>,
}

impl Explanation {
    /// Whether it is allowed. The rates may still be exceeded when it is asked.
    pub fn is_allowed(&self) -> bool {
        self.refused == RefusalReason::None
    }
}

impl Config {
    /// Says whether the rules allow a request, and which of them. The keys are read, and nothing is changed.
    ///
    /// # Errors
    /// If the keys cannot be read.
    pub fn explain(&self, question: &Question) -> Result<Explanation, ConfigError> {
        let opened =
            store::open(&self.keys, &[], None).map_err(|problem| self.keys_problem(&problem))?;
        let policy = Policy::new(self, &opened.keys);
        let mut explanation = policy.explain(question, &opened.keys);
        if let Some(index) = explanation.rule {
            let place = self.problem(&format!("edge[{index}]"), "", "");
            explanation.file = place.file;
            explanation.position = place.position;
        }
        Ok(explanation)
    }
}

impl Policy {
    fn explain(&self, question: &Question, keys: &KeySet) -> Explanation {
        let mut explanation = Explanation {
            refused: RefusalReason::None,
            cause: String::new(),
            rule: None,
            file: None,
            position: None,
            rate: None,
            key_rate: None,
        };
        let Some(key) = keys.keys().iter().find(|key| key.is_called(&question.key)) else {
            explanation.refused = RefusalReason::Key;
            explanation.cause = format!("there is no key `{}`", question.key);
            return explanation;
        };
        let asked = Asked {
            key: key.id(),
            operation: question.operation,
            names: Some(&question.names),
        };
        explanation.key_rate = self.key_rates.get(&key.id()).map(|key| key.rate);
        let judged = self.rules.iter().map(|rule| {
            let judged = rule
                .is_about(&question.edge, question.from)
                .and_then(|()| rule.judge(&asked));
            (rule, judged.err())
        });
        // The first rule that allows it; else, of those that got furthest, the first.
        let nearest = judged
            .min_by_key(|(_, refused)| refused.map_or(0, |reason| u8::MAX - nearness(reason)));
        explanation.refused = RefusalReason::Edge;
        if let Some((rule, refused)) = nearest {
            explanation.refused = refused.unwrap_or(RefusalReason::None);
            if explanation.refused != RefusalReason::Edge {
                explanation.rule = Some(rule.index);
                explanation.rate = rule.rates.as_ref().map(|rates| rates.rate);
            }
        }
        explanation.cause = match explanation.refused {
            RefusalReason::None if !self.key_operations(key).contains(&question.operation) => {
                explanation.refused = RefusalReason::Operation;
                format!(
                    "the rules allow it, but key {} is not enabled for {}: see [keys]",
                    key.label(),
                    question.operation
                )
            }
            RefusalReason::None => "the rule allows it".to_owned(),
            reason => refusal(reason, &asked).cause,
        };
        explanation
    }
}
