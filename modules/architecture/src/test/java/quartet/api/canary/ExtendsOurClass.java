package quartet.api.canary;

/** Breaks: no inheritance between our classes. */
public final class ExtendsOurClass extends OurClass {}
