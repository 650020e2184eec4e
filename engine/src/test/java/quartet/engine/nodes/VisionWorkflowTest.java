package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.fake.Json;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.testkit.Goldens;

/** Pictures beside a text: unCLIP models and style models, and files that are damaged. */
class VisionWorkflowTest {
  private static final String STYLE =
      """
      {'20':{'class_type':'CLIPVisionLoader','inputs':{'clip_name':'vision.safetensors'}},
       '21':{'class_type':'StyleModelLoader','inputs':{'style_model_name':'style.safetensors'}},
       '22':{'class_type':'EmptyImage','inputs':{'width':60,'height':50,'batch_size':1,'color':16711680}},
       '23':{'class_type':'CLIPVisionEncode','inputs':{'clip_vision':['20',0],'image':['22',0],'crop':'center'}},
       '24':{'class_type':'StyleModelApply','inputs':{'conditioning':['6',0],'style_model':['21',0],'clip_vision_output':['23',0],'strength':%s,'strength_type':'%s'}}}
      """;

  @RegisterExtension final Studio studio = Studio.ofTiny();

  private static ObjectNode styled(String strength, String type) {
    return Studio.linked("3", "positive", "24", STYLE.formatted(strength, type));
  }

  @Test
  void aStyleModelActsByItsStrength() {
    studio
        .model("tiny_vision", "clip_vision", "vision.safetensors")
        .model("tiny_style", "style_models", "style.safetensors");
    byte[] whole = studio.pixels(styled("1.0", "multiply"));
    assertThat(whole).isNotEqualTo(studio.pixels(Json.object(Studio.BASE)));
    assertThat(studio.pixels(styled("0.3", "multiply"))).isNotEqualTo(whole);
    assertThat(studio.pixels(styled("0.3", "attn_bias"))).isEqualTo(whole);
  }

  @Test
  void anUnclipModelIsToldOfPictures() {
    studio.model("tiny_unclip", "checkpoints", "unclip.safetensors");
    String nodes =
        """
        {'20':{'class_type':'unCLIPCheckpointLoader','inputs':{'ckpt_name':'unclip.safetensors'}},
         '22':{'class_type':'EmptyImage','inputs':{'width':60,'height':50,'batch_size':1,'color':255}},
         '23':{'class_type':'CLIPVisionEncode','inputs':{'clip_vision':['20',3],'image':['22',0],'crop':'none'}},
         '24':{'class_type':'unCLIPConditioning','inputs':{'conditioning':['6',0],'clip_vision_output':['23',0],'strength':%s,'noise_augmentation':0.1}}}
        """;
    ObjectNode told = Studio.linked("3", "positive", "24", nodes.formatted("1.0"));
    ObjectNode untold = Studio.linked("3", "positive", "24", nodes.formatted("0.0"));
    ObjectNode text = Studio.linked("3", "model", "20", nodes.formatted("0.0"));
    for (ObjectNode prompt : List.of(told, untold)) {
      Studio.link(prompt, "3", "model", "20", 0);
    }
    byte[] plain = studio.pixels(text);
    assertThat(studio.pixels(untold)).isEqualTo(plain);
    assertThat(studio.pixels(told)).isNotEqualTo(plain);
  }

  @ParameterizedTest
  @CsvSource({
    "tiny_vision, vision_model.post_layernorm.weight",
    "tiny_vision, vision_model.encoder.layers.1.mlp.fc2.weight",
    "tiny_style, ln_post.weight",
    "tiny_style, proj",
  })
  void damagedFilesAreOneClearError(String golden, String tensor) {
    Shape shape;
    try (SafetensorsFile file = Goldens.tensors(golden)) {
      shape = file.tensor(tensor).shape();
    }
    int count = Math.toIntExact(shape.elements());
    float[] broken = new float[count];
    broken[count - 1] = Float.NaN;
    Map<String, HostTensor> damages = new LinkedHashMap<>();
    damages.put("has shape", Studio.random(1, 7, 5));
    damages.put("has dtype I32", HostTensor.of(shape, new int[count]));
    damages.put("holds NaN", HostTensor.of(shape, broken));
    int number = 0;
    for (Map.Entry<String, HostTensor> damage : damages.entrySet()) {
      String message = failure(golden, tensor, damage.getValue(), number++);
      assertThat(message).contains(damage.getKey()).contains("'" + tensor + "'");
    }
    assertThat(failure(golden, tensor, null, number)).contains("lacks the tensor");
  }

  private String failure(String golden, String tensor, @Nullable HostTensor value, int n) {
    boolean vision = golden.equals("tiny_vision");
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    Path damaged;
    try (SafetensorsFile file = Goldens.tensors(golden)) {
      file.names().forEach(name -> tensors.put(name, file.tensor(name)));
      tensors.remove(tensor);
      if (value != null) {
        tensors.put(tensor, value);
      }
      damaged = studio.written(tensors, file.metadata());
    }
    String name = "damaged" + n + ".safetensors";
    studio
        .model(damaged, vision ? "clip_vision" : "style_models", name)
        .model(
            vision ? "tiny_style" : "tiny_vision",
            vision ? "style_models" : "clip_vision",
            "whole" + n + ".safetensors");
    String nodes =
        STYLE
            .formatted("1.0", "multiply")
            .replace("vision.safetensors", vision ? name : "whole" + n + ".safetensors")
            .replace("style.safetensors", vision ? "whole" + n + ".safetensors" : name);
    String message = studio.failure(Studio.linked("3", "positive", "24", nodes));
    assertThat(message).contains(name);
    return message;
  }

  @Test
  void filesOfAnotherKindAreNamedForWhatTheyLookLike() {
    studio
        .model("tiny_lora", "clip_vision", "vision.safetensors")
        .model("tiny_esrgan", "style_models", "style.safetensors");
    assertThat(studio.failure(styled("1.0", "multiply")))
        .containsAnyOf("no CLIP vision tower (it looks like a LoRA)", "no style adapter");
  }
}
