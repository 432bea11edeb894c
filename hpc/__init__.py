"""Where it runs: sites and the Parsl configurations made from them."""
