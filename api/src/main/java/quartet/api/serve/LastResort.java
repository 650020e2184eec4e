package quartet.api.serve;

/**
 * The end of a process that has lost a device: nothing in it can use the device again. Whoever
 * started it (the {@code quartet} script, systemd) starts another one, which goes on with the
 * journal.
 */
public final class LastResort {
  /** By this code the {@code quartet} script knows that it shall start the server again. */
  public static final int EXIT_CODE = 86;

  private LastResort() {}

  /** Ends the process without waiting for threads that hang in a driver. */
  static void exit() {
    Runtime.getRuntime().halt(EXIT_CODE);
  }
}
