package quartet.cluster.gpu;

/** Whether a device takes prompts. */
enum GpuHealth {
  /** It does. */
  READY,
  /** Not before a warm-up has shown that it works. */
  UNPROVEN,
  /** Never again in this process. */
  LOST;

  /**
   * At the start of its actor. The first time it is believed; after a failure it has to show that
   * it works.
   *
   * @param startsBefore how often its actor was started before
   */
  static GpuHealth atStart(int startsBefore) {
    return startsBefore == 0 ? READY : UNPROVEN;
  }

  /** A warm-up went well. */
  GpuHealth warmedUp() {
    return this == LOST ? LOST : READY;
  }
}
