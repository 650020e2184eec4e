package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.SchemaJson;

/** What /object_info says of the nodes beyond the first ones: the tables of ComfyUI 0.3.75. */
class NodeSchemasTest {
  /** Class; title; category; required inputs; outputs (name after a colon where it differs). */
  private static final String TABLE =
      """
      VAELoader|Load VAE|loaders|vae_name|VAE
      LoraLoader|Load LoRA|loaders|model clip lora_name strength_model strength_clip|MODEL CLIP
      LoraLoaderModelOnly|LoraLoaderModelOnly|loaders|model lora_name strength_model|MODEL
      ControlNetLoader|Load ControlNet Model|loaders|control_net_name|CONTROL_NET
      UNETLoader|Load Diffusion Model|advanced/loaders|unet_name weight_dtype|MODEL
      CLIPLoader|Load CLIP|advanced/loaders|clip_name type|CLIP
      DualCLIPLoader|DualCLIPLoader|advanced/loaders|clip_name1 clip_name2 type|CLIP
      UpscaleModelLoader|Load Upscale Model|loaders|model_name|UPSCALE_MODEL
      ConditioningCombine|Conditioning (Combine)|conditioning|conditioning_1 conditioning_2|CONDITIONING
      ConditioningAverage|ConditioningAverage|conditioning|conditioning_to conditioning_from conditioning_to_strength|CONDITIONING
      ConditioningConcat|Conditioning (Concat)|conditioning|conditioning_to conditioning_from|CONDITIONING
      ConditioningSetArea|Conditioning (Set Area)|conditioning|conditioning width height x y strength|CONDITIONING
      ConditioningSetAreaPercentage|Conditioning (Set Area with Percentage)|conditioning|conditioning width height x y strength|CONDITIONING
      ConditioningSetAreaStrength|ConditioningSetAreaStrength|conditioning|conditioning strength|CONDITIONING
      ConditioningSetMask|Conditioning (Set Mask)|conditioning|conditioning mask strength set_cond_area|CONDITIONING
      ConditioningSetTimestepRange|ConditioningSetTimestepRange|advanced/conditioning|conditioning start end|CONDITIONING
      ConditioningZeroOut|ConditioningZeroOut|advanced/conditioning|conditioning|CONDITIONING
      CLIPTextEncodeSDXL|CLIPTextEncodeSDXL|advanced/conditioning|clip width height crop_w crop_h target_width target_height text_g text_l|CONDITIONING
      CLIPTextEncodeFlux|CLIPTextEncodeFlux|advanced/conditioning/flux|clip clip_l t5xxl guidance|CONDITIONING
      FluxGuidance|FluxGuidance|advanced/conditioning/flux|conditioning guidance|CONDITIONING
      EmptySD3LatentImage|EmptySD3LatentImage|latent/sd3|width height batch_size|LATENT
      LoadImageOutput|Load Image (from Outputs)|image|image|IMAGE MASK
      CLIPTextEncodeSDXLRefiner|CLIPTextEncodeSDXLRefiner|advanced/conditioning|ascore width height text clip|CONDITIONING
      ControlNetApply|Apply ControlNet (OLD)|conditioning/controlnet|conditioning control_net image strength|CONDITIONING
      ControlNetApplyAdvanced|Apply ControlNet|conditioning/controlnet|positive negative control_net image strength start_percent end_percent|CONDITIONING:positive CONDITIONING:negative
      InpaintModelConditioning|InpaintModelConditioning|conditioning/inpaint|positive negative vae pixels mask noise_mask|CONDITIONING:positive CONDITIONING:negative LATENT:latent
      SamplerCustom|SamplerCustom|sampling/custom_sampling|model add_noise noise_seed cfg positive negative sampler sigmas latent_image|LATENT:output LATENT:denoised_output
      SamplerCustomAdvanced|SamplerCustomAdvanced|sampling/custom_sampling|noise guider sampler sigmas latent_image|LATENT:output LATENT:denoised_output
      BasicGuider|BasicGuider|sampling/custom_sampling/guiders|model conditioning|GUIDER
      CFGGuider|CFGGuider|sampling/custom_sampling/guiders|model positive negative cfg|GUIDER
      DualCFGGuider|DualCFGGuider|sampling/custom_sampling/guiders|model cond1 cond2 negative cfg_conds cfg_cond2_negative style|GUIDER
      PerpNegGuider|PerpNegGuider|_for_testing|model positive negative empty_conditioning cfg neg_scale|GUIDER
      KSamplerSelect|KSamplerSelect|sampling/custom_sampling/samplers|sampler_name|SAMPLER
      BasicScheduler|BasicScheduler|sampling/custom_sampling/schedulers|model scheduler steps denoise|SIGMAS
      KarrasScheduler|KarrasScheduler|sampling/custom_sampling/schedulers|steps sigma_max sigma_min rho|SIGMAS
      ExponentialScheduler|ExponentialScheduler|sampling/custom_sampling/schedulers|steps sigma_max sigma_min|SIGMAS
      PolyexponentialScheduler|PolyexponentialScheduler|sampling/custom_sampling/schedulers|steps sigma_max sigma_min rho|SIGMAS
      SDTurboScheduler|SDTurboScheduler|sampling/custom_sampling/schedulers|model steps denoise|SIGMAS
      VPScheduler|VPScheduler|sampling/custom_sampling/schedulers|steps beta_d beta_min eps_s|SIGMAS
      RandomNoise|RandomNoise|sampling/custom_sampling/noise|noise_seed|NOISE
      DisableNoise|DisableNoise|sampling/custom_sampling/noise||NOISE
      SplitSigmas|SplitSigmas|sampling/custom_sampling/sigmas|sigmas step|SIGMAS:high_sigmas SIGMAS:low_sigmas
      SplitSigmasDenoise|SplitSigmasDenoise|sampling/custom_sampling/sigmas|sigmas denoise|SIGMAS:high_sigmas SIGMAS:low_sigmas
      FlipSigmas|FlipSigmas|sampling/custom_sampling/sigmas|sigmas|SIGMAS
      SetFirstSigma|SetFirstSigma|sampling/custom_sampling/sigmas|sigmas sigma|SIGMAS
      VAEDecodeTiled|VAE Decode (Tiled)|_for_testing|samples vae tile_size overlap temporal_size temporal_overlap|IMAGE
      VAEEncodeTiled|VAE Encode (Tiled)|_for_testing|pixels vae tile_size overlap temporal_size temporal_overlap|LATENT
      VAEEncodeForInpaint|VAE Encode (for Inpainting)|latent/inpaint|pixels vae mask grow_mask_by|LATENT
      SetLatentNoiseMask|Set Latent Noise Mask|latent/inpaint|samples mask|LATENT
      LatentUpscaleBy|Upscale Latent By|latent|samples upscale_method scale_by|LATENT
      LatentComposite|Latent Composite|latent|samples_to samples_from x y feather|LATENT
      LatentCompositeMasked|LatentCompositeMasked|latent|destination source x y resize_source|LATENT
      LatentBlend|Latent Blend|_for_testing|samples1 samples2 blend_factor|LATENT
      LatentBatch|LatentBatch|latent/batch|samples1 samples2|LATENT
      RepeatLatentBatch|Repeat Latent Batch|latent/batch|samples amount|LATENT
      LatentFromBatch|Latent From Batch|latent/batch|samples batch_index length|LATENT
      LatentRotate|Rotate Latent|latent/transform|samples rotation|LATENT
      LatentFlip|Flip Latent|latent/transform|samples flip_method|LATENT
      LatentCrop|Crop Latent|latent/transform|samples width height x y|LATENT
      LatentAdd|LatentAdd|latent/advanced|samples1 samples2|LATENT
      LatentSubtract|LatentSubtract|latent/advanced|samples1 samples2|LATENT
      LatentMultiply|LatentMultiply|latent/advanced|samples multiplier|LATENT
      LatentInterpolate|LatentInterpolate|latent/advanced|samples1 samples2 ratio|LATENT
      LatentBatchSeedBehavior|LatentBatchSeedBehavior|latent/advanced|samples seed_behavior|LATENT
      SaveLatent|SaveLatent|_for_testing|samples filename_prefix|
      LoadLatent|LoadLatent|_for_testing|latent|LATENT
      LoadImageMask|Load Image (as Mask)|mask|image channel|MASK
      ImageScaleBy|Upscale Image By|image/upscaling|image upscale_method scale_by|IMAGE
      ImageScaleToTotalPixels|Scale Image to Total Pixels|image/upscaling|image upscale_method megapixels|IMAGE
      ImageUpscaleWithModel|Upscale Image (using Model)|image/upscaling|upscale_model image|IMAGE
      ImageInvert|Invert Image|image|image|IMAGE
      ImageBatch|Batch Images|image|image1 image2|IMAGE
      ImagePadForOutpaint|Pad Image for Outpainting|image|image left top right bottom feathering|IMAGE MASK
      ImageCrop|Image Crop|image/transform|image width height x y|IMAGE
      RepeatImageBatch|RepeatImageBatch|image/batch|image amount|IMAGE
      ImageFromBatch|ImageFromBatch|image/batch|image batch_index length|IMAGE
      ImageBlend|ImageBlend|image/postprocessing|image1 image2 blend_factor blend_mode|IMAGE
      ImageBlur|ImageBlur|image/postprocessing|image blur_radius sigma|IMAGE
      ImageSharpen|ImageSharpen|image/postprocessing|image sharpen_radius sigma alpha|IMAGE
      ImageCompositeMasked|ImageCompositeMasked|image|destination source x y resize_source|IMAGE
      ImageRotate|ImageRotate|image/transform|image rotation|IMAGE
      ImageFlip|ImageFlip|image/transform|image flip_method|IMAGE
      ImageScaleToMaxDimension|ImageScaleToMaxDimension|image/upscaling|image upscale_method largest_size|IMAGE
      ResizeAndPadImage|ResizeAndPadImage|image/transform|image target_width target_height padding_color interpolation|IMAGE
      GetImageSize|Get Image Size|image|image|INT:width INT:height INT:batch_size
      ImageAddNoise|ImageAddNoise|image|image seed strength|IMAGE
      SplitImageWithAlpha|Split Image with Alpha|mask/compositing|image|IMAGE MASK
      JoinImageWithAlpha|Join Image with Alpha|mask/compositing|image alpha|IMAGE
      InvertMask|InvertMask|mask|mask|MASK
      SolidMask|SolidMask|mask|value width height|MASK
      FeatherMask|FeatherMask|mask|mask left top right bottom|MASK
      GrowMask|GrowMask|mask|mask expand tapered_corners|MASK
      CropMask|CropMask|mask|mask x y width height|MASK
      MaskComposite|MaskComposite|mask|destination source x y operation|MASK
      ThresholdMask|ThresholdMask|mask|mask value|MASK
      MaskToImage|Convert Mask to Image|mask|mask|IMAGE
      ImageToMask|Convert Image to Mask|mask|image channel|MASK
      ImageColorToMask|ImageColorToMask|mask|image color|MASK
      ModelSamplingDiscrete|ModelSamplingDiscrete|advanced/model|model sampling zsnr|MODEL
      ModelSamplingSD3|ModelSamplingSD3|advanced/model|model shift|MODEL
      ModelSamplingAuraFlow|ModelSamplingAuraFlow|advanced/model|model shift|MODEL
      ModelSamplingFlux|ModelSamplingFlux|advanced/model|model max_shift base_shift width height|MODEL
      RescaleCFG|RescaleCFG|advanced/model|model multiplier|MODEL
      PerturbedAttentionGuidance|PerturbedAttentionGuidance|model_patches/unet|model scale|MODEL
      CLIPVisionLoader|Load CLIP Vision|loaders|clip_name|CLIP_VISION
      CLIPVisionEncode|CLIP Vision Encode|conditioning|clip_vision image crop|CLIP_VISION_OUTPUT
      StyleModelLoader|Load Style Model|loaders|style_model_name|STYLE_MODEL
      StyleModelApply|Apply Style Model|conditioning/style_model|conditioning style_model clip_vision_output strength strength_type|CONDITIONING
      unCLIPCheckpointLoader|unCLIPCheckpointLoader|loaders|ckpt_name|MODEL CLIP VAE CLIP_VISION
      unCLIPConditioning|unCLIPConditioning|conditioning|conditioning clip_vision_output strength noise_augmentation|CONDITIONING
      FreeU|FreeU|model_patches/unet|model b1 b2 s1 s2|MODEL
      FreeU_V2|FreeU_V2|model_patches/unet|model b1 b2 s1 s2|MODEL
      HyperTile|HyperTile|model_patches/unet|model tile_size swap_size max_depth scale_depth|MODEL
      SelfAttentionGuidance|Self-Attention Guidance|_for_testing|model scale blur_sigma|MODEL
      PerpNeg|Perp-Neg (DEPRECATED by PerpNegGuider)|_for_testing|model empty_conditioning neg_scale|MODEL
      ModelMergeSimple|ModelMergeSimple|advanced/model_merging|model1 model2 ratio|MODEL
      ModelMergeAdd|ModelMergeAdd|advanced/model_merging|model1 model2|MODEL
      ModelMergeSubtract|ModelMergeSubtract|advanced/model_merging|model1 model2 multiplier|MODEL
      ModelMergeBlocks|ModelMergeBlocks|advanced/model_merging|model1 model2 input middle out|MODEL
      CLIPMergeSimple|CLIPMergeSimple|advanced/model_merging|clip1 clip2 ratio|CLIP
      CheckpointSave|Save Checkpoint|advanced/model_merging|model clip vae filename_prefix|
      """;

