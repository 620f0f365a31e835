"""What must travel: DHCP, carried by hand between edge ports."""
