//! Session ticket keys that come from the key server: edges that have the same ones resume each other's sessions.

use std::sync::Arc;
use std::time::Duration;

use keyward_config::NamePattern;
use keyward_crypto::CryptoError;
use keyward_crypto::random::SecureRandom;
use keyward_keyclient::{TenantTicketKeys, TicketKeys as Received};
use keyward_tls::SessionState;
use keyward_tls::tickets::TicketKeys;
use tokio::time::Instant;

/// How many epochs an edge goes on without a key server: whoever has stolen its keys reads no longer than that.
const ALONE: u32 = 2;

/// The keys of one epoch and the next.
#[derive(Debug)]
pub(crate) struct SharedTickets {
    /// When the next epoch begins.
    next: Instant,
    epoch: Duration,
    tenants: Vec<Tenant>,
}

/// The keys for one set of names.
#[derive(Debug)]
struct Tenant {
    names: Vec<Names>,
    now: TicketKeys,
    in_the_next: TicketKeys,
    after_that: TicketKeys,
}

#[derive(Debug)]
enum Names {
    All,
    Pattern(NamePattern),
}

impl Names {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "*" => Some(Self::All),
            // What a later key server writes in another way is a name of no site here.
            pattern => pattern.parse().ok().map(Self::Pattern),
        }
    }

    fn covers(&self, name: &NamePattern) -> bool {
        match self {
            Self::All => true,
            Self::Pattern(pattern) => pattern.covers(name),
        }
    }
}

impl SharedTickets {
    pub(crate) fn new(
        received: &Received,
        now: Instant,
        random: &Arc<dyn SecureRandom>,
    ) -> Result<Self, CryptoError> {
        let tenants = received
            .tenants
            .iter()
            .map(|keys| Tenant::new(keys, random));
        Ok(Self {
            next: now + Duration::from_millis(received.next_ms.into()),
            epoch: Duration::from_secs(received.epoch_s.into()),
            tenants: tenants.collect::<Result<_, _>>()?,
        })
    }

    /// When to ask the key server again: in the middle of what is left of the epoch, so that edges do not all ask at once, and
    /// soon if the epoch is over.
    pub(crate) fn ask_again(&self, now: Instant) -> Duration {
        let left = self.next.saturating_duration_since(now);
        (left / 2).max(self.epoch / 60).max(Duration::from_secs(1))
    }

    /// The ticket for a session of a site with these names, if there is a key for all of them.
    pub(crate) fn seal(
        &self,
        state: &SessionState,
        site: &[NamePattern],
        now: Instant,
    ) -> Option<Vec<u8>> {
        let tenant = self.tenants.iter().find(|tenant| tenant.covers(site))?;
        tenant.keys(self.epochs_over(now))?.seal(state)
    }

    /// The session in a ticket for a site with these names that some edge with the same keys has sealed.
    pub(crate) fn open(
        &self,
        ticket: &[u8],
        site: &[NamePattern],
        now: Instant,
    ) -> Option<SessionState> {
        let over = self.epochs_over(now);
        self.tenants
            .iter()
            .filter(|tenant| tenant.covers(site))
            .find_map(|tenant| tenant.keys(over)?.open(ticket))
    }

    /// How many epochs have begun since the keys came.
    fn epochs_over(&self, now: Instant) -> u32 {
        match now.checked_duration_since(self.next) {
            None => 0,
            Some(since) if self.epoch.is_zero() => {
                u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
            }
            Some(since) => {
                let epochs = since.as_millis() / self.epoch.as_millis().max(1);
                u32::try_from(epochs).unwrap_or(u32::MAX - 1) + 1
            }
        }
    }
}

impl Tenant {
    fn new(keys: &TenantTicketKeys, random: &Arc<dyn SecureRandom>) -> Result<Self, CryptoError> {
        let ring = |keys: &[[u8; 32]]| TicketKeys::new(keys, Arc::clone(random));
        let (current, next) = (*keys.current, *keys.next);
        Ok(Self {
            names: keys
                .names
                .iter()
                .filter_map(|name| Names::parse(name))
                .collect(),
            now: match &keys.previous {
                Some(previous) => ring(&[current, **previous, next])?,
                None => ring(&[current, next])?,
            },
            in_the_next: ring(&[next, current])?,
            after_that: ring(&[next])?,
        })
    }

