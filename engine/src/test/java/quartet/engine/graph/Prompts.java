package quartet.engine.graph;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.nodes.CoreNodes;

/** The operators' workflow, a registry, and short ways to check prompts. */
final class Prompts {
  static final String GUIDE =
      """
      {'3':{'inputs':{'seed':123456,'steps':20,'cfg':8.0,'sampler_name':'euler','scheduler':'normal',
            'denoise':1.0,'model':['4',0],'positive':['6',0],'negative':['7',0],'latent_image':['5',0]},
            'class_type':'KSampler'},
       '4':{'inputs':{'ckpt_name':'a.safetensors'},'class_type':'CheckpointLoaderSimple'},
       '5':{'inputs':{'width':512,'height':512,'batch_size':1},'class_type':'EmptyLatentImage'},
       '6':{'inputs':{'text':'beautiful landscape','clip':['4',1]},'class_type':'CLIPTextEncode'},
       '7':{'inputs':{'text':'bad quality, blurry','clip':['4',1]},'class_type':'CLIPTextEncode'},
       '8':{'inputs':{'samples':['3',0],'vae':['4',2]},'class_type':'VAEDecode'},
       '9':{'inputs':{'filename_prefix':'ComfyUI','images':['8',0]},'class_type':'SaveImage'}}
      """;

  private static final Input.ComboInput TWENTY = choices("twenty", 20);
  private static final Input.ComboInput TWENTY_ONE = choices("twenty_one", 21);

  private Prompts() {}

  private static Input.ComboInput choices(String name, int count) {
    return Input.choice(
        name, IntStream.range(0, count).mapToObj(i -> "o" + i).toArray(String[]::new));
  }

  /** The core nodes and a few that have what these lack. */
  static NodeRegistry registry() {
    List<Node> nodes = new ArrayList<>(new CoreNodes().nodes());
    nodes.add(
        FakeNode.idle(
            NodeSchema.named("Everything")
                .optional(
                    Input.integer("int", 0, -5, 5, 1),
                    Input.seed("seed"),
                    Input.fraction("float", 0, -1e300, 1e300, 0.1),
                    Input.text("string", ""),
                    new Input.BooleanInput("boolean", false),
                    TWENTY,
                    TWENTY_ONE,
                    Input.socket("image", PortType.IMAGE))
                .outputNode()));
    nodes.add(
        FakeNode.idle(
            NodeSchema.named("Pass")
                .required(Input.socket("in", PortType.LATENT))
                .returns(PortType.LATENT)));
    nodes.add(
        FakeNode.idle(
            NodeSchema.named("Out")
                .required(Input.socket("in", PortType.LATENT))
                .optional(Input.socket("more", PortType.LATENT))
                .outputNode()));
    return FakeNode.registry(nodes);
  }

  static ObjectNode guide() {
    return Json.object(GUIDE);
  }

  /** The guide's workflow with one input of one node set. */
  static ObjectNode guideWith(String node, String input, String value) {
    ObjectNode prompt = guide();
    inputs(prompt, node).set(input, Json.value(value));
    return prompt;
  }

  static ObjectNode inputs(ObjectNode prompt, String node) {
    return (ObjectNode) prompt.path(node).path("inputs");
  }

  static Validation validate(ObjectNode prompt) {
    return validate(prompt, null);
  }

  static Validation validate(ObjectNode prompt, @Nullable Set<String> targets) {
    return new GraphValidator(registry(), FakeCatalog.small()).validate(prompt, targets);
  }

  static ExecutionPlan ready(ObjectNode prompt) {
    return switch (validate(prompt)) {
      case Validation.Ready ready -> ready.plan();
      case Validation.Invalid invalid ->
          throw new AssertionError(invalid.error() + " " + invalid.nodeErrors());
    };
  }

  static Validation.Invalid invalid(ObjectNode prompt) {
    return switch (validate(prompt)) {
      case Validation.Invalid invalid -> invalid;
      case Validation.Ready ready -> throw new AssertionError("it was accepted: " + ready.plan());
    };
  }

  /** The only error of a node, as clients read it. */
  static JsonNode onlyError(ObjectNode prompt, String node) {
    JsonNode errors = invalid(prompt).nodeErrors().path(node).path("errors");
    if (errors.size() != 1) {
      throw new AssertionError("one error was due at node " + node + ", got " + errors);
    }
    return Json.normal(errors.get(0));
  }

  /** One node that is an output and has an input of each kind. */
  static ObjectNode everything(String input, String value) {
    return Json.object(
        "{'1':{'class_type':'Everything','inputs':{'" + input + "':" + value + "}}}");
  }
}
