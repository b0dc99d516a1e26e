"""What the runs of faults share: replicas, databases, a proxy that breaks connections, clients, load, the table."""
