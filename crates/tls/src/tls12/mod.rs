//! What both sides of TLS 1.2 do the same way.

mod certificate_request;
mod finished;
mod key_exchange;
mod renegotiation;

pub(crate) use certificate_request::{certificate_types, fits_type};
pub(crate) use finished::{check_finished, send_finished};
pub(crate) use key_exchange::{
    ServerParams, SignedParams, agree, client_key_exchange, client_public, curve, is_tls12_group,
    master_secret, respond,
};
pub(crate) use renegotiation::{MAX_RENEGOTIATIONS, Previous};
