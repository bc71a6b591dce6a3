//! What a ClientHello offers for TLS 1.3: key shares, a PSK, early data.

use keyward_crypto::key_exchange::{Group, KeyPair};
use keyward_wire::extensions::KeyShareEntry;
use keyward_wire::handshake;
use keyward_wire::values::NamedGroup;

use super::hello_retry::Retry;
use super::psk;
use crate::client::{Context, Hello, client_hello};
use crate::config::KeyShares;
use crate::error::Error;
use crate::grease;
use crate::negotiated::NoEarlyData;

/// What goes with a ClientHello that offers TLS 1.3.
pub(crate) struct Offer {
    /// Our halves of the key shares.
    pub(super) shares: Vec<(Group, KeyPair)>,
    /// Whether early data follows, or has followed, the first ClientHello, or why not.
    pub(super) early_data: Result<(), NoEarlyData>,
    /// If this is the second ClientHello.
    pub(super) retry: Option<Retry>,
}

impl Offer {
    /// Puts key shares and the session into the first ClientHello.
    pub(crate) fn new(hello: &mut Hello, cx: &mut Context<'_>) -> Result<Self, Error> {
        let mut groups = client_hello::groups(&cx.config.policy);
        match &cx.config.key_shares {
            KeyShares::First(count) => groups.truncate(*count),
            KeyShares::Of(shared) => {
                groups.retain(|group| shared.contains(&NamedGroup(group.code())));
            }
        }
        let shares = groups
            .into_iter()
            // RFC 9846 §4.3.8: "The key_exchange values for each KeyShareEntry MUST be generated
            // independently."
            .map(|group| generate(group, cx))
            .collect::<Result<Vec<_>, _>>()?;
        let mut offer = Self {
            shares,
            early_data: Err(NoEarlyData::NoSession),
            retry: None,
        };
        offer.put_shares(hello);
        // Not after a HelloRetryRequest: the shares are then the one that it asks for.
        grease::put_share(&mut hello.hello);
        psk::offer(hello, cx.now);
        offer.early_data = psk::may_send_early_data(hello, cx);
        hello.hello.extensions.early_data = offer.early_data.is_ok();
        Ok(offer)
    }

    /// RFC 9846 §4.3.8: "client_shares: A list of offered KeyShareEntry values in descending order of client
    /// preference."
    pub(super) fn put_shares(&self, hello: &mut Hello) {
        let entries = self.shares.iter().map(|(group, key_pair)| KeyShareEntry {
            group: NamedGroup(group.code()),
            key_exchange: key_pair.public().to_vec(),
        });
        hello.hello.extensions.key_share = Some(entries.collect());
    }

    /// The ClientHello as a whole message, its binder computed.
    pub(crate) fn to_message(&self, hello: &Hello) -> Result<Vec<u8>, Error> {
        let mut message = handshake::to_message(&hello.hello);
        let transcript = self.retry.as_ref().map(|retry| &retry.transcript);
        psk::put_binder(hello, transcript, &mut message)?;
        Ok(message)
    }

    /// Whether the server has asked for this ClientHello.
    pub(crate) fn is_retried(&self) -> bool {
        self.retry.is_some()
    }

    /// Whether early data was announced in this ClientHello or the one before it.
    pub(crate) fn offers_early_data(&self) -> bool {
        self.early_data.is_ok()
    }
}

/// A fresh share. RFC 9846 §4.3.8: "Clients and Servers MUST NOT reuse a key share for multiple connections."
pub(super) fn generate(group: Group, cx: &Context<'_>) -> Result<(Group, KeyPair), Error> {
    cx.config
        .random
        .key_pair(group)
        .map(|key_pair| (group, key_pair))
        .map_err(|_| Error::Internal("key generation"))
}
