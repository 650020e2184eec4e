package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.Json;
import quartet.safetensors.SafetensorsFile;

/**
 * Nodes that need a model, in workflows: each change leaves the picture as it is where it should,
 * and changes it where it should.
 */
class WorkflowNodesTest {
  @RegisterExtension final Studio studio = Studio.ofTiny();

  /** The base workflow's sampling as nodes of its own: sampler, sigmas, noise and guidance. */
  private static final String CUSTOM =
      """
      {'10':{'class_type':'KSamplerSelect','inputs':{'sampler_name':'euler'}},
       '11':{'class_type':'BasicScheduler','inputs':{'model':['4',0],'scheduler':'normal','steps':2,'denoise':1.0}},
       '12':{'class_type':'RandomNoise','inputs':{'noise_seed':7}},
       '13':{'class_type':'CFGGuider','inputs':{'model':['4',0],'positive':['6',0],'negative':['7',0],'cfg':4.0}}}
      """;

  @Test
  void samplingInPartsIsTheSameAsInOne() {
    String parts =
        """
        {'14':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['12',0],'guider':['13',0],'sampler':['10',0],'sigmas':['11',0],'latent_image':['5',0]}},
         '15':{'class_type':'SamplerCustom','inputs':{'model':['4',0],'add_noise':true,'noise_seed':7,'cfg':4.0,'positive':['6',0],'negative':['7',0],'sampler':['10',0],'sigmas':['11',0],'latent_image':['5',0]}}}
        """;
    byte[] whole = studio.pixels(Json.object(Studio.BASE));
    assertThat(studio.pixels(Studio.linked("8", "samples", "14", CUSTOM, parts))).isEqualTo(whole);
    assertThat(studio.pixels(Studio.linked("8", "samples", "15", CUSTOM, parts))).isEqualTo(whole);
  }

  @Test
  void splitSigmasGoOnWhereTheyStopped() {
    String split =
        """
        {'14':{'class_type':'SplitSigmas','inputs':{'sigmas':['11',0],'step':1}},
         '15':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['12',0],'guider':['13',0],'sampler':['10',0],'sigmas':['14',0],'latent_image':['5',0]}},
         '16':{'class_type':'DisableNoise','inputs':{}},
         '17':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['16',0],'guider':['13',0],'sampler':['10',0],'sigmas':['14',1],'latent_image':['15',0]}}}
        """;
    Studio.assertClose(
        studio.pixels(Studio.linked("8", "samples", "17", CUSTOM, split)),
        studio.pixels(Json.object(Studio.BASE)),
        1);
  }

