"""What F50 deploys: put before everything else on the path of a service."""
