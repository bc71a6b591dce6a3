//! AWS-LC as Keyward uses it: AEAD, hash, key exchange, signatures, raw RSA and constant-time unpadding.
