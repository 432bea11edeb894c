"""What a campaign will take, from a short trial: hours, dockings, disk, memory."""
