//! The key server: key stores, policy, workers, listeners.
