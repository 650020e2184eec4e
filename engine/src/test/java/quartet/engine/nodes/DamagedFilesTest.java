package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.fake.Json;
import quartet.errors.Required;
import quartet.rng.TorchGenerator;
import quartet.safetensors.SafetensorsFile;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.testkit.Goldens;

/** Files that are damaged or of another kind end in one error of their prompt. */
class DamagedFilesTest {
  @RegisterExtension final Studio studio = Studio.ofTiny();

  @Test
  void damagedLorasAreOneClearError() {
    String module = "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k";
    HostTensor up = Studio.random(1, 64, 4);
    HostTensor down = Studio.random(2, 4, 64);
    float[] broken = new TorchGenerator(3).randn(256);
    broken[9] = Float.NaN;
    Map<Path, String> cases = new java.util.LinkedHashMap<>();
    cases.put(studio.written(Map.of(module + ".lora_up.weight", up)), "lacks the down");
    cases.put(studio.lora(32, 4), "gives 2048 numbers where the model has [64, 64]");
    cases.put(
        studio.written(
            Map.of(
                module + ".lora_up.weight",
                up,
                module + ".lora_down.weight",
                Studio.random(1, 5, 64))),
        "do not fit each other");
    cases.put(
        studio.written(
            Map.of(
                module + ".lora_up.weight",
                up,
                module + ".lora_down.weight",
                HostTensor.of(Shape.of(4, 64), broken))),
        "holds NaN at 9");
    cases.put(
        studio.written(
            Map.of(
                module + ".lora_up.weight",
                HostTensor.of(Shape.of(64, 4), new int[256]),
                module + ".lora_down.weight",
                down)),
        "has dtype I32");
    cases.put(studio.written(Map.of("something", up)), "is no LoRA");
    cases.put(
        studio.written(
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
          studio.failure(
              Studio.linked(
                  "3",
                  "model",
                  "10",
                  "{'10':{'class_type':'LoraLoaderModelOnly','inputs':{'model':['4',0],'lora_name':'"
                      + name
                      + "','strength_model':1.0}}}"));
      assertThat(message).contains(one.getValue()).contains(name);
    }
    assertThat(studio.pixels(Json.object(Studio.BASE))).as("other prompts go on").isNotEmpty();
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
        "'" + tensor + "' has shape [1, 2, 3, 3]",
        t -> t.put(tensor, Studio.random(1, 1, 2, 3, 3)));
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
          studio.failure(
              Studio.linked(
                  "9", "images", "11", "{'10':{" + node.formatted(name) + "}," + use + "}"));
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
              studio.failure(
                  Studio.linked("9", "images", "11", "{'10':{" + loader + "}," + use + "}"));
          assertThat(message).contains("wrong.safetensors").contains(expected);
        });
  }

  private static HostTensor withNaN(HostTensor tensor) {
    float[] values = tensor.toFloats();
    values[values.length - 1] = Float.NaN;
    return HostTensor.of(tensor.shape(), values);
  }

  /** A golden file's tensors with something done to them. */
  private Path changed(String golden, Consumer<Map<String, HostTensor>> change) {
    try (SafetensorsFile file = Goldens.tensors(golden)) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      file.names().forEach(name -> tensors.put(name, file.tensor(name)));
      change.accept(tensors);
      Path made = Files.createTempFile(studio.base, "changed", ".safetensors");
      SafetensorsWriter.write(made, tensors, file.metadata());
      return made;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
