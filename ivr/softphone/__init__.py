"""A telephone for trying and testing: SIPp speaks SIP in a process of its own, we speak RTP."""
