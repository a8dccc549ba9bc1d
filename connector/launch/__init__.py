"""Stage: an EHR's launch to Launch. Builds and checks SMART App Launch messages; never talks to an unregistered EHR."""