  @Test
  void guidersWithEqualTextsAgree() {
    String guiders =
        """
        {'20':{'class_type':'BasicGuider','inputs':{'model':['4',0],'conditioning':['6',0]}},
         '21':{'class_type':'CFGGuider','inputs':{'model':['4',0],'positive':['6',0],'negative':['7',0],'cfg':1.0}},
         '22':{'class_type':'DualCFGGuider','inputs':{'model':['4',0],'cond1':['6',0],'cond2':['6',0],'negative':['7',0],'cfg_conds':3.0,'cfg_cond2_negative':4.0,'style':'regular'}},
         '23':{'class_type':'PerpNegGuider','inputs':{'model':['4',0],'positive':['6',0],'negative':['6',0],'empty_conditioning':['7',0],'cfg':4.0,'neg_scale':1.0}},
         '14':{'class_type':'SamplerCustomAdvanced','inputs':{'noise':['12',0],'guider':['20',0],'sampler':['10',0],'sigmas':['11',0],'latent_image':['5',0]}}}
        """;
    ObjectNode basic = Studio.linked("8", "samples", "14", CUSTOM, guiders);
    ObjectNode one = Studio.linked("8", "samples", "14", CUSTOM, guiders);
    Studio.link(one, "14", "guider", "21", 0);
    assertThat(studio.pixels(basic)).isEqualTo(studio.pixels(one));
    // Two equal texts, and a negative text that lies along the positive one, are plain guidance.
    for (String guider : List.of("22", "23")) {
      ObjectNode other = Studio.linked("8", "samples", "14", CUSTOM, guiders);
      Studio.link(other, "14", "guider", guider, 0);
      Studio.assertClose(studio.pixels(other), studio.pixels(Json.object(Studio.BASE)), 1);
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
        "same|{'10':{'class_type':'FluxGuidance','inputs':{'conditioning':['6',0],'guidance':30.0}}}",
        // what should change something
        "other|{'10':{'class_type':'ConditioningSetAreaPercentage','inputs':{'conditioning':['11',0],'width':0.5,'height':1.0,'x':0.5,'y':0.0,'strength':1.0}},'11':{'class_type':'ConditioningZeroOut','inputs':{'conditioning':['6',0]}}}",
        "other|{'10':{'class_type':'ConditioningAverage','inputs':{'conditioning_to':['6',0],'conditioning_from':['7',0],'conditioning_to_strength':0.5}}}",
        "other|{'10':{'class_type':'ConditioningCombine','inputs':{'conditioning_1':['6',0],'conditioning_2':['7',0]}}}",
        "other|{'10':{'class_type':'ConditioningConcat','inputs':{'conditioning_to':['6',0],'conditioning_from':['7',0]}}}",
        "other|{'10':{'class_type':'ConditioningZeroOut','inputs':{'conditioning':['6',0]}}}",
        "other|{'10':{'class_type':'ConditioningSetTimestepRange','inputs':{'conditioning':['6',0],'start':0.5,'end':1.0}}}",
      })
  void aConditioningNodeChangesWhatItShould(String expected, String nodes) {
    assertSameOrOther(expected, studio.pixels(Studio.linked("3", "positive", "10", nodes)));
  }

