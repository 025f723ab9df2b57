//! The binary against a mock API server.
