"""The upstream file host, made local: a mirror of its addresses and a generator of archives in its format."""
