"""Personal data: what is held about somebody, erasing it for good, and how long anything is kept at all."""