    fn covers(&self, site: &[NamePattern]) -> bool {
        match site {
            // The site for clients that name none.
            [] => self.names.iter().any(|names| matches!(names, Names::All)),
            site => site
                .iter()
                .all(|name| self.names.iter().any(|names| names.covers(name))),
        }
    }

    fn keys(&self, epochs_over: u32) -> Option<&TicketKeys> {
        match epochs_over {
            0 => Some(&self.now),
            1 => Some(&self.in_the_next),
            over if over <= ALONE => Some(&self.after_that),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::random::SystemRandom;
    use zeroize::Zeroizing;

    use super::*;
    use crate::resumption::tests::session;

    fn names(names: &[&str]) -> Vec<NamePattern> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    /// Keys of epoch `n`, of an hour, which came in its middle.
    fn keys(n: u8, now: Instant) -> SharedTickets {
        let received = Received {
            epoch: n.into(),
            epoch_s: 3600,
            next_ms: 1_800_000,
            tenants: vec![TenantTicketKeys {
                names: vec!["*.example".to_owned(), "b.test".to_owned()],
                previous: n.checked_sub(1).map(|n| Zeroizing::new([n; 32])),
                current: Zeroizing::new([n; 32]),
                next: Zeroizing::new([n + 1; 32]),
            }],
        };
        let random: Arc<dyn SecureRandom> = Arc::new(SystemRandom);
        SharedTickets::new(&received, now, &random).unwrap()
    }

    #[test]
    fn a_ticket_opens_in_its_epoch_and_the_next() {
        let now = Instant::now();
        let ticket = keys(5, now)
            .seal(&session(), &names(&["a.example"]), now)
            .unwrap();
        for (epoch, opens) in [(4, true), (5, true), (6, true), (7, false), (3, false)] {
            assert_eq!(
                keys(epoch, now)
                    .open(&ticket, &names(&["a.example"]), now)
                    .is_some(),
                opens,
                "{epoch}"
            );
        }
    }

    #[test]
    fn an_edge_goes_on_alone_for_two_epochs() {
        let now = Instant::now();
        let keys_5 = keys(5, now);
        let site = names(&["a.example"]);
        let later = |minutes: u64| now + Duration::from_secs(60 * minutes);
        for (minutes, sealed_with) in [
            (0, Some(5)),
            (29, Some(5)),
            (31, Some(6)),
            (91, Some(6)),
            (149, Some(6)),
            (151, None),
        ] {
            let ticket = keys_5.seal(&session(), &site, later(minutes));
            let Some(epoch) = sealed_with else {
                assert_eq!(ticket, None, "{minutes}");
                continue;
            };
            // Two epochs on only its own key opens.
            let opens = |n: u8| {
                keys(n + 1, now)
                    .open(ticket.as_deref().unwrap(), &site, later(0))
                    .is_some()
            };
            assert!(opens(epoch) && !opens(epoch + 1), "{minutes}");
            assert!(
                keys_5
                    .open(ticket.as_deref().unwrap(), &site, later(minutes))
                    .is_some()
            );
        }
        let early = keys_5.seal(&session(), &site, now).unwrap();
        assert!(keys_5.open(&early, &site, later(89)).is_some());
        assert!(keys_5.open(&early, &site, later(91)).is_none());
    }

    #[test]
    fn a_site_has_a_key_if_all_its_names_are_covered() {
        let now = Instant::now();
        let keys = keys(5, now);
        for (site, sealed) in [
            (&["a.example"][..], true),
            (&["a.example", "b.test"], true),
            (&["*.example"], true),
            (&["a.example", "c.test"], false),
            (&[], false),
        ] {
            let ticket = keys.seal(&session(), &names(site), now);
            assert_eq!(ticket.is_some(), sealed, "{site:?}");
            // Nor does a ticket that the holder of a key has made for another site open there.
            let ticket = keys.seal(&session(), &names(&["a.example"]), now).unwrap();
            let opened = keys.open(&ticket, &names(site), now);
            assert_eq!(opened.is_some(), sealed, "{site:?}");
        }
    }

    #[test]
    fn it_asks_again_before_the_next_epoch() {
        let now = Instant::now();
        let keys = keys(5, now);
        assert_eq!(keys.ask_again(now), Duration::from_secs(900));
        assert_eq!(
            keys.ask_again(now + Duration::from_secs(9000)),
            Duration::from_secs(60)
        );
    }
}