  /** Those that CoreSchemasTest looks at. */
  private static final Set<String> ELSEWHERE =
      Set.of(
          "KSampler",
          "KSamplerAdvanced",
          "CheckpointLoaderSimple",
          "CLIPTextEncode",
          "CLIPSetLastLayer",
          "VAEDecode",
          "VAEEncode",
          "EmptyLatentImage",
          "LatentUpscale",
          "SaveImage",
          "PreviewImage",
          "LoadImage",
          "ImageScale",
          "EmptyImage",
          "SaveImageWebsocket",
          "PrimitiveInt",
          "PrimitiveFloat",
          "PrimitiveString",
          "PrimitiveStringMultiline",
          "PrimitiveBoolean");

  private static JsonNode entry(String className) {
    NodeRegistry registry = FakeNode.registry(new CoreNodes().nodes());
    return Json.normal(
        SchemaJson.entry(registry.find(className).orElseThrow().schema(), FakeCatalog.small()));
  }

  static List<Arguments> rows() {
    return TABLE.lines().map(line -> Arguments.of((Object[]) line.split("\\|", -1))).toList();
  }

  @ParameterizedTest
  @MethodSource("rows")
  void names_stand_as_clients_expect_them(
      String className, String display, String category, String inputs, String outputs) {
    JsonNode entry = entry(className);
    assertThat(entry.path("display_name").asText()).isEqualTo(display);
    assertThat(entry.path("category").asText()).isEqualTo(category);
    assertThat(texts(entry.path("input_order").path("required"))).isEqualTo(inputs);
    List<String> named = new ArrayList<>();
    for (int i = 0; i < entry.path("output").size(); i++) {
      String type = entry.path("output").path(i).asText();
      String name = entry.path("output_name").path(i).asText();
      named.add(type.equals(name) ? type : type + ":" + name);
    }
    assertThat(String.join(" ", named)).isEqualTo(outputs);
    assertThat(entry.path("description").asText()).isNotEmpty();
    assertThat(entry.path("output_node").asBoolean()).isEqualTo(outputs.isEmpty());
  }

