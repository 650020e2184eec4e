package quartet.api;

import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import quartet.api.cli.QuartetCommand;

/** Starts the command line. The only class that knows every module. */
public final class Main {
  private static final DateTimeFormatter FILE_TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd_HHmmss", Locale.ROOT);

  private Main() {}

  /** Runs one command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    prepareLogging(List.of(args));
    int exit;
    try (LocalBackends backends = new LocalBackends()) {
      exit = QuartetCommand.execute(backends, new CudaProbe(), args);
    }
    System.exit(exit);
  }

  /** Before the first logger: only a server logs its course, and only it has a log file. */
  private static void prepareLogging(List<String> args) {
    System.setProperty("java.awt.headless", "true");
    if (args.contains("serve")) {
      String start = LocalDateTime.now(ZoneId.systemDefault()).format(FILE_TIME);
      Path logs = Path.of(baseDirectory(args)).resolve("logs");
      System.setProperty("quartet.log.file", logs.resolve("comfyui_" + start + ".log").toString());
    } else {
      System.setProperty("quartet.log.console", "WARN");
    }
    if (args.contains("gpu-worker")) {
      System.setProperty("quartet.log.console", "INFO");
      System.setOut(System.err); // its output carries messages, and its log goes to the parent's
    }
  }

  private static String baseDirectory(List<String> args) {
    String option = "--base-directory";
    for (int i = 0; i < args.size(); i++) {
      if (args.get(i).equals(option) && i + 1 < args.size()) {
        return args.get(i + 1);
      }
      if (args.get(i).startsWith(option + "=")) {
        return args.get(i).substring(option.length() + 1);
      }
    }
    return System.getProperty("quartet.home", ".");
  }
}
