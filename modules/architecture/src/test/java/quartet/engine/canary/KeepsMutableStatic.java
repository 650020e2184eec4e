package quartet.engine.canary;

/** Breaks: no mutable statics. */
public final class KeepsMutableStatic {
  static int counter;

  private KeepsMutableStatic() {}
}
