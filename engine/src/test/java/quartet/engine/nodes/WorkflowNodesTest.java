package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.Json;
import quartet.errors.Required;
import quartet.rng.TorchGenerator;
import quartet.safetensors.SafetensorsFile;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.testkit.Goldens;

/**
 * Nodes that need a model, in workflows: each change leaves the picture as it is where it should,
 * and changes it where it should.
 */
class WorkflowNodesTest {
  private static final String BASE =
      """
      {'3':{'class_type':'KSampler','inputs':{'seed':7,'steps':2,'cfg':4.0,'sampler_name':'euler',
            'scheduler':'normal','denoise':1.0,'model':['4',0],'positive':['6',0],
            'negative':['7',0],'latent_image':['5',0]}},
       '4':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'tiny.safetensors'}},
       '5':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':64,'batch_size':1}},
       '6':{'class_type':'CLIPTextEncode','inputs':{'text':'a red house','clip':['4',1]}},
       '7':{'class_type':'CLIPTextEncode','inputs':{'text':'fog','clip':['4',1]}},
       '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['4',2]}},
       '9':{'class_type':'SaveImage','inputs':{'filename_prefix':'x','images':['8',0]}}}
      """;

  @TempDir Path base;
  private Studio studio;

  @BeforeEach
  void open() {
    studio = new Studio(base).model("tiny_sd15", "checkpoints", "tiny.safetensors");
  }

  @AfterEach
  void close() {
    studio.close();
  }

  private static ObjectNode with(String nodes) {
    ObjectNode prompt = Json.object(BASE);
    prompt.setAll(Json.object(nodes));
    return prompt;
  }

  /** The base workflow with one input of one node linked elsewhere. */
  private static ObjectNode linked(String node, String input, String to, String nodes) {
    ObjectNode prompt = with(nodes);
    ((ObjectNode) prompt.path(node).path("inputs")).set(input, Json.value("['" + to + "',0]"));
    return prompt;
  }

  private byte[] picture(ObjectNode prompt) {
    return studio.picture(studio.run(prompt), "9").bytes();
  }

  private byte[] plain() {
    return picture(Json.object(BASE));
  }

  private String failure(ObjectNode prompt) {
    ExecutionOutcome outcome = studio.run(prompt);
    assertThat(outcome).isInstanceOf(ExecutionOutcome.Failed.class);
    return ((ExecutionOutcome.Failed) outcome).message();
  }

  @Test
  void samplingInPartsIsTheSameAsInOne() {
    String parts =
        """
        {'10':{'class_type':'KSamplerSelect','inputs':{'sampler_name':'euler'}},
         '11':{'class_type':'BasicScheduler','inputs':{'model':['4',0],'scheduler':'normal','steps':2,'denoise':1.0}},
         '12':{'class_type':'RandomNoise','inputs':{'noise_seed':7}},
         '13':{'class_type':'CFGGuider','inputs':{'model':['4',0],'positive':['6',0],'negative':['7',0],'cfg':4.0}},
         '14':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['12',0],'guider':['13',0],'sampler':['10',0],'sigmas':['11',0],'latent_image':['5',0]}},
         '15':{'class_type':'SamplerCustom','inputs':{'model':['4',0],'add_noise':true,'noise_seed':7,'cfg':4.0,'positive':['6',0],'negative':['7',0],'sampler':['10',0],'sigmas':['11',0],'latent_image':['5',0]}}}
        """;
    byte[] whole = plain();
    assertThat(picture(linked("8", "samples", "14", parts))).isEqualTo(whole);
    assertThat(picture(linked("8", "samples", "15", parts))).isEqualTo(whole);
  }

  @Test
  void splitSigmasGoOnWhereTheyStopped() {
    String split =
        """
        {'10':{'class_type':'KSamplerSelect','inputs':{'sampler_name':'euler'}},
         '11':{'class_type':'BasicScheduler','inputs':{'model':['4',0],'scheduler':'normal','steps':2,'denoise':1.0}},
         '12':{'class_type':'RandomNoise','inputs':{'noise_seed':7}},
         '13':{'class_type':'CFGGuider','inputs':{'model':['4',0],'positive':['6',0],'negative':['7',0],'cfg':4.0}},
         '14':{'class_type':'SplitSigmas','inputs':{'sigmas':['11',0],'step':1}},
         '15':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['12',0],'guider':['13',0],'sampler':['10',0],'sigmas':['14',0],'latent_image':['5',0]}},
         '16':{'class_type':'DisableNoise','inputs':{}},
         '17':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['16',0],'guider':['13',0],'sampler':['10',0],'sigmas':['14',1],'latent_image':['15',0]}}}
        """;
    assertClose(picture(linked("8", "samples", "17", split)), plain(), 1);
  }