  private static String texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(text -> texts.add(text.asText()));
    return String.join(" ", texts);
  }

  @Test
  void no_node_is_left_out() {
    Set<String> here = new TreeSet<>();
    rows().forEach(row -> here.add((String) row.get()[0]));
    Set<String> there = new TreeSet<>();
    new CoreNodes().nodes().forEach(node -> there.add(node.schema().className()));
    assertThat(there).containsAll(here);
    there.removeAll(here);
    assertThat(there).isSubsetOf(ELSEWHERE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "LoraLoader|strength_model|['FLOAT',{'default':1.0,'min':-100.0,'max':100.0,'step':0.01}]",
        "UNETLoader|weight_dtype|[['default','fp8_e4m3fn','fp8_e4m3fn_fast','fp8_e5m2'],{}]",
        "ConditioningSetArea|width|['INT',{'default':64,'min':64,'max':16384,'step':8}]",
        "ConditioningSetArea|x|['INT',{'default':0,'min':0,'max':16384,'step':8}]",
        "ConditioningSetMask|set_cond_area|[['default','mask bounds'],{}]",
        "ConditioningSetTimestepRange|end|['FLOAT',{'default':1.0,'min':0.0,'max':1.0,'step':0.001}]",
        "CLIPTextEncodeSDXL|text_g|['STRING',{'multiline':true,'dynamicPrompts':true}]",
        "CLIPTextEncodeSDXLRefiner|ascore|['FLOAT',{'default':6.0,'min':0.0,'max':1000.0,'step':0.01}]",
        "ControlNetApplyAdvanced|start_percent|['FLOAT',{'default':0.0,'min':0.0,'max':1.0,'step':0.001}]",
        "KarrasScheduler|sigma_max|['FLOAT',{'default':14.614642,'min':0.0,'max':5000.0,'step':0.01,'round':false}]",
        "KarrasScheduler|sigma_min|['FLOAT',{'default':0.0291675,'min':0.0,'max':5000.0,'step':0.01,'round':false}]",
        "SamplerCustom|add_noise|['BOOLEAN',{'default':true}]",
        "RandomNoise|noise_seed|['INT',{'default':0,'min':0,'max':18446744073709551615,'control_after_generate':true}]",
        "VAEDecodeTiled|tile_size|['INT',{'default':512,'min':64,'max':4096,'step':32}]",
        "VAEDecodeTiled|temporal_size|['INT',{'default':64,'min':8,'max':4096,'step':4}]",
        "VAEEncodeForInpaint|grow_mask_by|['INT',{'default':6,'min':0,'max':64}]",
        "LatentFlip|flip_method|[['x-axis: vertically','y-axis: horizontally'],{}]",
        "LatentCrop|width|['INT',{'default':512,'min':64,'max':16384,'step':8}]",
        "RepeatLatentBatch|amount|['INT',{'default':1,'min':1,'max':64}]",
        "SaveLatent|filename_prefix|['STRING',{'default':'latents/ComfyUI'}]",
        "ImagePadForOutpaint|feathering|['INT',{'default':40,'min':0,'max':16384}]",
        "ImageRotate|rotation|['COMBO',{'multiselect':false,'options':['none','90 degrees','180 degrees','270 degrees']}]",
        "ResizeAndPadImage|interpolation|['COMBO',{'multiselect':false,'options':['area','bicubic','nearest-exact','bilinear','lanczos']}]",
        "ImageAddNoise|strength|['FLOAT',{'default':0.5,'min':0.0,'max':1.0,'step':0.01}]",
        "FluxGuidance|guidance|['FLOAT',{'default':3.5,'min':0.0,'max':100.0,'step':0.1}]",
        "EmptySD3LatentImage|width|['INT',{'default':1024,'min':16,'max':16384,'step':16}]",
        "LoadImageOutput|image|['COMBO',{'image_upload':true,'image_folder':'output','remote':{'route':'/internal/files/output','refresh_button':true,'control_after_refresh':'first'}}]",
        "MaskComposite|operation|['COMBO',{'multiselect':false,'options':['multiply','add','subtract','and','or','xor']}]",
        "GrowMask|expand|['INT',{'default':0,'min':-16384,'max':16384}]",
        "ModelSamplingDiscrete|sampling|[['eps','v_prediction','lcm','x0','img_to_img'],{}]",
        "ModelSamplingSD3|shift|['FLOAT',{'default':3.0,'min':0.0,'max':100.0,'step':0.01}]",
        "ModelSamplingAuraFlow|shift|['FLOAT',{'default':1.73,'min':0.0,'max':100.0,'step':0.01}]",
        "ModelSamplingFlux|max_shift|['FLOAT',{'default':1.15,'min':0.0,'max':100.0,'step':0.01}]",
        "ModelSamplingFlux|base_shift|['FLOAT',{'default':0.5,'min':0.0,'max':100.0,'step':0.01}]",
        "ModelSamplingFlux|width|['INT',{'default':1024,'min':16,'max':16384,'step':8}]",
        "ModelSamplingFlux|height|['INT',{'default':1024,'min':16,'max':16384,'step':8}]",
        "CLIPTextEncodeFlux|clip_l|['STRING',{'multiline':true,'dynamicPrompts':true}]",
        "CLIPTextEncodeFlux|t5xxl|['STRING',{'multiline':true,'dynamicPrompts':true}]",
        "CLIPTextEncodeFlux|guidance|['FLOAT',{'default':3.5,'min':0.0,'max':100.0,'step':0.1}]",
        "CLIPVisionEncode|crop|[['center','none'],{}]",
        "StyleModelApply|strength|['FLOAT',{'default':1.0,'min':0.0,'max':10.0,'step':0.001}]",
        "StyleModelApply|strength_type|[['multiply','attn_bias'],{}]",
        "unCLIPConditioning|strength|['FLOAT',{'default':1.0,'min':-10.0,'max':10.0,'step':0.01}]",
        "unCLIPConditioning|noise_augmentation|['FLOAT',{'default':0.0,'min':0.0,'max':1.0,'step':0.01}]",
        "FreeU|b1|['FLOAT',{'default':1.1,'min':0.0,'max':10.0,'step':0.01}]",
        "FreeU_V2|b2|['FLOAT',{'default':1.4,'min':0.0,'max':10.0,'step':0.01}]",
        "FreeU_V2|s2|['FLOAT',{'default':0.2,'min':0.0,'max':10.0,'step':0.01}]",
        "HyperTile|tile_size|['INT',{'default':256,'min':1,'max':2048}]",
        "HyperTile|max_depth|['INT',{'default':0,'min':0,'max':10}]",
        "SelfAttentionGuidance|scale|['FLOAT',{'default':0.5,'min':-2.0,'max':5.0,'step':0.01}]",
        "SelfAttentionGuidance|blur_sigma|['FLOAT',{'default':2.0,'min':0.0,'max':10.0,'step':0.1}]",
        "DualCFGGuider|style|['COMBO',{'multiselect':false,'options':['regular','nested']}]",
        "PerpNegGuider|neg_scale|['FLOAT',{'default':1.0,'min':0.0,'max':100.0,'step':0.01}]",
        "CheckpointSave|filename_prefix|['STRING',{'default':'checkpoints/ComfyUI'}]",
      })
  void inputs_have_their_type_default_and_range(String className, String input, String config) {
    assertThat(entry(className).path("input").path("required").path(input))
        .isEqualTo(Json.value(config));
  }

  @Test
  void newer_nodes_say_what_they_are_not_and_older_ones_only_what_they_are() {
    JsonNode newer = entry("KSamplerSelect");
    assertThat(newer.path("deprecated").isBoolean()).isTrue();
    assertThat(newer.path("api_node").asBoolean(true)).isFalse();
    assertThat(newer.path("output_tooltips")).hasSize(1);
    assertThat(newer.path("python_module").asText()).isEqualTo("comfy_extras.nodes_custom_sampler");
    JsonNode older = entry("LatentComposite");
    assertThat(older.has("deprecated")).isFalse();
    assertThat(older.path("python_module").asText()).isEqualTo("nodes");
    assertThat(entry("ControlNetApply").path("deprecated").asBoolean()).isTrue();
    assertThat(entry("PerpNeg").path("experimental").asBoolean()).isTrue();
  }

  @Test
  void optional_inputs_stand_apart() {
    assertThat(texts(entry("CLIPLoader").path("input_order").path("optional"))).isEqualTo("device");
    assertThat(texts(entry("ImageCompositeMasked").path("input_order").path("optional")))
        .isEqualTo("mask");
  }
}
