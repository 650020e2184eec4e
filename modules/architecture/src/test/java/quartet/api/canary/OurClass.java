package quartet.api.canary;

/** A class of ours, to be extended by one that must not. */
public class OurClass {}
