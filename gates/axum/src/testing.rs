//! Tests of your service.
