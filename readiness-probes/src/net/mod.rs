//! Ports and plain TCP connections.
