//! Handshake records and their drawing.
