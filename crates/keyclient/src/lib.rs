//! The edge's client to key servers: multiplexing, deadlines, reconnect.
