"""The configuration files of Mobile IPv6 daemons: mip6d.conf and radvd.conf, read with the place of every value."""