  private void assertSameOrOther(String expected, byte[] changed) {
    byte[] base = studio.pixels(Json.object(Studio.BASE));
    if (expected.equals("same")) {
      Studio.assertClose(changed, base, 1);
    } else {
      assertThat(changed).isNotEqualTo(base);
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
    float[] mixed = latent(Studio.linked("3", "positive", "12", halves), 1);
    float[] alike = latent(Studio.linked("3", "positive", "13", halves), 2);
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
        "same|{'10':{'class_type':'FreeU','inputs':{'model':['4',0],'b1':1.0,'b2':1.0,'s1':1.0,'s2':1.0}}}",
        "same|{'10':{'class_type':'FreeU_V2','inputs':{'model':['4',0],'b1':1.0,'b2':1.0,'s1':1.0,'s2':1.0}}}",
        "same|{'10':{'class_type':'HyperTile','inputs':{'model':['4',0],'tile_size':256,'swap_size':2,'max_depth':0,'scale_depth':false}}}",
        "same|{'10':{'class_type':'SelfAttentionGuidance','inputs':{'model':['4',0],'scale':0.0,'blur_sigma':2.0}}}",
        "other|{'10':{'class_type':'FreeU','inputs':{'model':['4',0],'b1':1.3,'b2':1.4,'s1':0.9,'s2':0.2}}}",
        "other|{'10':{'class_type':'FreeU_V2','inputs':{'model':['4',0],'b1':1.3,'b2':1.4,'s1':0.9,'s2':0.2}}}",
        "other|{'10':{'class_type':'HyperTile','inputs':{'model':['4',0],'tile_size':32,'swap_size':2,'max_depth':1,'scale_depth':false}}}",
        "other|{'10':{'class_type':'RescaleCFG','inputs':{'model':['4',0],'multiplier':0.7}}}",
        "other|{'10':{'class_type':'ModelSamplingDiscrete','inputs':{'model':['4',0],'sampling':'v_prediction','zsnr':true}}}",
        "other|{'10':{'class_type':'ModelSamplingDiscrete','inputs':{'model':['4',0],'sampling':'lcm','zsnr':false}}}",
        "other|{'10':{'class_type':'ModelSamplingDiscrete','inputs':{'model':['4',0],'sampling':'x0','zsnr':false}}}",
        "other|{'10':{'class_type':'PerpNeg','inputs':{'model':['4',0],'empty_conditioning':['11',0],'neg_scale':1.0}},'11':{'class_type':'CLIPTextEncode','inputs':{'text':'','clip':['4',1]}}}",
        "other|{'10':{'class_type':'LoraLoaderModelOnly','inputs':{'model':['4',0],'lora_name':'x.safetensors','strength_model':1.0}}}",
      })
  void aModelNodeChangesWhatItShould(String expected, String nodes) {
    studio.model(studio.lora(64, 4), "loras", "x.safetensors");
    assertSameOrOther(expected, studio.pixels(Studio.linked("3", "model", "10", nodes)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'class_type':'PerturbedAttentionGuidance','inputs':{'model':['4',0],'scale':3.0}",
        "'class_type':'SelfAttentionGuidance','inputs':{'model':['4',0],'scale':5.0,'blur_sigma':2.0}"
      })
  void guidanceByAttentionNeedsMoreThanOneTokenInTheMiddle(String node) {
    String guided =
        "{'5':{'class_type':'EmptyLatentImage','inputs':{'width':128,'height':128,'batch_size':1}},'10':{"
            + node
            + "}}";
    assertThat(studio.pixels(Studio.linked("3", "model", "10", guided)))
        .isNotEqualTo(studio.pixels(Studio.with(guided)));
  }

  @Test
  void chainedLorasAddUpAndAreUndoneByTheOpposite() {
    studio.model(studio.lora(64, 4), "loras", "x.safetensors");
    String chain =
        """
        {'10':{'class_type':'LoraLoader','inputs':{'model':['4',0],'clip':['4',1],'lora_name':'x.safetensors','strength_model':0.5,'strength_clip':0.0}},
         '11':{'class_type':'LoraLoader','inputs':{'model':['10',0],'clip':['10',1],'lora_name':'x.safetensors','strength_model':0.5,'strength_clip':0.0}},
         '12':{'class_type':'LoraLoader','inputs':{'model':['10',0],'clip':['10',1],'lora_name':'x.safetensors','strength_model':-0.5,'strength_clip':0.0}},
         '13':{'class_type':'LoraLoaderModelOnly','inputs':{'model':['4',0],'lora_name':'x.safetensors','strength_model':1.0}}}
        """;
    byte[] twice = studio.pixels(Studio.linked("3", "model", "11", chain));
    Studio.assertClose(twice, studio.pixels(Studio.linked("3", "model", "13", chain)), 1);
    assertThat(twice).isNotEqualTo(studio.pixels(Json.object(Studio.BASE)));
    Studio.assertClose(
        studio.pixels(Studio.linked("3", "model", "12", chain)),
        studio.pixels(Json.object(Studio.BASE)),
        1);
  }

  @Test
  void theOldControlNodeSteersBothTextsAsTheNewOneDoes() {
    String checkpoint = studio.checkpointWithoutVae("tiny_sdxl");
    studio.model("tiny_controlnet", "controlnet", "net.safetensors");
    String control =
        """
        {'11':{'class_type':'ControlNetLoader','inputs':{'control_net_name':'net.safetensors'}},
         '12':{'class_type':'EmptyImage','inputs':{'width':64,'height':64,'batch_size':1,'color':16711680}},
         '13':{'class_type':'ControlNetApply','inputs':{'conditioning':['6',0],'control_net':['11',0],'image':['12',0],'strength':0.8}},
         '14':{'class_type':'ControlNetApplyAdvanced','inputs':{'positive':['6',0],'negative':['7',0],'control_net':['11',0],'image':['12',0],'strength':0.8,'start_percent':0.0,'end_percent':1.0}},
         '15':{'class_type':'ControlNetApplyAdvanced','inputs':{'positive':['6',0],'negative':['7',0],'control_net':['11',0],'image':['12',0],'strength':0.0,'start_percent':0.0,'end_percent':1.0}}}
        """;
    byte[] old = studio.pixels(Studio.linked("3", "positive", "13", checkpoint, control));
    ObjectNode both = Studio.linked("3", "positive", "14", checkpoint, control);
    Studio.link(both, "3", "negative", "14", 1);
    assertThat(old).isEqualTo(studio.pixels(both));
    byte[] none = studio.pixels(Studio.linked("3", "positive", "15", checkpoint, control));
    assertThat(none).isNotEqualTo(old).isEqualTo(studio.pixels(Studio.with(checkpoint)));
  }

  @Test
  void tilesThatHoldThePictureChangeNothingAndSmallerOnesLittle() {
    String tiled =
        "{'10':{'class_type':'VAEDecodeTiled','inputs':{'samples':['3',0],'vae':['4',2],'tile_size':%d,'overlap':%d,'temporal_size':64,'temporal_overlap':8}},'5':{'class_type':'EmptyLatentImage','inputs':{'width':128,'height':128,'batch_size':1}}}";
    byte[] whole =
        studio.pixels(
            Studio.with(
                "{'5':{'class_type':'EmptyLatentImage','inputs':{'width':128,'height':128,'batch_size':1}}}"));
    Studio.assertClose(
        studio.pixels(Studio.linked("9", "images", "10", tiled.formatted(512, 64))), whole, 1);
    byte[] small = studio.pixels(Studio.linked("9", "images", "10", tiled.formatted(96, 24)));
    double sum = 0;
    for (int i = 0; i < whole.length; i++) {
      sum += Math.abs(Byte.toUnsignedInt(whole[i]) - Byte.toUnsignedInt(small[i]));
    }
    assertThat(sum / whole.length).isBetween(0.01, 30.0);
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
    ObjectNode shown = Studio.linked("3", "positive", "13", nodes.formatted("0.0"));
    Studio.link(shown, "3", "negative", "13", 1);
    Studio.link(shown, "3", "model", "10", 0);
    ObjectNode hidden = Studio.linked("3", "positive", "13", nodes.formatted("1.0"));
    Studio.link(hidden, "3", "negative", "13", 1);
    Studio.link(hidden, "3", "model", "10", 0);
    assertThat(studio.pixels(shown)).isNotEqualTo(studio.pixels(hidden));
    assertThat(studio.pixels(Studio.linked("3", "model", "10", nodes.formatted("1.0"))))
        .as("nothing shown")
        .isNotEqualTo(studio.pixels(shown));
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
    byte[] whole = studio.pixels(Studio.linked("8", "samples", "11", nodes));
    Studio.assertClose(studio.pixels(Studio.linked("8", "samples", "12", nodes)), whole, 1);
    assertThat(studio.pixels(Studio.linked("8", "samples", "13", nodes))).hasSameSizeAs(whole);
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
    ObjectNode prompt = Studio.linked("3", "latent_image", "14", inpaint);
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
        studio.pixels(
            Studio.with(
                "{'20':{'class_type':'SaveLatent','inputs':{'samples':['3',0],'filename_prefix':'l'}}}"));
    Files.copy(
        studio.folders.output().resolve("l_00001_.latent"),
        studio.folders.input().resolve("mine.latent"));
    byte[] after =
        studio.pixels(
            Studio.linked(
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
    byte[] alone = studio.pixels(Studio.linked("3", "latent_image", "10", batch));
    byte[] taken = studio.pixels(Studio.linked("8", "samples", "11", batch));
    Studio.assertClose(alone, taken, 1);
    assertThat(alone).isNotEqualTo(studio.pixels(Json.object(Studio.BASE)));
  }
}
