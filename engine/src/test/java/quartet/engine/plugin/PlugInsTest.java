package quartet.engine.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.fake.FakeContext;
import quartet.engine.node.Node;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodePack;
import quartet.engine.node.NodeRegistry;
import quartet.engine.nodes.CoreNodes;

/** Real jars, made while the test runs. */
class PlugInsTest {
  private static final String DOUBLE = "return NodeResult.of(inputs.get(VALUE) * 2);";

  @TempDir Path folder;
  @TempDir Path base;

  private NodeRegistry registry(PlugIns plugIns, List<String> rejected) {
    return NodeRegistry.of(new CoreNodes(), plugIns.packs(), rejected::add);
  }

  @Test
  void a_plug_in_s_node_is_found_and_runs() throws IOException {
    Jars.compiled(folder, "Doubler", Jars.pack("Doubler", "DoubleIt", DOUBLE));
    PlugIns plugIns = PlugIns.load(folder);
    assertThat(plugIns.problems()).isEmpty();
    assertThat(plugIns.findings()).isEmpty();
    assertThat(plugIns.packs()).extracting(NodePack::name).containsExactly("Doubler");
    List<String> rejected = new ArrayList<>();
    NodeRegistry.Registered found = registry(plugIns, rejected).find("DoubleIt").orElseThrow();
    assertThat(rejected).isEmpty();
    assertThat(found.schema().module()).isEqualTo("custom_nodes.Doubler");
    assertThat(
            found
                .node()
                .run(new NodeInputs(Map.of("value", 21L)), FakeContext.below(base))
                .outputs())
        .containsExactly(42L);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "return NodeResult.of((long) \"cuda:0\".length());|the text \"cuda:0\"",
        "return NodeResult.of((long) \"cpu:12\".length());|the text \"cpu:12\"",
        "return NodeResult.of((long) quartet.tensor.Device.cpu(0).index());|a call of Device.cpu",
        "return NodeResult.of((long) quartet.tensor.Device.parse(\"x\").index());|a call of Device.parse",
        "return NodeResult.of((long) new quartet.tensor.Device(quartet.tensor.Device.Kind.CUDA, 1).index());|a call of Device.<init>",
      })
  void a_class_that_names_a_device_is_found_with_its_plug_in(String body, String evidence)
      throws IOException {
    Jars.compiled(folder, "Fixed", Jars.pack("Fixed", "FixedDevice", body));
    PlugIns plugIns = PlugIns.load(folder);
    assertThat(plugIns.findings())
        .containsExactly(
            new DeviceHardcoding.Finding("Fixed.jar", "example.Fixed$TheNode", evidence));
    assertThat(plugIns.packs()).as("it is warned of, and works").hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "return NodeResult.of((long) context.backend().device().toString().length());",
        "return NodeResult.of((long) \"acuda:0 cuda:x cuda\".length());",
      })
  void a_class_that_takes_the_device_it_is_given_is_not_found(String body) throws IOException {
    Jars.compiled(folder, "Good", Jars.pack("Good", "GoodNode", body));
    assertThat(PlugIns.load(folder).findings()).isEmpty();
  }

  @Test
  void broken_jars_are_named_and_the_others_still_load() throws IOException {
    Jars.compiled(folder, "Doubler", Jars.pack("Doubler", "DoubleIt", DOUBLE));
    Files.writeString(folder.resolve("a-corrupt.jar"), "this is no zip file");
    Jars.of(folder.resolve("b-empty.jar"), Map.of("readme.txt", new byte[] {1}));
    Jars.of(
        folder.resolve("c-lies.jar"),
        Map.of(Jars.SERVICES, "example.Nowhere\n".getBytes(StandardCharsets.UTF_8)));
    Jars.of(folder.resolve("d-rubbish.jar"), Map.of("example/A.class", new byte[] {1, 2, 3}));
    Path newer = Jars.compiled(folder, "Newer", Jars.pack("Newer", "NewerNode", DOUBLE));
    Jars.rewriteClasses(
        newer,
        bytes -> {
          bytes[7] = (byte) (bytes[7] + 1);
          return bytes;
        });
    Files.writeString(folder.resolve("notes.txt"), "not a jar");
    PlugIns plugIns = PlugIns.load(folder);
    assertThat(plugIns.packs()).extracting(NodePack::name).containsExactly("Doubler");
    assertThat(plugIns.problems()).hasSize(5);
    for (String jar :
        List.of("a-corrupt.jar", "b-empty.jar", "c-lies.jar", "d-rubbish.jar", "Newer.jar")) {
      assertThat(plugIns.problems())
          .filteredOn(problem -> problem.contains(jar))
          .as(jar)
          .singleElement()
          .asString()
          .contains("left out");
    }
  }

  @Test
  void a_folder_that_is_not_there_holds_no_plug_ins() {
    PlugIns plugIns = PlugIns.load(folder.resolve("gone"));
    assertThat(plugIns).isEqualTo(new PlugIns(List.of(), List.of(), List.of()));
  }

  @Test
  void no_plug_in_replaces_a_core_node_or_an_earlier_plug_in_s() throws IOException {
    Jars.compiled(folder, "A", Jars.pack("A", "KSampler", DOUBLE));
    Jars.compiled(folder, "B", Jars.pack("B", "Mine", DOUBLE));
    Jars.compiled(folder, "C", Jars.pack("C", "Mine", DOUBLE));
    List<String> rejected = new ArrayList<>();
    NodeRegistry registry = registry(PlugIns.load(folder), rejected);
    assertThat(registry.find("KSampler").orElseThrow().schema().module()).isEqualTo("nodes");
    assertThat(registry.find("Mine").orElseThrow().schema().module()).isEqualTo("custom_nodes.B");
    assertThat(rejected)
        .containsExactly(
            "node 'KSampler' of plug-in 'A' is left out: that name is taken",
            "node 'Mine' of plug-in 'C' is left out: that name is taken");
  }

  @Test
  void a_plug_in_that_throws_when_it_is_asked_for_its_nodes_is_left_out() {
    NodePack broken =
        new NodePack() {
          @Override
          public String name() {
            return "broken";
          }

          @Override
          public List<Node> nodes() {
            throw new NoClassDefFoundError("com/example/Missing");
          }
        };
    List<String> rejected = new ArrayList<>();
    NodeRegistry registry = NodeRegistry.of(new CoreNodes(), List.of(broken), rejected::add);
    assertThat(registry.all()).hasSize(new CoreNodes().nodes().size());
    assertThat(rejected).singleElement().asString().contains("com/example/Missing");
  }
}
