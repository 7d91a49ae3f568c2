"""Speed on one core: Perigee's encode and decode beside OpenJPEG's, taking turns in one run."""
