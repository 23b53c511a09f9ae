"""What is proven about the controller, and the proof runner."""
