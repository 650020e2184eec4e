package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import quartet.engine.fake.FakeContext;
import quartet.engine.fake.Json;
import quartet.engine.value.ModelOptions;
import quartet.engine.value.ModelRefs;
import quartet.errors.EngineException;

/** Workflows that sample a model as a rectified flow. */
class FlowWorkflowTest {
  private static final ModelRefs.ModelRef MODEL = new ModelRefs.ModelRef(Path.of("a"));

  /** Sampling of a flow, node 10, by the sigmas of node 11. */
  private static final String CUSTOM =
      """
      {'10':{'class_type':'ModelSamplingSD3','inputs':{'model':['4',0],'shift':3.0}},
       '12':{'class_type':'KSamplerSelect','inputs':{'sampler_name':'euler'}},
       '3':{'class_type':'SamplerCustom','inputs':{'model':['10',0],'add_noise':true,'noise_seed':7,'cfg':4.0,
            'positive':['6',0],'negative':['7',0],'sampler':['12',0],'sigmas':['11',0],'latent_image':['5',0]}}}
      """;

  private static final String SD3 =
      "{'10':{'class_type':'ModelSamplingSD3','inputs':{'model':['4',0],'shift':3.0}}}";

  @RegisterExtension final Studio studio = Studio.ofTiny();

  private ModelOptions.SamplingChoice choice(String className, Map<String, Object> inputs) {
    Object out = Runs.run(className, inputs, FakeContext.below(studio.base)).outputs().getFirst();
    return ((ModelRefs.ModelRef) out).options().sampling().orElseThrow();
  }

  @Test
  void theNodesSayHowAModelIsSampled() {
    assertThat(choice("ModelSamplingSD3", Map.of("model", MODEL, "shift", 3.0)))
        .isEqualTo(new ModelOptions.SamplingChoice.Flow(3, 1000));
    assertThat(choice("ModelSamplingAuraFlow", Map.of("model", MODEL, "shift", 1.73)))
        .isEqualTo(new ModelOptions.SamplingChoice.Flow(1.73, 1));
    Map<String, Object> flux =
        Map.of(
            "model", MODEL, "max_shift", 1.25, "base_shift", 0.5, "width", 1024L, "height", 1024L);
    assertThat(choice("ModelSamplingFlux", flux))
        .isEqualTo(new ModelOptions.SamplingChoice.FluxFlow(1.25));
  }

  @Test
  void aShiftOfZeroIsRefusedByItsNode() {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> choice("ModelSamplingSD3", Map.of("model", MODEL, "shift", 0.0)))
        .withMessageContaining("shift of 0.0");
  }

  /** A scheduler's and a sampler's way through the nodes give the same picture. */
  @Test
  void pictureOfAFlowComesOutOfTheNodes() {
    byte[] flow = studio.pixels(Studio.linked("3", "model", "10", SD3));
    assertThat(flow).isNotEqualTo(studio.pixels(Json.object(Studio.BASE)));
    String sigmas =
        "{'11':{'class_type':'BasicScheduler','inputs':{'model':['10',0],'scheduler':'normal','steps':2,'denoise':1.0}}}";
    assertThat(studio.pixels(Studio.with(CUSTOM, sigmas))).isEqualTo(flow);
    for (String other :
        new String[] {
          "{'10':{'class_type':'ModelSamplingAuraFlow','inputs':{'model':['4',0],'shift':1.73}}}",
          "{'10':{'class_type':'ModelSamplingFlux','inputs':{'model':['4',0],'max_shift':1.15,'base_shift':0.5,'width':64,'height':64}}}"
        }) {
      assertThat(studio.pixels(Studio.linked("3", "model", "10", other))).isNotEqualTo(flow);
    }
  }

  @Test
  void whatAFlowCannotDoFailsWithOneMessage() {
    String sigmas =
        "{'11':{'class_type':'KarrasScheduler','inputs':{'steps':2,'sigma_max':14.6,'sigma_min':0.03,'rho':7.0}}}";
    assertThat(studio.failure(Studio.with(CUSTOM, sigmas)))
        .contains("14.6")
        .contains("BasicScheduler");
  }

  @Test
  void fluxsTextNodeSaysWhichEncoderItGot() {
    studio.model("tiny_sdxl", "checkpoints", "xl.safetensors");
    String node =
        """
        {'10':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'%s.safetensors'}},
         '6':{'class_type':'CLIPTextEncodeFlux','inputs':{'clip':['10',1],'clip_l':'a red house','t5xxl':'a red house','guidance':3.5}}}
        """;
    assertThat(studio.failure(Studio.with(node.formatted("tiny"))))
        .contains("T5-XXL")
        .contains("the linked one is CLIP-L.")
        .contains("Use CLIPTextEncode for it");
    assertThat(studio.failure(Studio.with(node.formatted("xl"))))
        .contains("the linked one is CLIP-L and OpenCLIP-bigG.")
        .contains("Use CLIPTextEncodeSDXL for it");
  }
}