  @Test
  void guidersWithEqualTextsAgree() {
    String guiders =
        """
        {'10':{'class_type':'KSamplerSelect','inputs':{'sampler_name':'euler'}},
         '11':{'class_type':'BasicScheduler','inputs':{'model':['4',0],'scheduler':'normal','steps':2,'denoise':1.0}},
         '12':{'class_type':'RandomNoise','inputs':{'noise_seed':7}},
         '20':{'class_type':'BasicGuider','inputs':{'model':['4',0],'conditioning':['6',0]}},
         '21':{'class_type':'CFGGuider','inputs':{'model':['4',0],'positive':['6',0],'negative':['7',0],'cfg':1.0}},
         '22':{'class_type':'DualCFGGuider','inputs':{'model':['4',0],'cond1':['6',0],'cond2':['6',0],'negative':['7',0],'cfg_conds':3.0,'cfg_cond2_negative':4.0}},
         '23':{'class_type':'PerpNegGuider','inputs':{'model':['4',0],'positive':['6',0],'negative':['6',0],'empty_conditioning':['7',0],'cfg':4.0,'neg_scale':1.0}},
         '14':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['12',0],'guider':['20',0],'sampler':['10',0],'sigmas':['11',0],'latent_image':['5',0]}}}
        """;
    ObjectNode basic = linked("8", "samples", "14", guiders);
    ObjectNode one = linked("8", "samples", "14", guiders);
    ((ObjectNode) one.path("14").path("inputs")).set("guider", Json.value("['21',0]"));
    assertThat(picture(basic)).isEqualTo(picture(one));
    // Two equal texts, and a negative text that lies along the positive one, are plain guidance.
    for (String guider : List.of("22", "23")) {
      ObjectNode other = linked("8", "samples", "14", guiders);
      ((ObjectNode) other.path("14").path("inputs"))
          .set("guider", Json.value("['" + guider + "',0]"));
      assertClose(picture(other), plain(), 1);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // what should change nothing
        "same|{'10':{'class_type':'ConditioningSetMask','inputs':{'conditioning':['6',0],'mask':['11',0],'strength':1.0,'set_cond_area':'default'}},'11':{'class_type':'SolidMask','inputs':{'value':1.0,'width':64,'height':64}}}",
        "same|{'10':{'class_type':'ConditioningSetArea','inputs':{'conditioning':['6',0],'width':64,'height':64,'x':0,'y':0,'strength':1.0}}}",
        "same|{'10':{'class_type':'ConditioningSetTimestepRange','inputs':{'conditioning':['6',0],'start':0.0,'end':1.0}}}",
        "same|{'10':{'class_type':'ConditioningCombine','inputs':{'conditioning_1':['6',0],'conditioning_2':['6',0]}}}",
        "same|{'10':{'class_type':'ConditioningAverage','inputs':{'conditioning_to':['6',0],'conditioning_from':['7',0],'conditioning_to_strength':1.0}}}",
        "same|{'10':{'class_type':'ConditioningConcat','inputs':{'conditioning_to':['6',0],'conditioning_from':['6',0]}}}",
        "same|{'10':{'class_type':'ConditioningSetAreaStrength','inputs':{'conditioning':['6',0],'strength':0.5}}}",
        // what should change something
        "other|{'10':{'class_type':'ConditioningSetAreaPercentage','inputs':{'conditioning':['11',0],'width':0.5,'height':1.0,'x':0.5,'y':0.0,'strength':1.0}},'11':{'class_type':'ConditioningZeroOut','inputs':{'conditioning':['6',0]}}}",
        "other|{'10':{'class_type':'ConditioningAverage','inputs':{'conditioning_to':['6',0],'conditioning_from':['7',0],'conditioning_to_strength':0.5}}}",
        "other|{'10':{'class_type':'ConditioningCombine','inputs':{'conditioning_1':['6',0],'conditioning_2':['7',0]}}}",
        "other|{'10':{'class_type':'ConditioningConcat','inputs':{'conditioning_to':['6',0],'conditioning_from':['7',0]}}}",
        "other|{'10':{'class_type':'ConditioningZeroOut','inputs':{'conditioning':['6',0]}}}",
        "other|{'10':{'class_type':'ConditioningSetTimestepRange','inputs':{'conditioning':['6',0],'start':0.5,'end':1.0}}}",
      })
  void aConditioningNodeChangesWhatItShould(String expected, String nodes) {
    byte[] changed = picture(linked("3", "positive", "10", nodes));
    if (expected.equals("same")) {
      assertClose(changed, plain(), 1);
    } else {
      assertThat(changed).isNotEqualTo(plain());
    }
  }

  @Test
  void anAreaActsInItsHalfOnly() {
    String halves =
        """
        {'10':{'class_type':'ConditioningSetArea','inputs':{'conditioning':['7',0],'width':64,'height':128,'x':64,'y':0,'strength':1.0}},
         '11':{'class_type':'ConditioningSetArea','inputs':{'conditioning':['6',0],'width':64,'height':128,'x':0,'y':0,'strength':1.0}},
         '12':{'class_type':'ConditioningCombine','inputs':{'conditioning_1':['11',0],'conditioning_2':['10',0]}},
         '13':{'class_type':'ConditioningCombine','inputs':{'conditioning_1':['11',0],'conditioning_2':['14',0]}},
         '14':{'class_type':'ConditioningSetArea','inputs':{'conditioning':['6',0],'width':64,'height':128,'x':64,'y':0,'strength':1.0}},
         '5':{'class_type':'EmptyLatentImage','inputs':{'width':128,'height':128,'batch_size':1}},
         '20':{'class_type':'SaveLatent','inputs':{'samples':['3',0],'filename_prefix':'l'}}}
        """;
    float[] mixed = latent(linked("3", "positive", "12", halves), 1);
    float[] alike = latent(linked("3", "positive", "13", halves), 2);
    double left = 0;
    double right = 0;
    int side = 16;
    for (int i = 0; i < mixed.length; i++) {
      double distance = Math.abs(mixed[i] - alike[i]);
      // the areas' edges fade into each other over a quarter of their width
      if (i % side < 4) {
        left = Math.max(left, distance);
      } else if (i % side >= 12) {
        right = Math.max(right, distance);
      }
    }
    assertThat(right).isGreaterThan(10 * left);
  }

