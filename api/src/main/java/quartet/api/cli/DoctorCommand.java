package quartet.api.cli;

import java.io.PrintWriter;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.doctor.Finding;
import quartet.api.doctor.GpuProbe;
import quartet.api.doctor.MachineChecks;
import quartet.api.doctor.ProxyCheck;
import quartet.api.wire.Json;

/** {@code quartet doctor}: looks at the machine and says what to do for each finding. */
@CommandLine.Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description =
        "Checks Java, driver, libraries, devices, port, folders, disk, memory, models and proxies.")
final class DoctorCommand implements Callable<Integer> {
  private final GpuProbe gpus;

  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

  @CommandLine.Option(
      names = "--base-directory",
      description = "Folder with models, output, data (default: where Quartet is installed).")
  private Path base = Path.of(System.getProperty("quartet.home", "."));

  @CommandLine.Option(names = "--port", defaultValue = "8188", description = "The server's port.")
  private int port = 8188;

  @CommandLine.Option(
      names = "--proxy",
      paramLabel = "URL",
      description = "A proxy's address to ask for its GPU, for example http://localhost:8181.")
  private List<String> proxies = new ArrayList<>();

  @CommandLine.Option(names = "--json", description = "Prints the findings as JSON.")
  private boolean json;

  DoctorCommand(GpuProbe gpus) {
    this.gpus = gpus;
  }

  @Override
  public Integer call() {
    List<Finding> findings =
        new ArrayList<>(new MachineChecks(base, port, System.getenv(), gpus).run());
    try (HttpClient client = HttpClient.newHttpClient()) {
      ProxyCheck proxy = new ProxyCheck(client);
      proxies.forEach(address -> findings.add(proxy.look(address)));
    }
    PrintWriter out = java.util.Objects.requireNonNull(spec).commandLine().getOut();
    out.print(json ? asJson(findings) : asText(findings));
    out.flush();
    return findings.stream().anyMatch(finding -> finding.level() == Finding.Level.BAD) ? 1 : 0;
  }

  private static String asText(List<Finding> findings) {
    StringBuilder text = new StringBuilder();
    for (Finding finding : findings) {
      text.append(
          "%s %-15s %s%n".formatted(finding.level().mark(), finding.subject(), finding.detail()));
      if (finding.advice() != null) {
        text.append("   %-15s → %s%n".formatted("", finding.advice()));
      }
    }
    return text.toString();
  }

  private static String asJson(List<Finding> findings) {
    var list = Json.object().putArray("findings");
    for (Finding finding : findings) {
      list.addObject()
          .put("level", finding.level().name().toLowerCase(java.util.Locale.ROOT))
          .put("subject", finding.subject())
          .put("detail", finding.detail())
          .put("advice", finding.advice());
    }
    return Json.text(list) + System.lineSeparator();
  }
}
