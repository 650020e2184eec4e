package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.fake.Json;
import quartet.safetensors.SafetensorsFile;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.HostTensor;
import quartet.testkit.Goldens;

/** Parts of models from files of their own, and checkpoints that are written. */
class PartsWorkflowTest {
  @RegisterExtension final Studio studio = Studio.ofTiny();

  @Test
  void aSavedCheckpointMakesTheSamePicture() throws IOException {
    ObjectNode saving =
        Studio.with(
            "{'20':{'class_type':'CheckpointSave','inputs':{'model':['4',0],'clip':['4',1],'vae':['4',2],'filename_prefix':'checkpoints/copy'}}}");
    byte[] before = studio.pixels(saving);
    Path saved = studio.folders.output().resolve("checkpoints/copy_00001_.safetensors");
    studio.model(saved, "checkpoints", "copy.safetensors");
    ObjectNode again = Json.object(Studio.BASE.replace("tiny.safetensors", "copy.safetensors"));
    assertThat(studio.pixels(again)).isEqualTo(before);
    try (SafetensorsFile file = SafetensorsFile.open(saved)) {
      assertThat(file.metadata()).containsKey("prompt");
    }
    Files.delete(saved);
  }

  @Test
  void sdxlCheckpointsAreSavedUnderTheNamesTheyCameWith() {
    String saving =
        "{'20':{'class_type':'CheckpointSave','inputs':{'model':['4',0],'clip':['4',1],'vae':['10',0],'filename_prefix':'xl'}}}";
    assertThat(studio.run(Studio.with(studio.checkpointWithoutVae("tiny_sdxl"), saving)))
        .isInstanceOf(ExecutionOutcome.Succeeded.class);
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
    assertThat(studio.pixels(Studio.linked("3", "model", "10", parts)))
        .isEqualTo(studio.pixels(Json.object(Studio.BASE)));
  }

  @Test
  void twoTextEncodersOfTheirOwnAreTheCheckpointsTwo() {
    String first = "conditioner.embedders.0.transformer.text_model.";
    String second = "conditioner.embedders.1.model.";
    String checkpoint = studio.checkpointWithoutVae("tiny_sdxl");
    studio
        .model(encoder("tiny_sdxl", first, "text_model.", "l"), "text_encoders", "l.safetensors")
        .model(encoder("tiny_sdxl", second, "", "g"), "text_encoders", "g.safetensors");
    String nodes =
        """
        {'11':{'class_type':'DualCLIPLoader','inputs':{'clip_name1':'l.safetensors','clip_name2':'g.safetensors','type':'sdxl'}},
         '12':{'class_type':'CLIPTextEncode','inputs':{'text':'a red house','clip':['11',0]}},
         '13':{'class_type':'CLIPMergeSimple','inputs':{'clip1':['4',1],'clip2':['11',0],'ratio':0.5}},
         '14':{'class_type':'CLIPTextEncode','inputs':{'text':'a red house','clip':['13',0]}}}
        """;
    byte[] own = studio.pixels(Studio.linked("3", "positive", "12", checkpoint, nodes));
    assertThat(own).isEqualTo(studio.pixels(Studio.with(checkpoint)));
    assertThat(studio.pixels(Studio.linked("3", "positive", "14", checkpoint, nodes)))
        .isEqualTo(own);
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
      Path made = Files.createTempFile(studio.base, "encoder", ".safetensors");
      String config = "{\"encoder\":\"" + kind + "\",\"bos\":126,\"eos\":127}";
      SafetensorsWriter.write(made, tensors, Map.of("config", config));
      return made;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theRefinerIsToldItsScore() {
    String checkpoint = studio.checkpointWithoutVae("tiny_refiner");
    String nodes =
        """
        {'11':{'class_type':'CLIPTextEncodeSDXLRefiner','inputs':{'ascore':6.0,'width':64,'height':64,'text':'a red house','clip':['4',1]}},
         '12':{'class_type':'CLIPTextEncodeSDXLRefiner','inputs':{'ascore':1.0,'width':64,'height':64,'text':'a red house','clip':['4',1]}}}
        """;
    byte[] usual = studio.pixels(Studio.with(checkpoint));
    assertThat(studio.pixels(Studio.linked("3", "positive", "11", checkpoint, nodes)))
        .isEqualTo(usual);
    assertThat(studio.pixels(Studio.linked("3", "positive", "12", checkpoint, nodes)))
        .isNotEqualTo(usual);
  }

  @Test
  void embeddingsStandForTokensAndMissingOnesForNothing() {
    studio
        .model(
            studio.written(Map.of("emb_params", Studio.random(5, 2, 64))),
            "embeddings",
            "style.safetensors")
        .model(
            studio.written(Map.of("emb_params", Studio.random(5, 2, 32))),
            "embeddings",
            "wide.safetensors");
    String prompt = "{'6':{'class_type':'CLIPTextEncode','inputs':{'text':'%s','clip':['4',1]}}}";
    byte[] without = studio.pixels(Studio.with(prompt.formatted("a house")));
    byte[] missing = studio.pixels(Studio.with(prompt.formatted("a house embedding:none")));
    byte[] styled = studio.pixels(Studio.with(prompt.formatted("a house embedding:style")));
    assertThat(missing).isEqualTo(without);
    assertThat(styled).isNotEqualTo(without);
    assertThat(studio.pixels(Studio.with(prompt.formatted("a house embedding:style.safetensors"))))
        .isEqualTo(styled);
    assertThat(studio.pixels(Studio.with(prompt.formatted("a house (embedding:style:1.3)"))))
        .isNotEqualTo(styled);
    assertThat(studio.failure(Studio.with(prompt.formatted("embedding:wide"))))
        .contains("'wide'")
        .contains("64 wide");
  }
}