  private float[] latent(ObjectNode prompt, int number) {
    assertThat(studio.run(prompt)).isInstanceOf(ExecutionOutcome.Succeeded.class);
    Path file = studio.folders.output().resolve("l_0000%d_.latent".formatted(number));
    try (SafetensorsFile saved = SafetensorsFile.open(file)) {
      return saved.tensor("latent_tensor").toFloats();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "same|{'10':{'class_type':'RescaleCFG','inputs':{'model':['4',0],'multiplier':0.0}}}",
        "same|{'10':{'class_type':'PerturbedAttentionGuidance','inputs':{'model':['4',0],'scale':0.0}}}",
        "same|{'10':{'class_type':'ModelSamplingDiscrete','inputs':{'model':['4',0],'sampling':'eps','zsnr':false}}}",
        "same|{'10':{'class_type':'ModelMergeSimple','inputs':{'model1':['4',0],'model2':['4',0],'ratio':0.5}}}",
        "same|{'10':{'class_type':'ModelMergeBlocks','inputs':{'model1':['4',0],'model2':['4',0],'input':0.5,'middle':0.25,'out':0.5}}}",
        "same|{'10':{'class_type':'ModelMergeSubtract','inputs':{'model1':['11',0],'model2':['4',0],'multiplier':1.0}},'11':{'class_type':'ModelMergeAdd','inputs':{'model1':['4',0],'model2':['4',0]}}}",
        "same|{'10':{'class_type':'LoraLoaderModelOnly','inputs':{'model':['4',0],'lora_name':'x.safetensors','strength_model':0.0}}}",
        "other|{'10':{'class_type':'RescaleCFG','inputs':{'model':['4',0],'multiplier':0.7}}}",
        "other|{'10':{'class_type':'ModelSamplingDiscrete','inputs':{'model':['4',0],'sampling':'v_prediction','zsnr':true}}}",
        "other|{'10':{'class_type':'ModelSamplingDiscrete','inputs':{'model':['4',0],'sampling':'lcm','zsnr':false}}}",
        "other|{'10':{'class_type':'ModelSamplingDiscrete','inputs':{'model':['4',0],'sampling':'x0','zsnr':false}}}",
        "other|{'10':{'class_type':'PerpNeg','inputs':{'model':['4',0],'empty_conditioning':['11',0],'neg_scale':1.0}},'11':{'class_type':'CLIPTextEncode','inputs':{'text':'','clip':['4',1]}}}",
        "other|{'10':{'class_type':'LoraLoaderModelOnly','inputs':{'model':['4',0],'lora_name':'x.safetensors','strength_model':1.0}}}",
      })
  void aModelNodeChangesWhatItShould(String expected, String nodes) {
    studio.model(lora(64, 4), "loras", "x.safetensors");
    byte[] changed = picture(linked("3", "model", "10", nodes));
    if (expected.equals("same")) {
      assertClose(changed, plain(), 1);
    } else {
      assertThat(changed).isNotEqualTo(plain());
    }
  }

  @Test
  void perturbedAttentionNeedsMoreThanOneTokenInTheMiddle() {
    String guided =
        """
        {'5':{'class_type':'EmptyLatentImage','inputs':{'width':128,'height':128,'batch_size':1}},
         '10':{'class_type':'PerturbedAttentionGuidance','inputs':{'model':['4',0],'scale':3.0}}}
        """;
    assertThat(picture(linked("3", "model", "10", guided))).isNotEqualTo(picture(with(guided)));
  }

  /** A LoRA of one module, whose second extent may be made wrong. */
  private Path lora(int width, int rank) {
    String module = "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k";
    return written(
        Map.of(
            module + ".lora_up.weight", random(1, 64, rank),
            module + ".lora_down.weight", random(2, rank, width)));
  }

  private static HostTensor random(long seed, int... extents) {
    long[] shape = new long[extents.length];
    int count = 1;
    for (int i = 0; i < extents.length; i++) {
      shape[i] = extents[i];
      count *= extents[i];
    }
    return HostTensor.of(Shape.of(shape), new TorchGenerator(seed).randn(count));
  }

