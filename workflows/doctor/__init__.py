"""One tiny task per pool of a site, and what its answer means."""
