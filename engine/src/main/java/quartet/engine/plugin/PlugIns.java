package quartet.engine.plugin;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import quartet.engine.node.NodePack;

/**
 * The plug-ins that were found at start.
 *
 * @param packs their node packs
 * @param problems jars that could not be used, and why, for the log
 * @param findings devices named in their code
 */
public record PlugIns(
    List<NodePack> packs, List<String> problems, List<DeviceHardcoding.Finding> findings) {
  /** Copies the lists. */
  public PlugIns {
    packs = List.copyOf(packs);
    problems = List.copyOf(problems);
    findings = List.copyOf(findings);
  }

  /** Loads every jar of a folder; a jar that is broken is reported and left out, never fatal. */
  public static PlugIns load(Path folder) {
    List<NodePack> packs = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    List<DeviceHardcoding.Finding> findings = new ArrayList<>();
    for (Path jar : jars(folder, problems)) {
      try {
        findings.addAll(DeviceHardcoding.in(jar));
        List<NodePack> found = packsOf(jar);
        if (found.isEmpty()) {
          problems.add(
              "plug-in %s is left out: it has no META-INF/services/%s"
                  .formatted(jar.getFileName(), NodePack.class.getName()));
        }
        packs.addAll(found);
      } catch (IOException | ServiceConfigurationError | LinkageError | RuntimeException e) {
        problems.add(
            "plug-in %s is left out: %s. It must be a jar with META-INF/services/%s"
                .formatted(jar.getFileName(), e, NodePack.class.getName()));
      }
    }
    return new PlugIns(packs, problems, findings);
  }

  /** The packs that this jar names; what is on the server's own class path does not count. */
  private static List<NodePack> packsOf(Path jar) throws MalformedURLException {
    URLClassLoader loader = loader(jar);
    return ServiceLoader.load(NodePack.class, loader).stream()
        .filter(provider -> loader.equals(provider.type().getClassLoader()))
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  private static List<Path> jars(Path folder, List<String> problems) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      problems.add("cannot list the plug-ins in " + folder + ": " + e);
      return List.of();
    }
  }

  /** Lives as long as the process: nodes may load classes whenever they run. */
  private static URLClassLoader loader(Path jar) throws MalformedURLException {
    return new URLClassLoader(
        jar.getFileName().toString(),
        new URL[] {jar.toUri().toURL()},
        NodePack.class.getClassLoader());
  }
}