  private Path written(Map<String, HostTensor> tensors) {
    try {
      Path file = Files.createTempFile(base, "made", ".safetensors");
      SafetensorsWriter.write(file, tensors, Map.of());
      return file;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void chainedLorasAddUpAndAreUndoneByTheOpposite() {
    studio.model(lora(64, 4), "loras", "x.safetensors");
    String chain =
        """
        {'10':{'class_type':'LoraLoader','inputs':{'model':['4',0],'clip':['4',1],'lora_name':'x.safetensors','strength_model':0.5,'strength_clip':0.0}},
         '11':{'class_type':'LoraLoader','inputs':{'model':['10',0],'clip':['10',1],'lora_name':'x.safetensors','strength_model':0.5,'strength_clip':0.0}},
         '12':{'class_type':'LoraLoader','inputs':{'model':['10',0],'clip':['10',1],'lora_name':'x.safetensors','strength_model':-0.5,'strength_clip':0.0}},
         '13':{'class_type':'LoraLoaderModelOnly','inputs':{'model':['4',0],'lora_name':'x.safetensors','strength_model':1.0}}}
        """;
    byte[] twice = picture(linked("3", "model", "11", chain));
    assertClose(twice, picture(linked("3", "model", "13", chain)), 1);
    assertThat(twice).isNotEqualTo(plain());
    assertClose(picture(linked("3", "model", "12", chain)), plain(), 1);
  }

  @Test
  void damagedLorasAreOneClearError() {
    String module = "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k";
    HostTensor up = random(1, 64, 4);
    HostTensor down = random(2, 4, 64);
    float[] broken = new TorchGenerator(3).randn(256);
    broken[9] = Float.NaN;
    Map<Path, String> cases = new java.util.LinkedHashMap<>();
    cases.put(written(Map.of(module + ".lora_up.weight", up)), "lacks the down");
    cases.put(lora(32, 4), "gives 2048 numbers where the model has [64, 64]");
    cases.put(
        written(
            Map.of(module + ".lora_up.weight", up, module + ".lora_down.weight", random(1, 5, 64))),
        "do not fit each other");
    cases.put(
        written(
            Map.of(
                module + ".lora_up.weight",
                up,
                module + ".lora_down.weight",
                HostTensor.of(Shape.of(4, 64), broken))),
        "holds NaN at 9");
    cases.put(
        written(
            Map.of(
                module + ".lora_up.weight",
                HostTensor.of(Shape.of(64, 4), new int[256]),
                module + ".lora_down.weight",
                down)),
        "has dtype I32");
    cases.put(written(Map.of("something", up)), "is no LoRA");
    cases.put(
        written(
            Map.of(
                "lora_unet_nowhere.lora_up.weight",
                up,
                "lora_unet_nowhere.lora_down.weight",
                down)),
        "fits no module");
    int number = 0;
    for (Map.Entry<Path, String> one : cases.entrySet()) {
      String name = "bad" + number++ + ".safetensors";
      studio.model(one.getKey(), "loras", name);
      String message =
          failure(
              linked(
                  "3",
                  "model",
                  "10",
                  "{'10':{'class_type':'LoraLoaderModelOnly','inputs':{'model':['4',0],'lora_name':'"
                      + name
                      + "','strength_model':1.0}}}"));
      assertThat(message).contains(one.getValue()).contains(name);
    }
    assertThat(plain()).as("other prompts go on").isNotEmpty();
  }

  @Test
  void theOldControlNodeSteersBothTextsAsTheNewOneDoes() {
    studio
        .model("tiny_sdxl", "checkpoints", "xl.safetensors")
        .model("tiny_controlnet", "controlnet", "net.safetensors");
    String control =
        """
        {'4':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'xl.safetensors'}},
         '10':{'class_type':'VAELoader','inputs':{'vae_name':'tiny.safetensors'}},
         '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['10',0]}},
         '11':{'class_type':'ControlNetLoader','inputs':{'control_net_name':'net.safetensors'}},
         '12':{'class_type':'EmptyImage','inputs':{'width':64,'height':64,'batch_size':1,'color':16711680}},
         '13':{'class_type':'ControlNetApply','inputs':{'conditioning':['6',0],'control_net':['11',0],'image':['12',0],'strength':0.8}},
         '14':{'class_type':'ControlNetApplyAdvanced','inputs':{'positive':['6',0],'negative':['7',0],'control_net':['11',0],'image':['12',0],'strength':0.8,'start_percent':0.0,'end_percent':1.0}},
         '15':{'class_type':'ControlNetApplyAdvanced','inputs':{'positive':['6',0],'negative':['7',0],'control_net':['11',0],'image':['12',0],'strength':0.0,'start_percent':0.0,'end_percent':1.0}}}
        """;
    studio.model("tiny_sd15", "vae", "tiny.safetensors");
    byte[] old = picture(linked("3", "positive", "13", control));
    ObjectNode both = linked("3", "positive", "14", control);
    ((ObjectNode) both.path("3").path("inputs")).set("negative", Json.value("['14',1]"));
    assertThat(old).isEqualTo(picture(both));
    byte[] none = picture(linked("3", "positive", "15", control));
    assertThat(none).isNotEqualTo(old).isEqualTo(picture(with(control)));
  }

  /** A golden file's tensors with something done to them. */
  private Path changed(String golden, Consumer<Map<String, HostTensor>> change) {
    try (SafetensorsFile file = Goldens.tensors(golden)) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      file.names().forEach(name -> tensors.put(name, file.tensor(name)));
      change.accept(tensors);
      Path made = Files.createTempFile(base, "changed", ".safetensors");
      SafetensorsWriter.write(made, tensors, file.metadata());
      return made;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static HostTensor withNaN(HostTensor tensor) {
    float[] values = tensor.toFloats();
    values[values.length - 1] = Float.NaN;
    return HostTensor.of(tensor.shape(), values);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tiny_sd15|vae|first_stage_model.decoder.mid.block_1.conv1.weight",
        "tiny_taesd|vae|taesd_decoder.3.conv.2.weight",
        "tiny_controlnet|controlnet|control_model.zero_convs.2.0.weight",
        "tiny_t2i|controlnet|body.3.block2.weight",
        "tiny_esrgan|upscale_models|body.1.rdb2.conv3.weight",
      })
  void damagedPartsAreOneClearError(String golden, String folder, String tensor) {
    String node =
        switch (folder) {
          case "vae" -> "'class_type':'VAELoader','inputs':{'vae_name':'%s'}";
          case "controlnet" -> "'class_type':'ControlNetLoader','inputs':{'control_net_name':'%s'}";
          default -> "'class_type':'UpscaleModelLoader','inputs':{'model_name':'%s'}";
        };
    String use =
        switch (folder) {
          case "vae" ->
              "'11':{'class_type':'VAEDecode','inputs':{'samples':['5',0],'vae':['10',0]}}";
          case "controlnet" ->
              "'12':{'class_type':'ControlNetApply','inputs':{'conditioning':['6',0],'control_net':['10',0],'image':['14',0],'strength':1.0}},'14':{'class_type':'EmptyImage','inputs':{'width':64,'height':64,'batch_size':1,'color':0}},'13':{'class_type':'KSampler','inputs':{'seed':7,'steps':1,'cfg':4.0,'sampler_name':'euler','scheduler':'normal','denoise':1.0,'model':['4',0],'positive':['12',0],'negative':['7',0],'latent_image':['5',0]}},'11':{'class_type':'VAEDecode','inputs':{'samples':['13',0],'vae':['4',2]}}";
          default ->
              "'14':{'class_type':'EmptyImage','inputs':{'width':8,'height':8,'batch_size':1,'color':0}},'11':{'class_type':'ImageUpscaleWithModel','inputs':{'upscale_model':['10',0],'image':['14',0]}}";
        };
    Map<String, Consumer<Map<String, HostTensor>>> damages = new LinkedHashMap<>();
    damages.put("lacks the tensor '" + tensor + "'", t -> t.remove(tensor));
    damages.put(
        "'" + tensor + "' has shape [1, 2, 3, 3]", t -> t.put(tensor, random(1, 1, 2, 3, 3)));
    damages.put(
        "'" + tensor + "' has dtype I32",
        t -> {
          Shape shape = Required.in(t, tensor).shape();
          t.put(tensor, HostTensor.of(shape, new int[Math.toIntExact(shape.elements())]));
        });
    damages.put("'" + tensor + "' holds NaN", t -> t.put(tensor, withNaN(Required.in(t, tensor))));
    int number = 0;
    for (var damage : damages.entrySet()) {
      String name = folder + number++ + ".safetensors";
      studio.model(changed(golden, damage.getValue()), folder, name);
      String message =
          failure(linked("9", "images", "11", "{'10':{" + node.formatted(name) + "}," + use + "}"));
      if (!damage.getKey().startsWith("lacks") || !tensor.contains("conv")) {
        assertThat(message).contains(damage.getKey()).contains(name);
      } else {
        // which names are there decides how many blocks are read, so a neighbour may be missed
        // first
        assertThat(message).contains(name);
      }
    }
  }

  @Test
  void filesOfAnotherKindAreNamedForWhatTheyLookLike() {
    studio
        .model("tiny_esrgan", "vae", "wrong.safetensors")
        .model("tiny_taesd", "controlnet", "wrong.safetensors")
        .model("tiny_controlnet", "upscale_models", "wrong.safetensors")
        .model("tiny_lora", "text_encoders", "wrong.safetensors")
        .model("tiny_esrgan", "diffusion_models", "wrong.safetensors");
    Map<String, String> loaders =
        Map.of(
            "'class_type':'VAELoader','inputs':{'vae_name':'wrong.safetensors'}",
            "an upscale model",
            "'class_type':'ControlNetLoader','inputs':{'control_net_name':'wrong.safetensors'}",
            "has no ControlNet",
            "'class_type':'UpscaleModelLoader','inputs':{'model_name':'wrong.safetensors'}",
            "a ControlNet",
            "'class_type':'CLIPLoader','inputs':{'clip_name':'wrong.safetensors','type':'stable_diffusion'}",
            "a LoRA",
            "'class_type':'UNETLoader','inputs':{'unet_name':'wrong.safetensors','weight_dtype':'default'}",
            "an upscale model");
    loaders.forEach(
        (loader, expected) -> {
          String use =
              loader.contains("VAELoader")
                  ? "'11':{'class_type':'VAEDecode','inputs':{'samples':['5',0],'vae':['10',0]}}"
                  : loader.contains("ControlNetLoader")
                      ? "'12':{'class_type':'ControlNetApply','inputs':{'conditioning':['6',0],'control_net':['10',0],'image':['8',0],'strength':1.0}},'13':{'class_type':'KSampler','inputs':{'seed':7,'steps':1,'cfg':4.0,'sampler_name':'euler','scheduler':'normal','denoise':1.0,'model':['4',0],'positive':['12',0],'negative':['7',0],'latent_image':['5',0]}},'11':{'class_type':'VAEDecode','inputs':{'samples':['13',0],'vae':['4',2]}}"
                      : loader.contains("UpscaleModelLoader")
                          ? "'11':{'class_type':'ImageUpscaleWithModel','inputs':{'upscale_model':['10',0],'image':['8',0]}}"
                          : loader.contains("UNETLoader")
                              ? "'13':{'class_type':'KSampler','inputs':{'seed':7,'steps':1,'cfg':4.0,'sampler_name':'euler','scheduler':'normal','denoise':1.0,'model':['10',0],'positive':['6',0],'negative':['7',0],'latent_image':['5',0]}},'11':{'class_type':'VAEDecode','inputs':{'samples':['13',0],'vae':['4',2]}}"
                              : "'12':{'class_type':'CLIPTextEncode','inputs':{'text':'x','clip':['10',0]}},'13':{'class_type':'KSampler','inputs':{'seed':7,'steps':1,'cfg':4.0,'sampler_name':'euler','scheduler':'normal','denoise':1.0,'model':['4',0],'positive':['12',0],'negative':['7',0],'latent_image':['5',0]}},'11':{'class_type':'VAEDecode','inputs':{'samples':['13',0],'vae':['4',2]}}";
          String message =
              failure(linked("9", "images", "11", "{'10':{" + loader + "}," + use + "}"));
          assertThat(message).contains("wrong.safetensors").contains(expected);
        });
  }

  @Test
  void tilesThatHoldThePictureChangeNothingAndSmallerOnesLittle() {
    String tiled =
        "{'10':{'class_type':'VAEDecodeTiled','inputs':{'samples':['3',0],'vae':['4',2],'tile_size':%d,'overlap':%d,'temporal_size':64,'temporal_overlap':8}},'5':{'class_type':'EmptyLatentImage','inputs':{'width':128,'height':128,'batch_size':1}}}";
    byte[] whole =
        picture(
            with(
                "{'5':{'class_type':'EmptyLatentImage','inputs':{'width':128,'height':128,'batch_size':1}}}"));
    assertClose(picture(linked("9", "images", "10", tiled.formatted(512, 64))), whole, 1);
    byte[] small = picture(linked("9", "images", "10", tiled.formatted(96, 24)));
    double sum = 0;
    for (int i = 0; i < whole.length; i++) {
      sum += Math.abs(Byte.toUnsignedInt(whole[i]) - Byte.toUnsignedInt(small[i]));
    }
    assertThat(sum / whole.length).isBetween(0.01, 30.0);
  }

  @Test
  void aSavedCheckpointMakesTheSamePicture() throws IOException {
    ObjectNode saving =
        with(
            "{'20':{'class_type':'CheckpointSave','inputs':{'model':['4',0],'clip':['4',1],'vae':['4',2],'filename_prefix':'checkpoints/copy'}}}");
    byte[] before = picture(saving);
    Path saved = studio.folders.output().resolve("checkpoints/copy_00001_.safetensors");
    studio.model(saved, "checkpoints", "copy.safetensors");
    ObjectNode again = Json.object(BASE.replace("tiny.safetensors", "copy.safetensors"));
    assertThat(picture(again)).isEqualTo(before);
    try (SafetensorsFile file = SafetensorsFile.open(saved)) {
      assertThat(file.metadata()).containsKey("prompt");
    }
    Files.delete(saved);
  }

  @Test
  void sdxlCheckpointsAreSavedUnderTheNamesTheyCameWith() {
    studio
        .model("tiny_sdxl", "checkpoints", "xl.safetensors")
        .model("tiny_sd15", "vae", "vae.safetensors");
    String saving =
        """
        {'4':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'xl.safetensors'}},
         '10':{'class_type':'VAELoader','inputs':{'vae_name':'vae.safetensors'}},
         '20':{'class_type':'CheckpointSave','inputs':{'model':['4',0],'clip':['4',1],'vae':['10',0],'filename_prefix':'xl'}}}
        """;
    assertThat(studio.run(saving)).isInstanceOf(ExecutionOutcome.Succeeded.class);
    Path saved = studio.folders.output().resolve("xl_00001_.safetensors");
    try (SafetensorsFile copy = SafetensorsFile.open(saved);
        SafetensorsFile original = Goldens.tensors("tiny_sdxl")) {
      for (String name : original.names()) {
        assertThat(copy.has(name)).as(name).isTrue();
        assertThat(copy.tensor(name).shape()).as(name).isEqualTo(original.tensor(name).shape());
        assertThat(copy.tensor(name).toFloats())
            .as(name)
            .containsExactly(original.tensor(name).toFloats());
      }
    }
  }

  @Test
  void partsOfTheirOwnMakeTheSamePictureAsTheCheckpoint() {
    studio
        .model("tiny_sd15", "vae", "part.safetensors")
        .model("tiny_sd15", "diffusion_models", "part.safetensors")
        .model("tiny_sd15", "text_encoders", "part.safetensors");
    String parts =
        """
        {'10':{'class_type':'UNETLoader','inputs':{'unet_name':'part.safetensors','weight_dtype':'default'}},
         '11':{'class_type':'CLIPLoader','inputs':{'clip_name':'part.safetensors','type':'stable_diffusion'}},
         '12':{'class_type':'VAELoader','inputs':{'vae_name':'part.safetensors'}},
         '6':{'class_type':'CLIPTextEncode','inputs':{'text':'a red house','clip':['11',0]}},
         '7':{'class_type':'CLIPTextEncode','inputs':{'text':'fog','clip':['11',0]}},
         '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['12',0]}}}
        """;
    assertThat(picture(linked("3", "model", "10", parts))).isEqualTo(plain());
  }

  /** One text encoder of a checkpoint as a file of its own. */
  private Path encoder(String golden, String prefix, String to, String kind) {
    try (SafetensorsFile file = Goldens.tensors(golden)) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      for (String name : file.names()) {
        if (name.startsWith(prefix)) {
          tensors.put(to + name.substring(prefix.length()), file.tensor(name));
        }
      }
      Path made = Files.createTempFile(base, "encoder", ".safetensors");
      String config = "{\"encoder\":\"" + kind + "\",\"bos\":126,\"eos\":127}";
      SafetensorsWriter.write(made, tensors, Map.of("config", config));
      return made;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void twoTextEncodersOfTheirOwnAreTheCheckpointsTwo() {
    String first = "conditioner.embedders.0.transformer.text_model.";
    String second = "conditioner.embedders.1.model.";
    studio
        .model("tiny_sdxl", "checkpoints", "xl.safetensors")
        .model("tiny_sd15", "vae", "tiny.safetensors")
        .model(encoder("tiny_sdxl", first, "text_model.", "l"), "text_encoders", "l.safetensors")
        .model(encoder("tiny_sdxl", second, "", "g"), "text_encoders", "g.safetensors");
    String nodes =
        """
        {'4':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'xl.safetensors'}},
         '10':{'class_type':'VAELoader','inputs':{'vae_name':'tiny.safetensors'}},
         '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['10',0]}},
         '11':{'class_type':'DualCLIPLoader','inputs':{'clip_name1':'l.safetensors','clip_name2':'g.safetensors','type':'sdxl'}},
         '12':{'class_type':'CLIPTextEncode','inputs':{'text':'a red house','clip':['11',0]}},
         '13':{'class_type':'CLIPMergeSimple','inputs':{'clip1':['4',1],'clip2':['11',0],'ratio':0.5}},
         '14':{'class_type':'CLIPTextEncode','inputs':{'text':'a red house','clip':['13',0]}}}
        """;
    byte[] own = picture(linked("3", "positive", "12", nodes));
    assertThat(own).isEqualTo(picture(with(nodes)));
    assertThat(picture(linked("3", "positive", "14", nodes))).isEqualTo(own);
  }

  @Test
  void theRefinerIsToldItsScore() {
    studio
        .model("tiny_refiner", "checkpoints", "refiner.safetensors")
        .model("tiny_sd15", "vae", "tiny.safetensors");
    String nodes =
        """
        {'4':{'class_type':'CheckpointLoaderSimple','inputs':{'ckpt_name':'refiner.safetensors'}},
         '10':{'class_type':'VAELoader','inputs':{'vae_name':'tiny.safetensors'}},
         '8':{'class_type':'VAEDecode','inputs':{'samples':['3',0],'vae':['10',0]}},
         '11':{'class_type':'CLIPTextEncodeSDXLRefiner','inputs':{'ascore':6.0,'width':64,'height':64,'text':'a red house','clip':['4',1]}},
         '12':{'class_type':'CLIPTextEncodeSDXLRefiner','inputs':{'ascore':1.0,'width':64,'height':64,'text':'a red house','clip':['4',1]}}}
        """;
    byte[] usual = picture(with(nodes));
    assertThat(picture(linked("3", "positive", "11", nodes))).isEqualTo(usual);
    assertThat(picture(linked("3", "positive", "12", nodes))).isNotEqualTo(usual);
  }

  @Test
  void anInpaintingModelIsShownThePicture() {
    studio.model("tiny_inpaint", "diffusion_models", "inpaint.safetensors");
    String nodes =
        """
        {'10':{'class_type':'UNETLoader','inputs':{'unet_name':'inpaint.safetensors','weight_dtype':'default'}},
         '11':{'class_type':'EmptyImage','inputs':{'width':64,'height':64,'batch_size':1,'color':16711680}},
         '12':{'class_type':'SolidMask','inputs':{'value':%s,'width':64,'height':64}},
         '13':{'class_type':'InpaintModelConditioning','inputs':{'positive':['6',0],'negative':['7',0],'vae':['4',2],'pixels':['11',0],'mask':['12',0],'noise_mask':false}}}
        """;
    ObjectNode shown = linked("3", "positive", "13", nodes.formatted("0.0"));
    ((ObjectNode) shown.path("3").path("inputs")).set("negative", Json.value("['13',1]"));
    ((ObjectNode) shown.path("3").path("inputs")).set("model", Json.value("['10',0]"));
    ObjectNode hidden = linked("3", "positive", "13", nodes.formatted("1.0"));
    ((ObjectNode) hidden.path("3").path("inputs")).set("negative", Json.value("['13',1]"));
    ((ObjectNode) hidden.path("3").path("inputs")).set("model", Json.value("['10',0]"));
    assertThat(picture(shown)).isNotEqualTo(picture(hidden));
    assertThat(picture(linked("3", "model", "10", nodes.formatted("1.0"))))
        .as("nothing shown")
        .isNotEqualTo(picture(shown));
  }

  @Test
  void encodingInTilesIsCloseToEncodingAtOnce() {
    String nodes =
        """
        {'10':{'class_type':'EmptyImage','inputs':{'width':128,'height':128,'batch_size':1,'color':8421504}},
         '11':{'class_type':'VAEEncode','inputs':{'pixels':['10',0],'vae':['4',2]}},
         '12':{'class_type':'VAEEncodeTiled','inputs':{'pixels':['10',0],'vae':['4',2],'tile_size':512,'overlap':64,'temporal_size':64,'temporal_overlap':8}},
         '13':{'class_type':'VAEEncodeTiled','inputs':{'pixels':['10',0],'vae':['4',2],'tile_size':96,'overlap':32,'temporal_size':64,'temporal_overlap':8}}}
        """;
    byte[] whole = picture(linked("8", "samples", "11", nodes));
    assertClose(picture(linked("8", "samples", "12", nodes)), whole, 1);
    assertThat(picture(linked("8", "samples", "13", nodes))).hasSameSizeAs(whole);
  }

  @Test
  void embeddingsStandForTokensAndMissingOnesForNothing() {
    studio
        .model(written(Map.of("emb_params", random(5, 2, 64))), "embeddings", "style.safetensors")
        .model(written(Map.of("emb_params", random(5, 2, 32))), "embeddings", "wide.safetensors");
    String prompt = "{'6':{'class_type':'CLIPTextEncode','inputs':{'text':'%s','clip':['4',1]}}}";
    byte[] without = picture(with(prompt.formatted("a house")));
    byte[] missing = picture(with(prompt.formatted("a house embedding:none")));
    byte[] styled = picture(with(prompt.formatted("a house embedding:style")));
    assertThat(missing).isEqualTo(without);
    assertThat(styled).isNotEqualTo(without);
    assertThat(picture(with(prompt.formatted("a house embedding:style.safetensors"))))
        .isEqualTo(styled);
    assertThat(picture(with(prompt.formatted("a house (embedding:style:1.3)"))))
        .isNotEqualTo(styled);
    assertThat(failure(with(prompt.formatted("embedding:wide"))))
        .contains("'wide'")
        .contains("64 wide");
  }

  @Test
  void inpaintingKeepsWhatTheMaskDoesNotCover() {
    String inpaint =
        """
        {'10':{'class_type':'EmptyImage','inputs':{'width':64,'height':64,'batch_size':1,'color':8421504}},
         '11':{'class_type':'SolidMask','inputs':{'value':1.0,'width':32,'height':64}},
         '12':{'class_type':'SolidMask','inputs':{'value':0.0,'width':64,'height':64}},
         '13':{'class_type':'MaskComposite','inputs':{'destination':['12',0],'source':['11',0],'x':32,'y':0,'operation':'add'}},
         '14':{'class_type':'VAEEncodeForInpaint','inputs':{'pixels':['10',0],'vae':['4',2],'mask':['13',0],'grow_mask_by':0}},
         '20':{'class_type':'SaveLatent','inputs':{'samples':['3',0],'filename_prefix':'l'}},
         '21':{'class_type':'SaveLatent','inputs':{'samples':['14',0],'filename_prefix':'l'}}}
        """;
    ObjectNode prompt = linked("3", "latent_image", "14", inpaint);
    assertThat(studio.run(prompt)).isInstanceOf(ExecutionOutcome.Succeeded.class);
    float[] first;
    float[] second;
    try (SafetensorsFile one =
            SafetensorsFile.open(studio.folders.output().resolve("l_00001_.latent"));
        SafetensorsFile two =
            SafetensorsFile.open(studio.folders.output().resolve("l_00002_.latent"))) {
      first = one.tensor("latent_tensor").toFloats();
      second = two.tensor("latent_tensor").toFloats();
    }
    double kept = 0;
    double painted = 0;
    for (int i = 0; i < first.length; i++) {
      double distance = Math.abs(first[i] - second[i]);
      if (i % 8 < 4) {
        kept = Math.max(kept, distance);
      } else {
        painted = Math.max(painted, distance);
      }
    }
    assertThat(kept).isLessThan(1e-4);
    assertThat(painted).isGreaterThan(0.1);
  }

  @Test
  void savedLatentsCanBeLoadedAgain() throws IOException {
    byte[] before =
        picture(
            with(
                "{'20':{'class_type':'SaveLatent','inputs':{'samples':['3',0],'filename_prefix':'l'}}}"));
    Files.copy(
        studio.folders.output().resolve("l_00001_.latent"),
        studio.folders.input().resolve("mine.latent"));
    byte[] after =
        picture(
            linked(
                "8",
                "samples",
                "10",
                "{'10':{'class_type':'LoadLatent','inputs':{'latent':'mine.latent'}}}"));
    assertThat(after).isEqualTo(before);
  }

  @Test
  void aBatchItemIsTheSamePictureAloneAndTaken() {
    String batch =
        """
        {'5':{'class_type':'EmptyLatentImage','inputs':{'width':64,'height':64,'batch_size':3}},
         '10':{'class_type':'LatentFromBatch','inputs':{'samples':['5',0],'batch_index':2,'length':1}},
         '11':{'class_type':'LatentFromBatch','inputs':{'samples':['3',0],'batch_index':2,'length':1}}}
        """;
    byte[] alone = picture(linked("3", "latent_image", "10", batch));
    byte[] taken = picture(linked("8", "samples", "11", batch));
    assertClose(alone, taken, 1);
    assertThat(alone).isNotEqualTo(plain());
  }

  private static void assertClose(byte[] actual, byte[] expected, int levels) {
    assertThat(actual).hasSameSizeAs(expected);
    int worst = 0;
    for (int i = 0; i < actual.length; i++) {
      int distance = Math.abs(Byte.toUnsignedInt(actual[i]) - Byte.toUnsignedInt(expected[i]));
      worst = Math.max(worst, distance);
    }
    assertThat(worst).as("levels between two pictures").isLessThanOrEqualTo(levels);
  }
}
