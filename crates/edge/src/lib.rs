//! The edge: listeners, sites, resumption, HTTP and TCP proxying.
