package quartet.api.telemetry;

import java.util.Locale;

/** Every figure of our own, with its name, kind and meaning. Units are seconds and bytes. */
public enum Figure {
  /** Prompts that wait for a device. */
  QUEUE_DEPTH("quartet.queue.depth", Kind.GAUGE, "Prompts that would run next on the GPU"),
  /** Prompts that run. */
  RUNNING("quartet.prompts.running", Kind.GAUGE, "Prompts that run on the GPU now: 0 or 1"),
  /** Whether a device takes prompts. */
  GPU_UP("quartet.gpu.up", Kind.GAUGE, "1 if the GPU works, 0 after a fault"),
  /** Whether an operator has stopped a device. */
  GPU_PAUSED("quartet.gpu.paused", Kind.GAUGE, "1 while the GPU is paused by an operator"),
  /** Which device a number is. */
  GPU_INFO("quartet.gpu.info", Kind.GAUGE, "Always 1; says which device a number is"),
  /** From acceptance to start. */
  QUEUE_WAIT("quartet.queue.wait", Kind.TIMER, "From acceptance to start"),
  /** From start to end. */
  PROMPT_DURATION("quartet.prompt.duration", Kind.TIMER, "From start to end"),
  /** Part of a prompt. */
  STAGE_DURATION("quartet.stage.duration", Kind.TIMER, "One node, by what it is there for"),
  /** One step of a sampler. */
  STEP_DURATION("quartet.step.duration", Kind.TIMER, "One step of a sampler"),
  /** Ends. */
  PROMPTS("quartet.prompts", Kind.COUNTER, "Prompts that ended, by outcome"),
  /** Failures. */
  FAILURES("quartet.prompt.failures", Kind.COUNTER, "Prompts that failed, by who has to act"),
  /** Refusals. */
  REJECTIONS("quartet.prompt.rejections", Kind.COUNTER, "Prompts that were refused, by reason"),
  /** Memory that was not enough. */
  OUT_OF_MEMORY("quartet.oom", Kind.COUNTER, "Times the GPU's memory was exhausted"),
  /** What prompts take of a device. */
  GPU_BUSY(
      "quartet.gpu.busy",
      Kind.TIMER,
      "Time on the GPU, of each prompt; 1 minus the rate of its sum is the share of idle time"),
  /** Devices that failed and were started again. */
  RESTARTS("quartet.gpu.restarts", Kind.COUNTER, "Times the GPU's worker was started again"),
  /** Devices that only a new process can use. */
  LOST("quartet.gpu.lost", Kind.COUNTER, "Times the GPU was lost to the process"),
  /** Checkpoints brought onto a device. */
  MODEL_LOADS("quartet.model.loads", Kind.COUNTER, "Checkpoints brought onto the GPU"),
  /** Checkpoints taken off a device. */
  MODEL_EVICTIONS("quartet.model.evictions", Kind.COUNTER, "Checkpoints taken off the GPU"),
  /** Whether prompts find their checkpoint on the device. */
  PLACEMENTS(
      "quartet.model.placements",
      Kind.COUNTER,
      "Prompts with a checkpoint: hit (it was there), load, or swap (another one had to go)"),
  /** Whether results were there already. */
  NODE_RESULTS("quartet.node.results", Kind.COUNTER, "Nodes that ran, or whose result was cached"),
  /** Mapped checkpoints. */
  HOST_WEIGHTS("quartet.host.weight", Kind.BYTES, "Checkpoints mapped once for all GPUs"),
  /** Mapped files. */
  HOST_FILES("quartet.host.weight.files", Kind.GAUGE, "Mapped checkpoints"),
  /** Opened files. */
  HOST_LOADS("quartet.host.weight.loads", Kind.COUNTER, "Checkpoints read from the disk"),
  /** A device's memory. */
  VRAM("quartet.gpu.memory", Kind.BYTES, "The GPU's memory after its last prompt, by use"),
  /** How busy a card is, by its own account. */
  GPU_UTILISATION(
      "quartet.gpu.utilisation", Kind.RATIO, "Share of the last moment in which the GPU computed"),
  /** What a card draws. */
  GPU_POWER("quartet.gpu.power", Kind.WATTS, "What the GPU draws now"),
  /** How hot a card is. */
  GPU_TEMPERATURE("quartet.gpu.temperature", Kind.CELSIUS, "Temperature of the GPU's chip"),
  /** Faults that a card tells of. */
  GPU_FAULTS("quartet.gpu.xid.errors", Kind.COUNTER, "Xid errors of the GPU, by code"),
  /** Servers that work together. */
  SERVERS("quartet.cluster.servers", Kind.GAUGE, "Servers of the cluster as this one sees them"),
  /** WebSocket clients. */
  CLIENTS("quartet.websocket.clients", Kind.GAUGE, "Connected WebSocket clients"),
  /** What slow clients miss. */
  DROPPED("quartet.websocket.dropped", Kind.COUNTER, "Messages dropped for slow clients, by kind"),
  /** The journal's answer time. */
  JOURNAL("quartet.journal.write", Kind.TIMER, "From the wish to store to the flush"),
  /** The journal's failures. */
  JOURNAL_FAILURES("quartet.journal.failures", Kind.COUNTER, "Writes that failed, each try"),
  /** Work in our actors. */
  ACTOR("quartet.actor.processing", Kind.TIMER, "One message in an actor"),
  /** Waiting messages of our actors. */
  MAILBOX("quartet.actor.mailbox", Kind.GAUGE, "Messages that wait for an actor"),
  /** The server as the operating system sees it. */
  RESIDENT("quartet.process.resident", Kind.BYTES, "Resident memory of the server's process"),
  /** Memory without mapped files. */
  ANONYMOUS("quartet.process.anonymous", Kind.BYTES, "The same without mapped files"),
  /** Java's heap. */
  HEAP("quartet.process.heap", Kind.BYTES, "Used Java heap"),
  /** What of it was in use when it was last collected: what a leak would raise. */
  HEAP_LIVE(
      "quartet.process.heap.after.gc", Kind.BYTES, "Used Java heap after the last collection"),
  /** Threads. */
  THREADS("quartet.process.threads", Kind.GAUGE, "Platform threads of the process"),
  /** File handles. */
  FILES("quartet.process.open.files", Kind.GAUGE, "Open file handles"),
  /** File handles allowed. */
  MAX_FILES("quartet.process.max.files", Kind.GAUGE, "Open file handles allowed"),
  /** Room for pictures. */
  DISK_FREE("quartet.disk.free", Kind.BYTES, "Free on the disk of the output folder"),
  /** The server's clock. */
  CLOCK("quartet.process.clock", Kind.SECONDS, "What the server's clock says, Unix time"),
  /** When the process started. */
  STARTED("quartet.process.start.time", Kind.SECONDS, "When the process started, Unix time");

