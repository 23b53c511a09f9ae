"""What lies behind the pins of a controller: the array, and the parts of serial front ends."""
