package quartet.engine.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import quartet.engine.node.NodePack;

/** Compiles plug-ins and packs them into jars. */
final class Jars {
  static final String SERVICES = "META-INF/services/" + NodePack.class.getName();

  private Jars() {}

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String className, String text) {
      super(URI.create("string:///" + className.replace('.', '/') + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  /** The source of a pack with one node; {@code body} is the body of the node's {@code run}. */
  static String pack(String simpleName, String nodeClass, String body) {
    return """
        package example;
        import java.util.List;
        import quartet.engine.node.*;
        public final class %1$s implements NodePack {
          public String name() { return "%1$s"; }
          public List<Node> nodes() { return List.of(new TheNode()); }
          static final class TheNode implements Node {
            static final Input.IntInput VALUE = Input.integer("value", 0, 0, 100, 1);
            public NodeSchema schema() {
              return NodeSchema.named("%2$s").required(VALUE).returns(PortType.INT).build();
            }
            public NodeResult run(NodeInputs inputs, NodeContext context) { %3$s }
          }
        }
        """
        .formatted(simpleName, nodeClass, body);
  }

  /** Compiles {@code example.<simpleName>} and packs it with its services file. */
  static Path compiled(Path folder, String simpleName, String source) throws IOException {
    Path classes = Files.createTempDirectory(folder, "classes");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    boolean done =
        compiler
            .getTask(
                messages,
                null,
                null,
                List.of("-d", classes.toString(), "-proc:none"),
                null,
                List.of(new Source("example." + simpleName, source)))
            .call();
    assertThat(done).as(messages.toString()).isTrue();
    Path jar = folder.resolve(simpleName + ".jar");
    try (OutputStream file = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(file);
        var found = Files.walk(classes)) {
      zip.putNextEntry(new ZipEntry(SERVICES));
      zip.write(("example." + simpleName + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8));
      for (Path each : found.filter(Files::isRegularFile).toList()) {
        zip.putNextEntry(new ZipEntry(classes.relativize(each).toString()));
        zip.write(Files.readAllBytes(each));
      }
    }
    return jar;
  }

  /** A jar of these entries. */
  static Path of(Path jar, Map<String, byte[]> entries) throws IOException {
    try (OutputStream file = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(file)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
      }
    }
    return jar;
  }

  /** The jar's entries again, with one function over the class files. */
  static void rewriteClasses(Path jar, java.util.function.UnaryOperator<byte[]> change)
      throws IOException {
    Map<String, byte[]> entries = new java.util.LinkedHashMap<>();
    try (java.util.zip.ZipFile zip = new java.util.zip.ZipFile(jar.toFile())) {
      for (ZipEntry entry :
          (Iterable<ZipEntry>) () -> zip.stream().<ZipEntry>map(e -> e).iterator()) {
        byte[] bytes = zip.getInputStream(entry).readAllBytes();
        entries.put(
            entry.getName(), entry.getName().endsWith(".class") ? change.apply(bytes) : bytes);
      }
    }
    of(jar, entries);
  }
}
