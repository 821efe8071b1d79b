"""One module a server: how it is started on loopback, who may log in, how it is stopped."""
