"""The course as a program: its commands, its environment, the learner's copies. No lesson code."""