  /** How it is kept. */
  enum Kind {
    /** Goes up only. */
    COUNTER,
    /** A value now. */
    GAUGE,
    /** A value now, in bytes. */
    BYTES,
    /** A value now, in seconds. */
    SECONDS,
    /** A value now, from 0 to 1. */
    RATIO,
    /** A value now, in watts. */
    WATTS,
    /** A value now, in degrees Celsius. */
    CELSIUS,
    /** A distribution of times. */
    TIMER
  }

  private final String key;
  private final Kind kind;
  private final String help;

  Figure(String key, Kind kind, String help) {
    this.key = key;
    this.kind = kind;
    this.help = help;
  }

  /** Kamon's name. Units that it does not know stand in the name. */
  String key() {
    return switch (kind) {
      case RATIO, WATTS, CELSIUS -> key + "." + kind.name().toLowerCase(Locale.ROOT);
      case COUNTER, GAUGE, BYTES, SECONDS, TIMER -> key;
    };
  }

  /** Whether only cards with sensors have it: it is absent elsewhere, and not zero. */
  public boolean needsSensors() {
    return this == GPU_UTILISATION
        || this == GPU_POWER
        || this == GPU_TEMPERATURE
        || this == GPU_FAULTS;
  }

  Kind kind() {
    return kind;
  }

  /** What it means. */
  public String help() {
    return help;
  }

  /** The name in a scrape, without {@code _bucket}, {@code _sum}, {@code _count}. */
  public String exported() {
    String name = key.replace('.', '_').toLowerCase(Locale.ROOT);
    return switch (kind) {
      case COUNTER -> name + "_total";
      case GAUGE -> name;
      case BYTES -> name + "_bytes";
      case TIMER, SECONDS -> name + "_seconds";
      case RATIO, WATTS, CELSIUS -> name + "_" + kind.name().toLowerCase(Locale.ROOT);
    };
  }
}
