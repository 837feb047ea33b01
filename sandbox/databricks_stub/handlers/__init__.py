"""Handlers: parse a call, use the services, encode the answer; no state and no execution of their own."""
