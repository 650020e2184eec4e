package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.SchemaJson;
import quartet.engine.sampling.Samplers;
import quartet.engine.sampling.Schedulers;

/**
 * What /object_info says of each core node: names, order, defaults and ranges of ComfyUI 0.3.75.
 */
class CoreSchemasTest {
  private static final String SIZE_8 = "{'default':512,'min':16,'max':16384,'step':8}";

  private static JsonNode entry(String className) {
    NodeRegistry registry = FakeNode.registry(new CoreNodes().nodes());
    return Json.normal(
        SchemaJson.entry(registry.find(className).orElseThrow().schema(), FakeCatalog.small()));
  }

  private static String names(JsonNode group) {
    List<String> names = new ArrayList<>();
    group.fieldNames().forEachRemaining(names::add);
    return String.join(" ", names);
  }

  @ParameterizedTest
  @CsvSource({
    "KSampler, KSampler, sampling, model seed steps cfg sampler_name scheduler positive negative latent_image denoise, LATENT",
    "KSamplerAdvanced, KSampler (Advanced), sampling, model add_noise noise_seed steps cfg sampler_name scheduler positive negative latent_image start_at_step end_at_step return_with_leftover_noise, LATENT",
    "CheckpointLoaderSimple, Load Checkpoint, loaders, ckpt_name, MODEL CLIP VAE",
    "CLIPTextEncode, CLIP Text Encode (Prompt), conditioning, text clip, CONDITIONING",
    "CLIPSetLastLayer, CLIP Set Last Layer, conditioning, clip stop_at_clip_layer, CLIP",
    "VAEDecode, VAE Decode, latent, samples vae, IMAGE",
    "VAEEncode, VAE Encode, latent, pixels vae, LATENT",
    "EmptyLatentImage, Empty Latent Image, latent, width height batch_size, LATENT",
    "LatentUpscale, Upscale Latent, latent, samples upscale_method width height crop, LATENT",
    "SaveImage, Save Image, image, images filename_prefix, ''",
    "PreviewImage, Preview Image, image, images, ''",
    "LoadImage, Load Image, image, image, IMAGE MASK",
    "ImageScale, Upscale Image, image/upscaling, image upscale_method width height crop, IMAGE",
    "EmptyImage, EmptyImage, image, width height batch_size color, IMAGE",
    "SaveImageWebsocket, SaveImageWebsocket, api/image, images, ''",
    "PrimitiveString, String, utils/primitive, value, STRING",
    "PrimitiveStringMultiline, String (Multiline), utils/primitive, value, STRING",
    "PrimitiveInt, Int, utils/primitive, value, INT",
    "PrimitiveFloat, Float, utils/primitive, value, FLOAT",
    "PrimitiveBoolean, Boolean, utils/primitive, value, BOOLEAN",
  })
  void every_node_has_its_names_in_the_order_of_its_widgets(
      String className, String display, String category, String inputs, String outputs) {
    JsonNode entry = entry(className);
    assertThat(entry.path("name").asText()).isEqualTo(className);
    assertThat(entry.path("display_name").asText()).isEqualTo(display);
    assertThat(entry.path("category").asText()).isEqualTo(category);
    assertThat(entry.path("python_module").asText()).isEqualTo("nodes");
    assertThat(names(entry.path("input").path("required"))).isEqualTo(inputs);
    assertThat(texts(entry.path("input_order").path("required"))).isEqualTo(inputs);
    assertThat(entry.path("input").has("optional")).isFalse();
    assertThat(texts(entry.path("output"))).isEqualTo(outputs);
    assertThat(texts(entry.path("output_name"))).isEqualTo(outputs);
    assertThat(entry.path("output_is_list")).hasSameSizeAs(entry.path("output"));
    assertThat(entry.path("output_node").asBoolean())
        .isEqualTo(List.of("SaveImage", "PreviewImage", "SaveImageWebsocket").contains(className));
    assertThat(entry.path("description").asText()).isNotEmpty();
  }

  private static String texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(text -> texts.add(text.asText()));
    return String.join(" ", texts);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "KSampler|model|['MODEL',{}]",
        "KSampler|seed|['INT',{'default':0,'min':0,'max':18446744073709551615,'control_after_generate':true}]",
        "KSampler|steps|['INT',{'default':20,'min':1,'max':10000}]",
        "KSampler|cfg|['FLOAT',{'default':8.0,'min':0.0,'max':100.0,'step':0.1,'round':0.01}]",
        "KSampler|denoise|['FLOAT',{'default':1.0,'min':0.0,'max':1.0,'step':0.01}]",
        "KSamplerAdvanced|add_noise|[['enable','disable'],{}]",
        "KSamplerAdvanced|noise_seed|['INT',{'default':0,'min':0,'max':18446744073709551615,'control_after_generate':true}]",
        "KSamplerAdvanced|start_at_step|['INT',{'default':0,'min':0,'max':10000}]",
        "KSamplerAdvanced|end_at_step|['INT',{'default':10000,'min':0,'max':10000}]",
        "KSamplerAdvanced|return_with_leftover_noise|[['disable','enable'],{}]",
        "CheckpointLoaderSimple|ckpt_name|[['a.safetensors'],{}]",
        "CLIPTextEncode|text|['STRING',{'multiline':true,'dynamicPrompts':true}]",
        "CLIPSetLastLayer|stop_at_clip_layer|['INT',{'default':-1,'min':-24,'max':-1}]",
        "EmptyLatentImage|batch_size|['INT',{'default':1,'min':1,'max':4096}]",
        "LatentUpscale|upscale_method|[['nearest-exact','bilinear','area','bicubic','bislerp'],{}]",
        "LatentUpscale|width|['INT',{'default':512,'min':0,'max':16384,'step':8}]",
        "LatentUpscale|crop|[['disabled','center'],{}]",
        "SaveImage|filename_prefix|['STRING',{'default':'ComfyUI'}]",
        "LoadImage|image|[['in.png'],{'image_upload':true}]",
        "ImageScale|upscale_method|[['nearest-exact','bilinear','area','bicubic','lanczos'],{}]",
        "ImageScale|height|['INT',{'default':512,'min':0,'max':16384}]",
        "EmptyImage|width|['INT',{'default':512,'min':1,'max':16384}]",
        "EmptyImage|color|['INT',{'default':0,'min':0,'max':16777215,'display':'color'}]",
      })
  void an_input_has_its_type_default_and_range(String className, String input, String config) {
    assertThat(entry(className).path("input").path("required").path(input))
        .isEqualTo(Json.value(config));
  }

  @Test
  void empty_latents_are_sized_in_steps_of_eight() {
    JsonNode required = entry("EmptyLatentImage").path("input").path("required");
    assertThat(required.path("width")).isEqualTo(Json.value("['INT'," + SIZE_8 + "]"));
    assertThat(required.path("height")).isEqualTo(Json.value("['INT'," + SIZE_8 + "]"));
  }

  @Test
  void samplers_and_schedulers_are_lists() {
    JsonNode required = entry("KSampler").path("input").path("required");
    assertThat(texts(required.path("sampler_name").path(0)))
        .isEqualTo(String.join(" ", Samplers.names()));
    assertThat(texts(required.path("scheduler").path(0)))
        .isEqualTo(String.join(" ", Schedulers.names()))
        .isEqualTo(
            "simple sgm_uniform karras exponential ddim_uniform beta normal linear_quadratic kl_optimal");
  }

  @Test
  void nodes_that_write_metadata_say_so_as_hidden_inputs() {
    for (String className : List.of("SaveImage", "PreviewImage")) {
      ObjectNode entry = (ObjectNode) entry(className);
      assertThat(entry.path("input").path("hidden"))
          .isEqualTo(Json.value("{'prompt':'PROMPT','extra_pnginfo':'EXTRA_PNGINFO'}"));
      assertThat(texts(entry.path("input_order").path("hidden"))).isEqualTo("prompt extra_pnginfo");
    }
  }
}
